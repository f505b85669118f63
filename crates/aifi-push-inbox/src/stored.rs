//! Events as an inbox lists them.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{event::Event, subject::Subject};

/// The place of an event in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Creates a position from a number that [`get`](Self::get) returned.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the position as a number. Numbers grow with the order of arrival and have gaps.
    pub fn get(self) -> u64 {
        self.0
    }
}

/// Which events to [list](crate::Admin::list). The default selects all.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// The event of this id.
    pub id: Option<Uuid>,
    /// Events that arrived at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Events that arrived before this time.
    pub until: Option<DateTime<Utc>>,
    /// Events of this `operationId`.
    pub operation: Option<String>,
    /// Events in this state.
    pub state: Option<EventState>,
    /// Events that are about all of these.
    pub subjects: Vec<Subject>,
    /// Whether the bodies are not needed. An inbox may then leave them empty, which is quicker.
    pub without_bodies: bool,
    /// Whether state and deliveries are not needed, where [`state`](Self::state) selects none. An inbox may
    /// then list the events as pending and without deliveries, and leave out those that it keeps as dead
    /// letters only, which is quicker.
    pub without_states: bool,
}

impl EventFilter {
    /// Returns `true` if state and deliveries are neither needed nor selected by, for inboxes.
    pub fn is_without_states(&self) -> bool {
        self.without_states && self.state.is_none()
    }

    /// Returns `true` if an event in a state is selected, for inboxes.
    pub fn selects(&self, event: &Event, state: EventState) -> bool {
        let is_of = |operation: &String| *operation == event.operation;
        self.id.is_none_or(|id| id == event.id)
            && self.since.is_none_or(|since| event.received_at >= since)
            && self.until.is_none_or(|until| event.received_at < until)
            && self.operation.as_ref().is_none_or(is_of)
            && self.state.is_none_or(|wanted| wanted == state)
            && self.subjects.iter().all(|subject| subject.is_in(event))
    }
}

/// How far an event has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventState {
    /// Its body failed to decode.
    Quarantined,
    /// A consumer exhausted its attempts.
    Dead,
    /// A consumer has yet to acknowledge it, or there is no consumer.
    Pending,
    /// Every consumer acknowledged it.
    Done,
}

impl EventState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Quarantined, Self::Dead, Self::Pending, Self::Done];

    /// Returns the state as one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarantined => "quarantined",
            Self::Dead => "dead",
            Self::Pending => "pending",
            Self::Done => "done",
        }
    }
}

impl fmt::Display for EventState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An event in an inbox.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredEvent {
    /// The event.
    pub event: Event,
    /// Its place in the order of arrival.
    pub position: Position,
    /// How far it has come.
    pub state: EventState,
    /// Why its body failed to decode, if it is quarantined.
    pub problem: Option<String>,
    /// The consumers that have yet to acknowledge a delivery of it, by name.
    pub deliveries: Vec<DeliveryStatus>,
}

impl StoredEvent {
    /// Creates a stored event that is pending, for inboxes and for tests.
    pub fn new(event: Event, position: Position) -> Self {
        Self {
            event,
            position,
            state: EventState::Pending,
            problem: None,
            deliveries: Vec::new(),
        }
    }

    /// Sets the state. Defaults to [`EventState::Pending`].
    pub fn state(mut self, state: EventState) -> Self {
        self.state = state;
        self
    }

    /// Sets why the body failed to decode. Defaults to `None`.
    pub fn problem(mut self, problem: Option<String>) -> Self {
        self.problem = problem;
        self
    }

    /// Sets the deliveries. Defaults to none.
    pub fn deliveries(mut self, deliveries: Vec<DeliveryStatus>) -> Self {
        self.deliveries = deliveries;
        self
    }
}

/// How far a consumer has come with an event that was delivered to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryStatus {
    /// The name of the consumer.
    pub consumer: String,
    /// How often the event was delivered.
    pub attempts: u32,
    /// Whether it is a dead letter.
    pub is_dead: bool,
    /// What failed at the last attempt.
    pub problem: Option<String>,
}
