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
use crate::{Answer, DecodeError, from_slice, operations};

/// How much of a body is kept, in bytes.
const BODY_LIMIT: usize = 8 * 1024;

/// The same of an answer, such as an order with its cart.
const ANSWER_LIMIT: usize = 1024 * 1024;

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

    /// Returns the body as received: the first 8 KiB, or 1 MiB of the answer to a
    /// [question](crate::Question), or less if the connection broke.
    pub fn body(&self) -> &[u8] {
        &self.received.body
    }

    /// Returns `true` if the [body](Self::body) is all of it: it was not too long, and the connection
    /// did not break.
    pub fn is_complete(&self) -> bool {
        self.received.is_complete
    }
}

impl<T: DeserializeOwned> Response<T> {
    /// Decodes the body.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError`] if the body is not a `T`, is empty or is longer than is kept.
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

    /// Returns `true` if the receiver of `aifi-push-receiver` stored a question, but nobody answered it
    /// in time: 503 with the type `E_UNANSWERED`. Whoever asks again has another event stored.
    pub fn is_unanswered(&self) -> bool {
        // Not a model, as another document may have none of it.
        let error = || from_slice::<serde_json::Value>(self.body());
        self.status() == 503 && error().is_ok_and(|error| error["type"] == "E_UNANSWERED")
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
    is_complete: bool,
}

impl Received {
    fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("status", &self.status.as_u16())
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Returns success or the error for a response to an operation, by its status alone.
pub(super) async fn classify_response<T>(
    operation: &str,
    response: reqwest::Response,
) -> Result<Response<T>, Error> {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let limit = if status.is_success() && is_question(operation) {
        ANSWER_LIMIT
    } else {
        BODY_LIMIT
    };
    let (body, is_complete) = read_body(response, limit).await;
    let received = Received {
        status,
        body,
        is_complete,
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

fn is_question(id: &str) -> bool {
    let mut operations = operations::ALL.iter();
    operations.any(|operation| operation.id == id && operation.answer == Answer::Used)
}

/// Reads the body up to a limit, and returns whether that is all of it. The status has decided
/// already, so a body that breaks off ends there.
async fn read_body(mut response: reqwest::Response, limit: usize) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let rest = limit - body.len();
                if chunk.len() > rest {
                    body.extend_from_slice(&chunk[..rest]);
                    return (body, false);
                }
                body.extend_from_slice(&chunk);
            }
            Ok(None) => return (body, true),
            Err(_) => return (body, false),
        }
    }
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
