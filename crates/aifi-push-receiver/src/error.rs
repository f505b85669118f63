//! What can go wrong with an inbox or a server.

use std::{borrow::Cow, error::Error as StdError, io, path::PathBuf};

use uuid::Uuid;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a receiver can't start, or why its inbox failed.
///
/// It holds no token and nothing of an event but its id.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is wrong. Nothing was started.
    #[error("{setting}: {reason}")]
    Configuration {
        /// The setting.
        setting: &'static str,
        /// What is wrong, and the way out.
        reason: Cow<'static, str>,
    },

    /// A file can't be read or made.
    #[error("{}: {action} failed", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What went wrong.
        source: BoxError,
    },

    /// Another process serves from the inbox.
    #[error(
        "{}: another process receives into this inbox: stop it, or name another file",
        path.display()
    )]
    InUse {
        /// The file of the inbox.
        path: PathBuf,
    },

    /// The inbox could not do what was asked. Nothing of it was done, or, if the connection to the
    /// inbox broke, it may have been.
    #[error("{inbox}: {action} failed")]
    Inbox {
        /// Which inbox.
        inbox: String,
        /// What was asked.
        action: &'static str,
        /// What went wrong.
        source: BoxError,
    },

    /// The inbox holds no event of this id.
    #[error("no event {id} in the inbox")]
    NoSuchEvent {
        /// The id that was asked for.
        id: Uuid,
    },

    /// The address can't be listened on.
    #[error("can't listen on {address}")]
    Listen {
        /// The address.
        address: String,
        /// What went wrong.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn configuration(
        setting: &'static str,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Configuration {
            setting,
            reason: reason.into(),
        }
    }

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
