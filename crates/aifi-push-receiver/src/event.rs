//! An event as it arrived.

use std::fmt;

use aifi_push::{Operation, operations};
use axum::body::Bytes;
use chrono::{DateTime, SubsecRound, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// An event as it arrived: its bytes, and what the receiver knows of them.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The receiver's own id, a UUID of version 7: a new one for each arrival, so that two
    /// identical notifications are two events.
    pub id: Uuid,
    /// When the body had arrived in full, to the microsecond.
    pub received_at: DateTime<Utc>,
    /// The `operationId` of the document, such as `transition_left`.
    pub operation: String,
    /// The digest of the body: equal for twins.
    pub digest: Digest,
    /// The body, byte for byte.
    pub body: Bytes,
}

impl Event {
    /// An event that arrives now.
    pub fn arrived(operation: &Operation, body: impl Into<Bytes>) -> Self {
        Self::with_id(Uuid::now_v7(), operation, body.into())
    }

    /// What the document says of its kind; `None` for one that a later version stored.
    pub fn known_operation(&self) -> Option<&'static Operation> {
        let mut known = operations::ALL.iter();
        known.find(|operation| operation.id == self.operation)
    }

    pub(crate) fn with_id(id: Uuid, operation: &Operation, body: Bytes) -> Self {
        Self {
            id,
            received_at: Utc::now().trunc_subsecs(6),
            operation: operation.id.to_owned(),
            digest: Digest::of(&body),
            body,
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body tells of a customer.
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("received_at", &self.received_at)
            .field("operation", &self.operation)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The SHA-256 of a body. It prints as hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of a body.
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
