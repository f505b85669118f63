//! The response of a server, read up to a limit.

use std::{
    fmt,
    marker::PhantomData,
    time::{Duration, SystemTime},
};

use chrono::DateTime;
use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use serde::de::DeserializeOwned;

use super::Error;
use crate::{DecodeError, from_slice};

/// How much of a body is kept, in bytes.
const BODY_LIMIT: usize = 8 * 1024;

/// The response to an event that arrived.
///
/// `T` is the type of the body by the document. The vendor does not guarantee it, so the body is
/// decoded on demand only.
#[derive(Clone)]
pub struct Response<T> {
    received: Received,
    documented: PhantomData<fn() -> T>,
}

impl<T> Response<T> {
    /// Returns the status, from 200 to 299.
    pub fn status(&self) -> u16 {
        self.received.status.as_u16()
    }

    /// Returns the body as received: the first 8 KiB, or less if the connection broke.
    pub fn body(&self) -> &[u8] {
        &self.received.body
    }
}

impl<T: DeserializeOwned> Response<T> {
    /// Decodes the body.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError`] if the body is not a `T`, is empty or is longer than 8 KiB.
    pub fn decode(&self) -> Result<T, DecodeError> {
        from_slice(self.body())
    }
}

impl<T> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.received.fmt_as("Response", f)
    }
}

/// A response whose status is not a success.
///
/// Its `Display` and `Debug` leave out the body, in which a server may repeat what was sent.
#[derive(Clone)]
pub struct Rejection {
    received: Received,
    retry_after: Option<Duration>,
}

impl Rejection {
    /// Returns the status.
    pub fn status(&self) -> u16 {
        self.received.status.as_u16()
    }

    /// Returns the body as received: the first 8 KiB, or less if the connection broke.
    ///
    /// By the document it is an [`ApiError`](crate::types::ApiError); try [`from_slice`] for it.
    pub fn body(&self) -> &[u8] {
        &self.received.body
    }

    /// Returns how long the server asks to wait before the next call: its `Retry-After`, counted
    /// from the arrival of the response.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.received.status)?;
        if self.received.status.is_redirection() {
            f.write_str(" (redirects are not followed: set the final address as the base URL)")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.received.fmt_as("Rejection", f)
    }
}

#[derive(Clone)]
struct Received {
    status: StatusCode,
    body: Vec<u8>,
}

impl Received {
    fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("status", &self.status.as_u16())
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Returns success or the error for a response, by its status alone.
pub(super) async fn classify_response<T>(
    response: reqwest::Response,
) -> Result<Response<T>, Error> {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let received = Received {
        status,
        body: read_body(response).await,
    };
    if status.is_success() {
        return Ok(Response {
            received,
            documented: PhantomData,
        });
    }
    let rejection = Rejection {
        received,
        retry_after,
    };
    Err(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::Unauthorized(rejection),
        _ => Error::Rejected(rejection),
    })
}

/// Reads the body up to the limit. The status has decided already, so a body that breaks off ends
/// there.
async fn read_body(mut response: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < BODY_LIMIT {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let rest = BODY_LIMIT - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(rest)]);
            }
            Ok(None) | Err(_) => break,
        }
    }
    body
}

/// Reads `Retry-After` in either of its forms: seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date: SystemTime = DateTime::parse_from_rfc2822(value).ok()?.into();
    // A date that has passed asks for no wait.
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}
