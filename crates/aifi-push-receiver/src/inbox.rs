//! Where events wait: on disk before they are acknowledged, until every consumer is done with them.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Error, Event};

/// A durable store of events, with consumers that each keep their own place in it.
///
/// [`SqliteInbox`](crate::SqliteInbox) is one for one machine, `JetStreamInbox` one for many.
///
/// A consumer exists from its first [`take`](Self::take) on, and sees every event that is in the
/// inbox then or arrives later, at least once: first in the order of arrival, and again where it
/// asked for it or crashed. Each hand-out counts as an attempt when it is made, so that an event
/// that crashes the process is counted too.
#[async_trait]
pub trait Inbox: fmt::Debug + Send + Sync + 'static {
    /// The largest body that can be stored; `None` if there is no bound, or it is not known yet.
    fn max_body_bytes(&self) -> Option<usize> {
        None
    }

    /// How many [appends](Self::append) at the same time are worth while. With 1, events that wait
    /// together are appended together; with more, each is appended by itself, and waits for no other.
    fn appends_at_once(&self) -> usize {
        1
    }

    /// Stores events in the order given. When it returns, they survive a crash of the process and
    /// of the machine.
    ///
    /// Storing an event again, as it is not known whether it was stored, is no second event.
    ///
    /// # Errors
    ///
    /// [`Error::Inbox`] if not all could be stored, or it is not known that they were.
    async fn append(&self, events: Vec<Event>) -> Result<(), Error>;

    /// Sets an event aside, as its body does not decode: no consumer is handed it until it is
    /// [released](Self::release).
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchEvent`], or [`Error::Inbox`] if the inbox failed.
    async fn quarantine(&self, id: Uuid, problem: &str) -> Result<(), Error>;

    /// Hands a quarantined event to all consumers. One that is not quarantined is left as it is.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchEvent`], or [`Error::Inbox`] if the inbox failed.
    async fn release(&self, id: Uuid) -> Result<(), Error>;

    /// Hands events to a consumer, waiting up to `wait` until there is one.
    ///
    /// What is not [settled](Self::settle) within `lease` is handed out again. An event that comes
    /// again is handed out alone, so that one which crashes the process takes no other with it.
    ///
    /// # Errors
    ///
    /// [`Error::Inbox`] if the inbox failed.
    async fn take(
        &self,
        consumer: &str,
        limit: usize,
        lease: Duration,
        wait: Duration,
    ) -> Result<Vec<Delivery>, Error>;

    /// Says what became of deliveries. Of one whose lease ran out and that was handed out again,
    /// the later counts.
    ///
    /// # Errors
    ///
    /// [`Error::Inbox`] if the inbox failed. The deliveries come again then.
    async fn settle(&self, consumer: &str, outcomes: Vec<(Receipt, Outcome)>) -> Result<(), Error>;

    /// Hands events to a consumer again, not before the time given for each, with attempts counted
    /// anew: dead letters, and events that the consumer is done with. Gives how many there were;
    /// those that are quarantined, or that the consumer has yet to see, are not among them.
    ///
    /// # Errors
    ///
    /// [`Error::Inbox`] if the inbox failed.
    async fn redeliver(
        &self,
        consumer: &str,
        events: Vec<(Uuid, DateTime<Utc>)>,
    ) -> Result<usize, Error>;

    /// The events that a filter lets through, in the order of arrival, at most `limit`, from
    /// `after` on.
    ///
    /// # Errors
    ///
    /// [`Error::Inbox`] if the inbox failed.
    async fn list(
        &self,
        filter: &Filter,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Entry>, Error>;

    /// Deletes what [`Retention`] allows.
    ///
    /// # Errors
    ///
    /// [`Error::Inbox`] if the inbox failed.
    async fn prune(&self, retention: &Retention) -> Result<Pruned, Error>;

    /// How much there is, and how far each consumer is.
    ///
    /// # Errors
    ///
    /// [`Error::Inbox`] if the inbox failed.
    async fn stats(&self) -> Result<Stats, Error>;

    /// Writes something to the same disk in the same way as [`append`](Self::append), to see
    /// whether that would work now.
    ///
    /// # Errors
    ///
    /// [`Error::Inbox`] if it would not.
    async fn probe(&self) -> Result<(), Error>;
}

/// Where an event stands in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub(crate) i64);

/// An event that is handed to a consumer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Delivery {
    /// The event.
    pub event: Event,
    /// Which hand-out of the event to this consumer it is, from 1.
    pub attempt: u32,
    /// What to [settle](Inbox::settle) it with.
    pub receipt: Receipt,
}

/// Tells a delivery from a later one of the same event. What it holds is the inbox's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(pub(crate) String);

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The consumer is done with the event.
    Done,
    /// It failed, and is to be handed out again.
    Retry {
        /// How long to wait.
        delay: Duration,
        /// What failed.
        problem: String,
    },
    /// It is a dead letter: handed out no more until it is [asked for](Inbox::redeliver).
    Dead {
        /// What failed.
        problem: String,
    },
    /// Nobody tried. It is handed out again at once, and the attempt does not count.
    Untouched,
}

/// Which events to [list](Inbox::list). The default lets all through.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The event of this id.
    pub id: Option<Uuid>,
    /// Those that arrived at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Those that arrived before this time.
    pub until: Option<DateTime<Utc>>,
    /// Those of this `operationId`.
    pub operation: Option<String>,
    /// Those in this state.
    pub state: Option<State>,
}

/// How far an event has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Its body does not decode.
    Quarantined,
    /// A consumer gave it up.
    Dead,
    /// A consumer has yet to see it or to be done with it, or there is no consumer.
    Pending,
    /// Every consumer is done with it.
    Done,
}

impl State {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Quarantined, Self::Dead, Self::Pending, Self::Done];

    /// The state in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarantined => "quarantined",
            Self::Dead => "dead",
            Self::Pending => "pending",
            Self::Done => "done",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An event in the inbox.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The event.
    pub event: Event,
    /// Its place in the order of arrival.
    pub position: Position,
    /// How far it has come.
    pub state: State,
    /// Why its body did not decode, if it is quarantined.
    pub problem: Option<String>,
    /// The consumers that are at it or gave it up, by name.
    pub deliveries: Vec<DeliveryState>,
}

/// How far a consumer has come with an event that it was handed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryState {
    /// The name of the consumer.
    pub consumer: String,
    /// How often the event was handed out.
    pub attempts: u32,
    /// Whether it is a dead letter.
    pub is_dead: bool,
    /// What failed the last time.
    pub problem: Option<String>,
}

/// What may be deleted. The default deletes nothing.
///
/// Whatever it says, what a consumer has yet to be done with stays, and so do dead letters and
/// quarantined events, and all events as long as there is no consumer, unless
/// [`even_unseen`](Self::even_unseen) is set.
#[derive(Clone, Debug, Default)]
pub struct Retention {
    /// Delete what arrived before this time.
    pub before: Option<DateTime<Utc>>,
    /// Delete the oldest until they take at most so many bytes.
    pub max_bytes: Option<u64>,
    /// Delete also what nobody has seen.
    pub even_unseen: bool,
    /// Only say what would be deleted.
    pub dry_run: bool,
}

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// The number of events.
    pub events: u64,
    /// The bytes that they took: of their bodies, or with what the inbox adds to each.
    pub bytes: u64,
}

/// How much there is in an inbox.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// The number of events.
    pub events: u64,
    /// The bytes that they take: of their bodies, or with what the inbox adds to each.
    pub bytes: u64,
    /// How many events are quarantined.
    pub quarantined: u64,
    /// When the oldest arrived.
    pub oldest: Option<DateTime<Utc>>,
    /// The consumers by name.
    pub consumers: Vec<ConsumerStats>,
}

/// How far a consumer is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConsumerStats {
    /// Its name.
    pub name: String,
    /// How many events it has yet to be done with.
    pub pending: u64,
    /// When the oldest of these arrived.
    pub oldest_pending: Option<DateTime<Utc>>,
    /// How many events it gave up.
    pub dead: u64,
}
