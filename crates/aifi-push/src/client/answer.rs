//! The answer of a server, read up to a bound.

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

/// How much of an answer is kept, in bytes.
const BODY_LIMIT: usize = 8 * 1024;

/// The answer to an event that arrived.
///
/// `T` is what the document says the body is. The vendor promises nothing for it, so it is decoded
/// on demand only.
#[derive(Clone)]
pub struct Response<T> {
    answer: Answer,
    documented: PhantomData<fn() -> T>,
}

impl<T> Response<T> {
    /// The status, from 200 to 299.
    pub fn status(&self) -> u16 {
        self.answer.status.as_u16()
    }

    /// The body as it came: the first 8 KiB, or less if the connection broke.
    pub fn body(&self) -> &[u8] {
        &self.answer.body
    }
}

impl<T: DeserializeOwned> Response<T> {
    /// Decodes the body into what the document says it is.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the body is of another form, empty or longer than 8 KiB.
    pub fn decode(&self) -> Result<T, DecodeError> {
        from_slice(self.body())
    }
}

impl<T> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.answer.fmt_as("Response", f)
    }
}

/// An answer that is no success.
///
/// Its `Display` and `Debug` leave out the body, in which a server may repeat what was sent.
#[derive(Clone)]
pub struct Rejection {
    answer: Answer,
    retry_after: Option<Duration>,
}

impl Rejection {
    /// The status.
    pub fn status(&self) -> u16 {
        self.answer.status.as_u16()
    }

    /// The body as it came: the first 8 KiB, or less if the connection broke.
    ///
    /// The document says it is an [`ApiError`](crate::types::ApiError), for which [`from_slice`]
    /// can be tried.
    pub fn body(&self) -> &[u8] {
        &self.answer.body
    }

    /// How long the server asks to wait before the next call: its `Retry-After`, counted from the
    /// arrival of the answer.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.answer.status)?;
        if self.answer.status.is_redirection() {
            f.write_str(" (redirects are not followed: give the final address as the base URL)")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.answer.fmt_as("Rejection", f)
    }
}

#[derive(Clone)]
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl Answer {
    fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("status", &self.status.as_u16())
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Judges an answer by its status alone.
pub(super) async fn judge<T>(response: reqwest::Response) -> Result<Response<T>, Error> {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let answer = Answer {
        status,
        body: read(response).await,
    };
    if status.is_success() {
        return Ok(Response {
            answer,
            documented: PhantomData,
        });
    }
    let rejection = Rejection {
        answer,
        retry_after,
    };
    Err(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::Unauthorized(rejection),
        _ => Error::Rejected(rejection),
    })
}

/// Reads the body up to the limit. The status has decided already, so a body that breaks off ends
/// there.
async fn read(mut response: reqwest::Response) -> Vec<u8> {
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
