//! The operations of the document.

use serde::{Serialize, de::DeserializeOwned};

use crate::{DecodeError, from_slice};

/// An operation of the document: a kind of event.
///
/// # Examples
///
/// ```
/// use aifi_push::operations;
///
/// assert_eq!(operations::TRANSITION_LEFT.path, "/api/push/transition/left");
/// assert_eq!(operations::TRANSITION_LEFT.segment(), "left");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Operation {
    /// The `operationId`, which is also the name of the client's method.
    pub id: &'static str,
    /// The HTTP method, in upper case.
    pub method: &'static str,
    /// The path below the base URL, with a leading slash.
    pub path: &'static str,
    /// The example of the request body, as JSON.
    pub example: Option<&'static str>,
    pub(crate) decodes: fn(&[u8]) -> Result<(), DecodeError>,
}

impl Operation {
    /// Returns the last segment of the path. The platform appends it to the URL that a retailer
    /// configured: with `https://retailer.example/webhook`, it calls `/webhook/left`.
    pub fn segment(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Checks that a body decodes into the model of the operation.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError`] if it does not.
    pub fn check(&self, body: &[u8]) -> Result<(), DecodeError> {
        (self.decodes)(body)
    }
}

/// A model that is the body of an operation.
pub trait Push: Serialize + DeserializeOwned {
    /// The operation.
    const OPERATION: Operation;
}

pub(crate) fn decodes<T: DeserializeOwned>(body: &[u8]) -> Result<(), DecodeError> {
    from_slice::<T>(body).map(drop)
}
