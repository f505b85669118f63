//! The events of an inbox as visits: what belongs to one shopping session.

mod fields;
mod orders;
mod parts;
mod reader;
mod visit;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
pub use reader::VisitReader;
pub use visit::{Visit, VisitEvent, VisitOrder, VisitStore, VisitZone};

use self::{fields::Fields, parts::Parts};
use crate::{stored::StoredEvent, subject};

/// Groups events by session, one event at a time, in any order.
///
/// The session of an event is its `sessionId`, or, if it has none, `session.sessionId`,
/// `session.sessionToken` or `session.id`, or what else the document marks as the session. An event
/// without a session, such as `entry_code_verify`, belongs to no visit, and is
/// [counted](Self::without_session): a customer may be asked for twice and enter once, so a visit
/// of the same customer at about that time would be a guess.
///
/// A quarantined event belongs to the visit of its session if that can be read, and adds nothing
/// else to it.
///
/// Memory grows with the events, until visits are taken out.
///
/// # Examples
///
/// ```
/// use aifi_push::operations::CHECKOUT;
/// use aifi_push_inbox::{Event, Position, StoredEvent, Visits};
///
/// let body = r#"{"sessionId": "s-1", "orderId": 501, "status": "draft", "totalPrice": "12.50"}"#;
/// let stored = StoredEvent::new(Event::new(&CHECKOUT, body), Position::new(1));
///
/// let mut visits = Visits::new();
/// visits.add(&stored);
/// let visit = visits.pop().expect("there is one");
/// assert_eq!(visit.session, "s-1");
/// assert_eq!(visit.orders[0].total_price.as_deref(), Some("12.50"));
/// ```
#[derive(Debug, Default)]
pub struct Visits {
    sessions: HashMap<String, Session>,
    /// The sessions by the turn of their last event.
    turns: BTreeMap<u64, String>,
    turn: u64,
    events: usize,
    without_session: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Session {
    turn: u64,
    last_arrival: DateTime<Utc>,
    parts: Parts,
}

impl Visits {
    /// Creates a grouping without events.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event.
    pub fn add(&mut self, stored: &StoredEvent) {
        let event = &stored.event;
        let fields = Fields::of(&event.body);
        let session = fields.session().or_else(|| subject::session_of(event));
        let Some(session) = session else {
            let operation = event.operation.clone();
            *self.without_session.entry(operation).or_default() += 1;
            return;
        };
        self.turn += 1;
        self.events += 1;
        self.turns.insert(self.turn, session.clone());
        let known = self.sessions.entry(session).or_insert_with(|| Session {
            turn: self.turn,
            last_arrival: event.received_at,
            parts: Parts::default(),
        });
        if known.turn != self.turn {
            self.turns.remove(&known.turn);
        }
        known.turn = self.turn;
        known.last_arrival = known.last_arrival.max(event.received_at);
        known.parts.add(stored, &fields);
    }

    /// Takes out the visit to which no event was added for the longest time, or returns `None` if
    /// there is none. An event of its session that is added later begins another visit.
    pub fn pop(&mut self) -> Option<Visit> {
        let (_, session) = self.turns.pop_first()?;
        let Session { parts, .. } = self.sessions.remove(&session)?;
        self.events -= parts.len();
        Some(Visit::new(session, parts))
    }

    /// The same, if its last event arrived before a time: for those who follow an inbox, and let
    /// go of visits that are over.
    pub fn pop_idle(&mut self, before: DateTime<Utc>) -> Option<Visit> {
        let (_, session) = self.turns.first_key_value()?;
        let is_idle = self.sessions.get(session)?.last_arrival < before;
        is_idle.then(|| self.pop())?
    }

    /// Returns the number of events in memory.
    pub fn events(&self) -> usize {
        self.events
    }

    /// Returns the number of events that have no session, by `operationId`.
    pub fn without_session(&self) -> &BTreeMap<String, u64> {
        &self.without_session
    }
}
