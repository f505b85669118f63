//! Why a call failed.

use std::{borrow::Cow, error::Error as StdError, time::Duration};

use super::Rejection;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a call failed, or why no client could be made.
///
/// Neither `Display` nor `Debug` shows the token, the event or the body of an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client can't be used as configured. Nothing was sent.
    #[error("{setting}: {reason}")]
    Configuration {
        /// The method of the builder that sets what is wrong.
        setting: &'static str,
        /// What is wrong, and the way out.
        reason: Cow<'static, str>,
        /// What led to it, if that was another error.
        source: Option<BoxError>,
    },

    /// The source of the token gave none. Nothing was sent.
    #[error("bearer_token_source: the source gave no token")]
    Token {
        /// The error of the source.
        source: BoxError,
    },

    /// No connection came about, or none with TLS. Nothing was sent.
    #[error("could not connect to {origin}")]
    Connect {
        /// Scheme, host and port of the server.
        origin: String,
        /// What went wrong.
        source: BoxError,
    },

    /// No answer came in time. The event may have arrived.
    #[error("{origin} did not answer within {timeout:?}")]
    TimedOut {
        /// Scheme, host and port of the server.
        origin: String,
        /// The time that was given.
        timeout: Duration,
        /// What went wrong.
        source: BoxError,
    },

    /// The connection ended before an answer came. The event may have arrived.
    #[error("the connection to {origin} ended before an answer came")]
    Disconnected {
        /// Scheme, host and port of the server.
        origin: String,
        /// What went wrong.
        source: BoxError,
    },

    /// The server does not accept the token: status 401 or 403.
    #[error("the server does not accept the token: {0}")]
    Unauthorized(Rejection),

    /// The server answered with any other status that is no success.
    #[error("the server rejected the call: {0}")]
    Rejected(Rejection),
}

impl Error {
    /// Whether sending the same event again may succeed.
    ///
    /// | error | retryable |
    /// |---|---|
    /// | `Configuration` | no |
    /// | `Token` | yes: the source is asked again |
    /// | `Connect`, `TimedOut`, `Disconnected` | yes; after the latter two the event may arrive twice |
    /// | `Unauthorized` | no |
    /// | `Rejected` | for 408, 425, 429, 500, 502, 503, 504 and 507 |
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Configuration { .. } | Self::Unauthorized(_) => false,
            Self::Token { .. }
            | Self::Connect { .. }
            | Self::TimedOut { .. }
            | Self::Disconnected { .. } => true,
            Self::Rejected(rejection) => matches!(
                rejection.status(),
                408 | 425 | 429 | 500 | 502 | 503 | 504 | 507
            ),
        }
    }

    /// The answer of the server, if there was one.
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Unauthorized(rejection) | Self::Rejected(rejection) => Some(rejection),
            Self::Configuration { .. }
            | Self::Token { .. }
            | Self::Connect { .. }
            | Self::TimedOut { .. }
            | Self::Disconnected { .. } => None,
        }
    }

    pub(super) fn configuration(
        setting: &'static str,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Configuration {
            setting,
            reason: reason.into(),
            source: None,
        }
    }
}
