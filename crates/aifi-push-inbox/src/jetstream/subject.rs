//! The subjects of messages.

use uuid::Uuid;

/// All messages of a kind.
pub(super) const EVENTS: &str = "aifi-push.event.>";
pub(super) const QUARANTINED: &str = "aifi-push.quarantined.>";
pub(super) const PROBES: &str = "aifi-push.probe.>";
pub(super) const DEAD: &str = "aifi-push.dead.>";
pub(super) const RETRIES: &str = "aifi-push.retry.>";

/// Which event a message is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) operation: String,
    /// The sequence of the event in the stream of events.
    pub(super) position: u64,
    pub(super) id: Uuid,
}

impl Key {
    /// The event itself.
    pub(super) fn event(&self) -> String {
        event(&self.operation, self.id)
    }

    /// The event for one consumer that has yet to acknowledge it.
    pub(super) fn retry(&self, consumer: &str) -> String {
        format!("aifi-push.retry.{consumer}.{self}")
    }

    /// The event as a dead letter of a consumer.
    pub(super) fn dead(&self, consumer: &str) -> String {
        format!("aifi-push.dead.{consumer}.{self}")
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

pub(super) fn quarantined(operation: &str, id: Uuid) -> String {
    format!("aifi-push.quarantined.{operation}.{id}")
}

pub(super) fn probe() -> String {
    format!("aifi-push.probe.{}", Uuid::now_v7())
}

/// The events of an operation, or of all.
pub(super) fn events_of(operation: Option<&str>) -> String {
    operation.map_or_else(
        || EVENTS.to_owned(),
        |operation| format!("aifi-push.event.{operation}.*"),
    )
}

/// The quarantined events of an operation, or of all.
pub(super) fn quarantined_of(operation: Option<&str>) -> String {
    operation.map_or_else(
        || QUARANTINED.to_owned(),
        |operation| format!("aifi-push.quarantined.{operation}.*"),
    )
}

/// The retries of a consumer.
pub(super) fn retries_of(consumer: &str) -> String {
    format!("aifi-push.retry.{consumer}.>")
}

/// The dead letters of a consumer.
pub(super) fn dead_of(consumer: &str) -> String {
    format!("aifi-push.dead.{consumer}.>")
}

/// The event of an id, whatever its operation.
pub(super) fn event_with(id: Uuid) -> String {
    event("*", id)
}

/// The quarantined event of an id, whatever its operation.
pub(super) fn quarantined_with(id: Uuid) -> String {
    quarantined("*", id)
}

/// The retries of an event, of a consumer or of all by `*`.
pub(super) fn retry_with(consumer: &str, id: Uuid) -> String {
    format!("aifi-push.retry.{consumer}.*.*.{id}")
}

/// The dead letters of an event, of a consumer or of all by `*`.
pub(super) fn dead_with(consumer: &str, id: Uuid) -> String {
    format!("aifi-push.dead.{consumer}.*.*.{id}")
}

/// What a subject says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    pub(super) key: Key,
    /// The consumer that the message is for, if it is for one.
    pub(super) consumer: Option<&'a str>,
    pub(super) is_quarantined: bool,
}

/// Reads a subject, given the sequence of the message.
pub(super) fn parse(subject: &str, sequence: u64) -> Option<Parsed<'_>> {
    let mut tokens = subject.split('.');
    let kind = tokens.nth(1)?;
    let is_of_consumer = ["dead", "retry"].contains(&kind);
    let consumer = if is_of_consumer { tokens.next() } else { None };
    let operation = tokens.next()?.to_owned();
    let position = if is_of_consumer {
        tokens.next()?.parse().ok()?
    } else {
        sequence
    };
    let id = tokens.next()?.parse().ok()?;
    Some(Parsed {
        key: Key {
            operation,
            position,
            id,
        },
        consumer,
        is_quarantined: kind == "quarantined",
    })
}
