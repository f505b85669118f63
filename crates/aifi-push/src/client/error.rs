//! Why a call failed.

use std::{borrow::Cow, error::Error as StdError, time::Duration};

use super::Rejection;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a call failed, or why a client could not be built.
///
/// Neither `Display` nor `Debug` shows the token, the event or the body of a response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration of the client is invalid. Nothing was sent.
    #[error("{setting}: {reason}")]
    Configuration {
        /// The method of the builder that made the setting.
        setting: &'static str,
        /// What is invalid, and how to fix it.
        reason: Cow<'static, str>,
        /// The underlying error, if there was one.
        source: Option<BoxError>,
    },

    /// The source of the token failed. Nothing was sent.
    #[error("bearer_token_source: the source returned no token")]
    Token {
        /// The error of the source.
        source: BoxError,
    },

    /// Connecting failed, TLS included. Nothing was sent.
    #[error("could not connect to {origin}")]
    Connect {
        /// Scheme, host and port of the server.
        origin: String,
        /// The underlying error.
        source: BoxError,
    },

    /// No response arrived in time. The event may have arrived.
    #[error("{origin} did not respond {}", within(.timeout))]
    TimedOut {
        /// Scheme, host and port of the server.
        origin: String,
        /// The timeout that was set, or `None` if it is that of a given HTTP client.
        timeout: Option<Duration>,
        /// The underlying error.
        source: BoxError,
    },

    /// The connection ended before a response arrived. The event may have arrived.
    #[error("the connection to {origin} ended before a response arrived")]
    Disconnected {
        /// Scheme, host and port of the server.
        origin: String,
        /// The underlying error.
        source: BoxError,
    },

    /// The server does not accept the token: status 401 or 403.
    #[error("the server does not accept the token: {0}")]
    Unauthorized(Rejection),

    /// The server responded with any other status than success.
    #[error("the server rejected the call: {0}")]
    Rejected(Rejection),
}

impl Error {
    /// Returns `true` if sending the same event again may succeed.
    ///
    /// | error | retryable |
    /// |---|---|
    /// | `Configuration` | no |
    /// | `Token` | yes: the source is called again |
    /// | `Connect`, `TimedOut`, `Disconnected` | yes; after the latter two the event may arrive twice |
    /// | `Unauthorized` | no |
    /// | `Rejected` | for 408, 425, 429, 500, 502, 503, 504 and 507, unless the event [is stored](Rejection::is_unanswered) |
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Configuration { .. } | Self::Unauthorized(_) => false,
            Self::Token { .. }
            | Self::Connect { .. }
            | Self::TimedOut { .. }
            | Self::Disconnected { .. } => true,
            Self::Rejected(rejection) => {
                let may_pass = matches!(
                    rejection.status(),
                    408 | 425 | 429 | 500 | 502 | 503 | 504 | 507
                );
                may_pass && !rejection.is_unanswered()
            }
        }
    }

    /// Returns the response of the server, if there was one.
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

fn within(timeout: &Option<Duration>) -> String {
    match timeout {
        Some(timeout) => format!("within {timeout:?}"),
        None => "in time".to_owned(),
    }
}
