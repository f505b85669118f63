//! What the document says of an operation.

use serde::{Serialize, de::DeserializeOwned};

use crate::{DecodeError, from_slice};

/// An operation of the document: one kind of push.
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
    /// The HTTP method, in capitals.
    pub method: &'static str,
    /// The path below the base URL, with a slash in front.
    pub path: &'static str,
    /// The example of the request body, as JSON.
    pub example: Option<&'static str>,
    pub(crate) decodes: fn(&[u8]) -> Result<(), DecodeError>,
}

impl Operation {
    /// The last segment of the path. The platform adds it to the URL that a retailer configured:
    /// with `https://retailer.example/webhook`, it calls `/webhook/left`.
    pub fn segment(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Checks that a body decodes into the model of this operation.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] names the field that is wrong.
    pub fn check(&self, body: &[u8]) -> Result<(), DecodeError> {
        (self.decodes)(body)
    }
}

/// A model that is the body of an operation.
pub trait Push: Serialize + DeserializeOwned {
    /// The operation that sends it.
    const OPERATION: Operation;
}

pub(crate) fn decodes<T: DeserializeOwned>(body: &[u8]) -> Result<(), DecodeError> {
    from_slice::<T>(body).map(drop)
}
