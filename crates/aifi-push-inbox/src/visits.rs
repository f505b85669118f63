//! The events of an inbox as visits: what belongs to one shopping session.

mod about;
mod fields;
mod orders;
mod parts;
mod reader;
mod visit;

use std::collections::{BTreeMap, HashMap};

pub use about::EventAbout;
use chrono::{DateTime, Utc};
pub use reader::VisitReader;
pub use visit::{Visit, VisitEvent, VisitOrder, VisitStore, VisitZone};

use self::{
    fields::Fields,
    parts::{About, Part, Parts},
};
use crate::stored::StoredEvent;

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
/// Texts of more than 200 bytes count as absent, also that of a session. Memory grows with the events,
/// until visits are taken out.
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
    /// The sessions by the arrival of their last event, and by turn where that is the same.
    turns: BTreeMap<Turn, String>,
    turn: u64,
    events: usize,
    bytes: usize,
    without_session: BTreeMap<String, u64>,
}

type Turn = (DateTime<Utc>, u64);

/// What an event says about its visit, for those who read bodies in one place and add them to [`Visits`]
/// in another. It is small, whatever the body is.
pub struct VisitPart {
    about: EventAbout,
    operation: String,
    received_at: DateTime<Utc>,
    part: Part,
    of: About,
}

impl VisitPart {
    /// Reads the body of an event.
    pub fn of(stored: &StoredEvent) -> Self {
        let event = &stored.event;
        let fields = Fields::of(&event.body);
        let (part, of) = parts::read(stored, &fields);
        Self {
            about: EventAbout::new(event, &fields),
            operation: event.operation.clone(),
            received_at: event.received_at,
            part,
            of,
        }
    }

    /// Returns the store and the session of the event.
    pub fn about(&self) -> &EventAbout {
        &self.about
    }
}

impl std::fmt::Debug for VisitPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The customer is sensitive.
        f.debug_struct("VisitPart")
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

/// About how many bytes a session takes beside its events.
fn bytes_of_session(session: &str) -> usize {
    2 * session.len() + size_of::<Session>() + 100
}

#[derive(Debug)]
struct Session {
    turn: Turn,
    parts: Parts,
}

impl Visits {
    /// Creates a grouping without events.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event.
    pub fn add(&mut self, stored: &StoredEvent) {
        self.add_part(VisitPart::of(stored));
    }

    /// Adds what an event says.
    pub fn add_part(&mut self, part: VisitPart) {
        let Some(session) = part.about.session else {
            *self.without_session.entry(part.operation).or_default() += 1;
            return;
        };
        self.turn += 1;
        self.events += 1;
        let turn = (part.received_at, self.turn);
        let known = self.sessions.entry(session.clone());
        let known = known.or_insert_with(|| {
            self.bytes += bytes_of_session(&session);
            Session {
                turn,
                parts: Parts::default(),
            }
        });
        self.bytes += known.parts.add(part.part, part.of);
        self.turns.remove(&known.turn);
        known.turn = known.turn.max(turn);
        self.turns.insert(known.turn, session);
    }

    /// Takes out the visit of which no event arrived for the longest time, or returns `None` if there is
    /// none. An event of its session that is added later begins another visit.
    pub fn pop(&mut self) -> Option<Visit> {
        let (_, session) = self.turns.pop_first()?;
        let Session { parts, .. } = self.sessions.remove(&session)?;
        self.events -= parts.len();
        self.bytes -= bytes_of_session(&session) + parts.bytes();
        Some(Visit::new(session, parts))
    }

    /// The same, if its last event arrived before a time: for those who follow an inbox, and let
    /// go of visits that are over.
    pub fn pop_idle(&mut self, before: DateTime<Utc>) -> Option<Visit> {
        let ((last_arrival, _), _) = self.turns.first_key_value()?;
        (*last_arrival < before).then(|| self.pop())?
    }

    /// Returns the visits as they are now, without taking them out: the one whose last event arrived
    /// last comes first.
    pub fn newest(&self) -> impl Iterator<Item = Visit> {
        self.newest_if(|_| true)
    }

    /// The same, of one store, by any of its ids.
    pub fn newest_in<'a>(&'a self, store: &'a str) -> impl Iterator<Item = Visit> + 'a {
        self.newest_if(move |parts| parts.is_in(store))
    }

    fn newest_if<'a>(
        &'a self,
        is_wanted: impl Fn(&Parts) -> bool + 'a,
    ) -> impl Iterator<Item = Visit> + 'a {
        self.turns.values().rev().filter_map(move |session| {
            let parts = &self.sessions.get(session)?.parts;
            is_wanted(parts).then(|| Visit::new(session.clone(), parts.clone()))
        })
    }

    /// Returns the number of events in memory.
    pub fn events(&self) -> usize {
        self.events
    }

    /// Returns the number of events in memory of a session.
    pub fn events_of(&self, session: &str) -> usize {
        let session = self.sessions.get(session);
        session.map_or(0, |session| session.parts.len())
    }

    /// Returns about how many bytes the visits take in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the number of events that have no session, by `operationId`.
    pub fn without_session(&self) -> &BTreeMap<String, u64> {
        &self.without_session
    }
}
