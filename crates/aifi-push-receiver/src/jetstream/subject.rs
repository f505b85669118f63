//! The subjects under which messages lie.

use uuid::Uuid;

/// All events, and all that is there for a single consumer.
pub(super) const EVENTS: &str = "aifi-push.event.>";
pub(super) const AGAIN: &str = "aifi-push.again.>";
pub(super) const PROBES: &str = "aifi-push.probe.>";
pub(super) const QUARANTINED: &str = "aifi-push.quarantined.>";
pub(super) const DEAD: &str = "aifi-push.dead.>";
pub(super) const RETRY: &str = "aifi-push.retry.>";

/// Which event a message is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) operation: String,
    /// Its sequence in the stream of events when it arrived.
    pub(super) position: u64,
    pub(super) id: Uuid,
}

impl Key {
    /// The event itself, in the stream of events.
    pub(super) fn event(&self) -> String {
        event(&self.operation, self.id)
    }

    /// The event set aside as its body does not decode.
    pub(super) fn quarantined(&self) -> String {
        format!("aifi-push.quarantined.{self}")
    }

    /// The event for one consumer, once more.
    pub(super) fn again(&self, consumer: &str) -> String {
        format!("aifi-push.again.{consumer}.{self}")
    }

    /// The event as a dead letter of a consumer.
    pub(super) fn dead(&self, consumer: &str) -> String {
        format!("aifi-push.dead.{consumer}.{self}")
    }

    /// What failed when a consumer last tried, without the event.
    pub(super) fn retry(&self, consumer: &str) -> String {
        format!("aifi-push.retry.{consumer}.{self}")
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.operation, self.position, self.id)
    }
}

pub(super) fn event(operation: &str, id: Uuid) -> String {
    format!("aifi-push.event.{operation}.{id}")
}

/// The events of an operation, or of all.
pub(super) fn events_of(operation: Option<&str>) -> String {
    operation.map_or_else(
        || EVENTS.to_owned(),
        |operation| format!("aifi-push.event.{operation}.*"),
    )
}

pub(super) fn again_of(consumer: &str) -> String {
    format!("aifi-push.again.{consumer}.>")
}

pub(super) fn probe() -> String {
    format!("aifi-push.probe.{}", Uuid::now_v7())
}

/// The event of an id, whatever its operation.
pub(super) fn event_of(id: Uuid) -> String {
    event("*", id)
}

/// What waits to be seen again of an event.
pub(super) fn again_of_event(id: Uuid) -> String {
    format!("aifi-push.again.*.*.*.{id}")
}

pub(super) fn quarantined_of(id: Uuid) -> String {
    format!("aifi-push.quarantined.*.*.{id}")
}

pub(super) fn dead_of(consumer: &str, id: Uuid) -> String {
    format!("aifi-push.dead.{consumer}.*.*.{id}")
}

pub(super) fn retry_of(consumer: &str, id: Uuid) -> String {
    format!("aifi-push.retry.{consumer}.*.*.{id}")
}

/// The event that a subject names, given the sequence of the message, and the consumer that the
/// message is for, if it is for one.
pub(super) fn parse(subject: &str, sequence: u64) -> Option<(Key, Option<&str>)> {
    let mut tokens = subject.split('.');
    let kind = tokens.nth(1)?;
    let consumer = ["again", "dead", "retry"]
        .contains(&kind)
        .then(|| tokens.next())
        .flatten();
    let operation = tokens.next()?.to_owned();
    let position = match kind {
        "event" => sequence,
        _ => tokens.next()?.parse().ok()?,
    };
    let id = tokens.next()?.parse().ok()?;
    let key = Key {
        operation,
        position,
        id,
    };
    Some((key, consumer))
}
