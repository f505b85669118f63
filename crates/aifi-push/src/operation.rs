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
    /// The fields of the request body that say whom and what an event is about.
    pub subjects: &'static [SubjectField],
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

/// A field of a request body that says whom or what the event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubjectField {
    /// What it identifies.
    pub kind: SubjectKind,
    /// The names of the properties that lead to it, such as `["customer", "id"]`.
    pub path: &'static [&'static str],
}

/// What an event can be about: the values of `x-subject` in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SubjectKind {
    /// A customer, by AiFi's id or the retailer's.
    Customer,
    /// A shopping session, by its token or its number.
    Session,
    /// A shopper.
    Shopper,
    /// A store, by AiFi's id or the retailer's.
    Store,
}

impl SubjectKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Customer, Self::Session, Self::Shopper, Self::Store];

    /// Returns the kind as one word, as in the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Session => "session",
            Self::Shopper => "shopper",
            Self::Store => "store",
        }
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
