//! What can go wrong with an inbox: an error type for each role.
//!
//! None of them contains a token, or anything of an event but its id.

use std::{borrow::Cow, error::Error as StdError, path::PathBuf};

use uuid::Uuid;

use crate::consumer_name::InvalidConsumerName;

/// Any error.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why an inbox could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A setting is invalid, or what is there does not match the settings. Nothing was changed.
    #[error("{setting}: {reason}")]
    Configuration {
        /// The setting.
        setting: &'static str,
        /// What is wrong, and how to fix it.
        reason: Cow<'static, str>,
    },

    /// A file could not be read or created.
    #[error("{}: {action} failed", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What went wrong.
        source: BoxError,
    },

    /// Another process receives into the inbox.
    #[error(
        "{}: another process receives into this inbox: stop it, or choose another file",
        path.display()
    )]
    InUse {
        /// The file of the inbox.
        path: PathBuf,
    },

    /// The inbox could not be reached.
    #[error("{inbox}: {action} failed")]
    Unavailable {
        /// The inbox.
        inbox: String,
        /// What was tried.
        action: &'static str,
        /// What went wrong.
        source: BoxError,
    },
}

impl OpenError {
    #[cfg(any(feature = "sqlite", feature = "jetstream"))]
    pub(crate) fn configuration(
        setting: &'static str,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Configuration {
            setting,
            reason: reason.into(),
        }
    }

    #[cfg(any(feature = "sqlite", feature = "jetstream"))]
    pub(crate) fn file(
        path: impl Into<PathBuf>,
        action: &'static str,
        source: impl Into<BoxError>,
    ) -> Self {
        Self::File {
            path: path.into(),
            action,
            source: source.into(),
        }
    }
}

/// Why an inbox could not be [backed up](crate::SqliteInbox::backup) or restored. Nothing was changed.
#[cfg(feature = "sqlite")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A file could not be opened, read or written.
    #[error(transparent)]
    Open(#[from] OpenError),

    /// Something has the name of the backup.
    #[error("{}: the file exists: choose another name, or allow to replace it", path.display())]
    Exists {
        /// The name.
        path: PathBuf,
    },

    /// The inbox has events.
    #[error(
        "{}: the inbox has {events} events: choose another file, or allow to replace it, which keeps \
         the old file beside it",
        path.display()
    )]
    HasEvents {
        /// The file of the inbox.
        path: PathBuf,
        /// How many it has.
        events: u64,
    },

    /// What is in the place of the inbox can't be read.
    #[error(
        "{}: what is there can't be read: choose another file, or allow to replace it, which \
         keeps the old file beside it",
        path.display()
    )]
    Unreadable {
        /// The file of the inbox.
        path: PathBuf,
        /// Why not.
        source: Box<BackupError>,
    },

    /// Backup and inbox are the same file.
    #[error("{}: the backup and the inbox are the same file", path.display())]
    Itself {
        /// The file.
        path: PathBuf,
    },

    /// The disk has no room for the copy.
    #[error(
        "{}: no room for the copy: it needs {needed} bytes on the disk, and {free} are free",
        path.display()
    )]
    NoRoom {
        /// The file that was to be written.
        path: PathBuf,
        /// How many bytes it needs, with some that are left to others.
        needed: u64,
        /// How many bytes are free.
        free: u64,
    },

    /// The copy is damaged, as what was copied is.
    #[error("{}: the copy is damaged, and so is what was copied: {problem}", path.display())]
    Damaged {
        /// The file that was to be written.
        path: PathBuf,
        /// What was found.
        problem: String,
    },

    /// Another file took the place of the inbox.
    #[error("{}: another file took its place while it was copied: try again", path.display())]
    Changed {
        /// The file of the inbox.
        path: PathBuf,
    },

    /// It was to stop.
    #[error("interrupted: nothing was changed")]
    Canceled,
}

/// Why events are not, or are not known to be, in an inbox.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// Not all events were stored, or it is not known whether they were. Append them again: an event
    /// that is stored already is not stored twice.
    #[error("{inbox}: storing events failed")]
    Failed {
        /// The inbox.
        inbox: String,
        /// What went wrong.
        source: BoxError,
    },

    /// The inbox will never store an event again: [`Append::failed`](crate::Append::failed).
    #[error("{inbox}: the inbox stopped after an internal error: restart the process")]
    Stopped {
        /// The inbox.
        inbox: String,
    },
}

impl AppendError {
    /// Creates an [`AppendError::Failed`].
    pub fn failed(inbox: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Failed {
            inbox: inbox.into(),
            source: source.into(),
        }
    }
}

/// Why a consumer can't subscribe, receive or settle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The consumer exists with settings under which it would miss events.
    #[error(
        "consumer {consumer:?} at {inbox}: {settings} would make it miss events: change it, or choose another name"
    )]
    Drifted {
        /// The inbox.
        inbox: String,
        /// The name of the consumer.
        consumer: String,
        /// The settings that differ.
        settings: String,
    },

    /// The consumer was removed while it was subscribed.
    #[error("{inbox}: consumer {consumer:?} was removed: subscribe again to start anew")]
    Removed {
        /// The inbox.
        inbox: String,
        /// The name of the consumer.
        consumer: String,
    },

    /// The inbox failed. What it was asked may or may not have happened.
    #[error("{inbox}: {action} failed")]
    Failed {
        /// The inbox.
        inbox: String,
        /// What was tried.
        action: &'static str,
        /// What went wrong.
        source: BoxError,
    },
}

impl SubscribeError {
    /// Creates a [`SubscribeError::Failed`].
    pub fn failed(
        inbox: impl Into<String>,
        action: &'static str,
        source: impl Into<BoxError>,
    ) -> Self {
        Self::Failed {
            inbox: inbox.into(),
            action,
            source: source.into(),
        }
    }

    /// Returns `true` if trying again can't help.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Drifted { .. } | Self::Removed { .. } => true,
            Self::Failed { .. } => false,
        }
    }
}

/// Why an administrative request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The inbox contains no event of this id.
    #[error("no event {id} in the inbox")]
    NoSuchEvent {
        /// The id that was asked for.
        id: Uuid,
    },

    /// The inbox has no consumer of this name.
    #[error("no consumer {name:?} in the inbox")]
    NoSuchConsumer {
        /// The name that was asked for.
        name: String,
    },

    /// The inbox failed. What it was asked may have happened in part.
    #[error("{inbox}: {action} failed")]
    Failed {
        /// The inbox.
        inbox: String,
        /// What was tried.
        action: &'static str,
        /// What went wrong.
        source: BoxError,
    },
}

impl AdminError {
    /// Creates an [`AdminError::Failed`].
    pub fn failed(
        inbox: impl Into<String>,
        action: &'static str,
        source: impl Into<BoxError>,
    ) -> Self {
        Self::Failed {
            inbox: inbox.into(),
            action,
            source: source.into(),
        }
    }
}

/// Why a [`Consumer`](crate::Consumer) ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumerError {
    /// The name is invalid.
    #[error(transparent)]
    Name(#[from] InvalidConsumerName),

    /// A setting is invalid. Nothing was received.
    #[error("consumer {consumer:?}: {setting}: {reason}")]
    Configuration {
        /// The name of the consumer.
        consumer: String,
        /// The method of the builder.
        setting: &'static str,
        /// What is wrong, and how to fix it.
        reason: &'static str,
    },

    /// The inbox refuses the consumer for good.
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
}
