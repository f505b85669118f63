//! What can go wrong with the settings of a receiver, and with a server.

use std::borrow::Cow;

/// Why a receiver can't be built. It contains no token.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {reason}")]
pub struct ReceiverError {
    setting: &'static str,
    reason: Cow<'static, str>,
}

impl ReceiverError {
    pub(crate) fn new(setting: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            setting,
            reason: reason.into(),
        }
    }

    /// Returns the setting that is wrong.
    pub fn setting(&self) -> &str {
        self.setting
    }

    /// Returns what is wrong with it, and how to fix it.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Why a server can't start.
#[cfg(feature = "server")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address can't be listened on.
    #[error("can't listen on {address}")]
    Listen {
        /// The address.
        address: String,
        /// What went wrong.
        source: std::io::Error,
    },

    /// A PEM file could not be read.
    #[cfg(feature = "tls")]
    #[error("{}: {action} failed", path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What was tried.
        action: &'static str,
        /// What went wrong.
        source: aifi_push_inbox::BoxError,
    },

    /// The certificates and the private key can't be used together.
    #[cfg(feature = "tls")]
    #[error("the certificates in {} and the key in {} don't work", certificates.display(), key.display())]
    Tls {
        /// The file of the certificates.
        certificates: std::path::PathBuf,
        /// The file of the private key.
        key: std::path::PathBuf,
        /// What went wrong.
        source: aifi_push_inbox::BoxError,
    },
}
