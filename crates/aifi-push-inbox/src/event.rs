//! An event as it arrived, and whether its body decodes.

use std::{collections::BTreeMap, fmt};

use aifi_push::{Operation, operations};
use bytes::Bytes;
use chrono::{DateTime, SubsecRound, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::trace_parent::{TRACE_PARENT_HEADER, TraceParent};

/// An event as it arrived: its bytes, and what the receiver knows about them.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The receiver's own id, a version 7 UUID: a new one for each arrival, so that two identical
    /// requests are two events.
    pub id: Uuid,
    /// When the body had arrived in full, to the microsecond.
    pub received_at: DateTime<Utc>,
    /// The `operationId` of the document, such as `transition_left`.
    pub operation: String,
    /// The digest of the body: equal for duplicates.
    pub digest: Digest,
    /// Headers of the request that matter later, by lower-case name: what a body that failed to decode
    /// is made of, where an event that another receiver forwarded has been, and the trace that it
    /// belongs to. Mostly empty.
    pub headers: BTreeMap<String, String>,
    /// The body, byte for byte.
    pub body: Bytes,
}

impl Event {
    /// Creates an event that arrives now, with a new id.
    ///
    /// ```
    /// use aifi_push::operations::TRANSITION_LEFT;
    /// use aifi_push_inbox::Event;
    ///
    /// let event = Event::new(&TRANSITION_LEFT, r#"{"storeId": 7}"#);
    /// assert_eq!(event.operation, "transition_left");
    /// ```
    pub fn new(operation: &Operation, body: impl Into<Bytes>) -> Self {
        Self::with_id(Uuid::now_v7(), operation, body)
    }

    /// Creates an event that arrives now, with an id that was assigned before.
    pub fn with_id(id: Uuid, operation: &Operation, body: impl Into<Bytes>) -> Self {
        Self::from_parts(id, Utc::now(), operation.id, body)
    }

    /// Creates an event of any operation, also one that this version of the document does not list.
    pub fn from_parts(
        id: Uuid,
        received_at: DateTime<Utc>,
        operation: impl Into<String>,
        body: impl Into<Bytes>,
    ) -> Self {
        let body = body.into();
        Self {
            id,
            received_at: received_at.trunc_subsecs(6),
            operation: operation.into(),
            digest: Digest::of(&body),
            headers: BTreeMap::new(),
            body,
        }
    }

    /// Sets the headers to keep. Defaults to none.
    pub fn headers(mut self, headers: BTreeMap<String, String>) -> Self {
        self.headers = headers;
        self
    }

    /// Returns the span that the request came from, if it said so.
    pub fn trace_parent(&self) -> Option<TraceParent> {
        self.headers.get(TRACE_PARENT_HEADER)?.parse().ok()
    }

    /// The headers as an inbox stores them: a JSON object, or nothing if there are none.
    #[cfg(any(feature = "sqlite", feature = "jetstream"))]
    pub(crate) fn headers_to_json(&self) -> Option<String> {
        let headers = self.headers.iter();
        let headers: serde_json::Map<_, _> = headers
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect();
        (!headers.is_empty()).then(|| serde_json::Value::from(headers).to_string())
    }

    /// Reads what [`headers_to_json`](Self::headers_to_json) returned.
    #[cfg(any(feature = "sqlite", feature = "jetstream"))]
    pub(crate) fn headers_from_json(
        json: Option<&str>,
    ) -> serde_json::Result<BTreeMap<String, String>> {
        json.map_or(Ok(BTreeMap::new()), serde_json::from_str)
    }

    /// Returns what the document says about the operation, or `None` if a later version stored the
    /// event.
    pub fn known_operation(&self) -> Option<&'static Operation> {
        let mut known = operations::ALL.iter();
        known.find(|operation| operation.id == self.operation)
    }

    /// Returns `true` if the body decodes by the document of this version.
    pub fn decodes(&self) -> bool {
        let operation = self.known_operation();
        operation.is_some_and(|operation| operation.check(&self.body).is_ok())
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body contains personal data.
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("received_at", &self.received_at)
            .field("operation", &self.operation)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Whether the body of an event decodes, as the receiver found before it stored the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The body decodes: the event is delivered to every consumer.
    Accepted,
    /// The body fails to decode: the event is stored, and delivered to nobody until it is
    /// [requeued](crate::Admin::requeue).
    Quarantined {
        /// Why, without values of the body.
        problem: String,
    },
}

/// An event to store, with its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// The event.
    pub event: Event,
    /// Whether its body decodes.
    pub verdict: Verdict,
}

impl NewEvent {
    /// Creates an accepted event.
    pub fn accepted(event: Event) -> Self {
        Self {
            event,
            verdict: Verdict::Accepted,
        }
    }

    /// Creates a quarantined event.
    pub fn quarantined(event: Event, problem: impl Into<String>) -> Self {
        Self {
            event,
            verdict: Verdict::Quarantined {
                problem: problem.into(),
            },
        }
    }

    /// Returns why the event is quarantined, or `None` if it is not.
    pub fn problem(&self) -> Option<&str> {
        match &self.verdict {
            Verdict::Accepted => None,
            Verdict::Quarantined { problem } => Some(problem),
        }
    }
}

/// The SHA-256 digest of a body. It displays as hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Returns the digest of a body.
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    /// Returns the 32 bytes.
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
