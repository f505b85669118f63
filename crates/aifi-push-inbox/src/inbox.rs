//! What an inbox does, by role: storing events, delivering them, administration.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    audit::AuditEntry,
    consumer_name::ConsumerName,
    delivery::{Delivery, Outcome, Receipt},
    error::{AdminError, AppendError, SubscribeError},
    event::NewEvent,
    problems::{self, Cause, Problem, Requeued},
    retention::{Pruned, Retention},
    stats::InboxStats,
    stored::{EventFilter, EventState, Position, StoredEvent},
};

/// How many events are requeued or replayed together.
const PAGE: usize = 1000;

/// A durable store of events, in all its roles.
///
/// `SqliteInbox` is one for one machine, `JetStreamInbox` one for many, and
/// [`MemoryInbox`](crate::MemoryInbox) one for tests. The traits are open: implement them to put
/// something in front of an inbox, or to keep events elsewhere.
pub trait Inbox: Append + Subscribe + Admin {}

impl<T: Append + Subscribe + Admin> Inbox for T {}

/// Storing events.
#[async_trait]
pub trait Append: fmt::Debug + Send + Sync + 'static {
    /// Stores events in the order given, each with its verdict. When it returns, they survive a
    /// crash of the process and of the machine.
    ///
    /// An event whose id is stored already is left as it is, so that a failed call can be repeated.
    ///
    /// # Errors
    ///
    /// [`AppendError`] if not all could be stored, or it is not known that they were.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the events may or may not be stored.
    async fn append(&self, events: Vec<NewEvent>) -> Result<(), AppendError>;

    /// Writes something to the same place in the same way as [`append`](Self::append), to see
    /// whether an event could be stored now.
    ///
    /// # Errors
    ///
    /// [`AppendError`] if it could not.
    async fn probe(&self) -> Result<(), AppendError>;

    /// Returns the largest body that can be stored, in bytes, or `None` if there is no limit or it
    /// is not known yet.
    fn max_body_bytes(&self) -> Option<usize> {
        None
    }

    /// Completes when the inbox will never store an event again, as after a panic of its writer. The
    /// process should then end, so that its supervisor restarts it. Defaults to never.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    async fn failed(&self) -> AppendError {
        std::future::pending().await
    }
}

/// Delivering events to consumers.
#[async_trait]
pub trait Subscribe: fmt::Debug + Send + Sync + 'static {
    /// Subscribes a consumer, and creates it if it does not exist.
    ///
    /// A consumer keeps its own place in the inbox. It receives every event from its
    /// [start](StartPosition) on at least once. Several subscriptions of one name share its events.
    ///
    /// # Errors
    ///
    /// [`SubscribeError`], which says whether [trying again](SubscribeError::is_permanent) can help.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the consumer may have been created.
    async fn subscribe(
        &self,
        name: &ConsumerName,
        options: SubscribeOptions,
    ) -> Result<Subscribed, SubscribeError>;
}

/// How to subscribe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscribeOptions {
    /// How long a delivery belongs to the subscription. What is neither settled nor extended by then
    /// is redelivered, as after a crash.
    pub lease: Duration,
    /// Where a consumer starts that does not exist yet.
    pub start: StartPosition,
}

impl Default for SubscribeOptions {
    /// A lease of 60 seconds, from the beginning.
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(60),
            start: StartPosition::Beginning,
        }
    }
}

/// Where a new consumer starts. One that exists goes on where it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartPosition {
    /// At the oldest event in the inbox.
    #[default]
    Beginning,
    /// After the newest event in the inbox.
    Now,
    /// At the first event that arrived at this time or later. A few older ones may be among them.
    At(DateTime<Utc>),
}

impl fmt::Display for StartPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Beginning => f.write_str("beginning"),
            Self::Now => f.write_str("now"),
            Self::At(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        }
    }
}

/// What [`subscribe`](Subscribe::subscribe) returns.
#[derive(Debug)]
pub struct Subscribed {
    /// The subscription.
    pub subscription: Box<dyn Subscription>,
    /// Whether the consumer was created.
    pub is_new: bool,
    /// The number of events that the consumer has yet to acknowledge.
    pub pending: u64,
    /// Whether the consumer is [paused](Admin::pause_consumer).
    pub is_paused: bool,
}

/// The events of one consumer.
#[async_trait]
pub trait Subscription: fmt::Debug + Send + Sync + 'static {
    /// Receives at most `limit` events, waiting up to `wait` for the first.
    ///
    /// New events come in the order of arrival. While there are new ones, at most half of a batch
    /// are redeliveries; with a limit of one they take turns. An event whose last attempt reported
    /// no outcome comes [alone](Delivery::after_crash), so that one which crashes the process takes
    /// no other with it. Each delivery counts as an attempt when it is made.
    ///
    /// # Errors
    ///
    /// [`SubscribeError`] if the inbox failed or the consumer was removed.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, events may have been delivered to nobody. They are redelivered when
    /// their lease ends, and the attempt counts.
    async fn receive(&self, limit: usize, wait: Duration) -> Result<Vec<Delivery>, SubscribeError>;

    /// Extends the lease of deliveries by its whole length from now. Deliveries that were redelivered
    /// already are left as they are.
    ///
    /// # Errors
    ///
    /// [`SubscribeError`] if the inbox failed.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, leases may or may not be extended.
    async fn extend(&self, receipts: Vec<Receipt>) -> Result<(), SubscribeError>;

    /// Reports what became of deliveries. If a lease ran out and the event was redelivered, the
    /// outcome of the later delivery counts.
    ///
    /// # Errors
    ///
    /// [`SubscribeError`] if the inbox failed. The outcomes can be reported again.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, each outcome may or may not be recorded.
    async fn settle(&self, outcomes: Vec<(Receipt, Outcome)>) -> Result<(), SubscribeError>;
}

/// Administration: what operators ask an inbox.
#[async_trait]
pub trait Admin: fmt::Debug + Send + Sync + 'static {
    /// Lists at most `limit` events in the order of arrival, beginning after a position.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed.
    async fn list(
        &self,
        filter: &EventFilter,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, AdminError>;

    /// Lists at most `limit` events, the newest first, beginning before a position, or with the newest of
    /// all.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed.
    async fn list_newest(
        &self,
        filter: &EventFilter,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, AdminError>;

    /// Returns the position after which new events are listed, or `None` to list from the beginning.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed.
    async fn newest(&self) -> Result<Option<Position>, AdminError>;

    /// Counts what is in the inbox, and how far each consumer is.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed.
    async fn stats(&self) -> Result<InboxStats, AdminError>;

    /// Puts events back into the queue: a quarantined event goes to all consumers, a dead letter to
    /// those that exhausted their attempts, which are counted anew. Returns the number of events that
    /// were quarantined or dead; others are left as they are.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed.
    async fn requeue(&self, ids: Vec<Uuid>) -> Result<u64, AdminError>;

    /// Puts all dead letters back into the queue, as [`requeue`](Self::requeue) does. Returns the number
    /// of events.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed. Some may have been requeued.
    async fn requeue_dead_letters(&self) -> Result<u64, AdminError> {
        let filter = EventFilter {
            state: Some(EventState::Dead),
            without_bodies: true,
            ..EventFilter::default()
        };
        let (mut count, mut after) = (0, None);
        loop {
            let page = self.list(&filter, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(count);
            };
            after = Some(last.position);
            let ids = page.iter().map(|stored| stored.event.id);
            count += self.requeue(ids.collect()).await?;
        }
    }

    /// Delivers events to a consumer again, not before the time given for each, with attempts counted
    /// anew: events that it acknowledged, and its dead letters. Returns the number of events; those
    /// that are quarantined, or that the consumer has yet to acknowledge, are left as they are.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed.
    async fn replay(
        &self,
        consumer: &ConsumerName,
        events: Vec<(Uuid, DateTime<Utc>)>,
    ) -> Result<u64, AdminError>;

    /// Delivers to a consumer again what arrived from a time on until now, as [`replay`](Self::replay) does:
    /// one event after each interval. Returns the number of events.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if there is no such consumer, or the inbox failed. Some may be replayed.
    async fn replay_since(
        &self,
        consumer: &ConsumerName,
        since: DateTime<Utc>,
        interval: Duration,
    ) -> Result<u64, AdminError> {
        let consumers = self.stats().await?.consumers;
        if !consumers.iter().any(|it| it.name == consumer.as_str()) {
            let name = consumer.to_string();
            return Err(AdminError::NoSuchConsumer { name });
        }
        let start = Utc::now();
        let filter = EventFilter {
            since: Some(since),
            until: Some(start),
            without_bodies: true,
            ..EventFilter::default()
        };
        let interval = TimeDelta::from_std(interval).unwrap_or(TimeDelta::MAX);
        let (mut count, mut after, mut not_before) = (0, None, start);
        loop {
            let page = self.list(&filter, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(count);
            };
            after = Some(last.position);
            let mut events = Vec::with_capacity(page.len());
            for stored in &page {
                events.push((stored.event.id, not_before));
                let next = not_before.checked_add_signed(interval);
                not_before = next.unwrap_or(DateTime::<Utc>::MAX_UTC);
            }
            count += self.replay(consumer, events).await?;
        }
    }

    /// Groups the newest quarantined events and the newest dead letters, at most `limit` of each, by what
    /// failed. The most frequent cause comes first.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed.
    async fn problems(&self, limit: usize) -> Result<Vec<Problem>, AdminError> {
        problems::group(self, limit).await
    }

    /// Requeues all events of a cause: quarantined ones that decode now, or the dead letters of the
    /// consumer, and of it alone. Adds to `requeued` what was done, also if it failed in between.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed.
    async fn requeue_cause(
        &self,
        cause: &Cause,
        requeued: &mut Requeued,
    ) -> Result<(), AdminError> {
        problems::requeue(self, cause, requeued).await
    }

    /// Discards all events of a cause, as [`discard_quarantined`](Self::discard_quarantined) does, or
    /// with a consumer [`discard_dead_letters`](Self::discard_dead_letters). Adds to `discarded` how many
    /// these were, also if it failed in between.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed.
    async fn discard_cause(&self, cause: &Cause, discarded: &mut u64) -> Result<(), AdminError> {
        problems::discard(self, cause, discarded).await
    }

    /// Deletes those of these events that are quarantined at that moment. Others are left as they are,
    /// such as one that was requeued before. Returns the number of events.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed. Some may be deleted.
    async fn discard_quarantined(&self, ids: Vec<Uuid>) -> Result<u64, AdminError>;

    /// Gives up those of these events that are dead letters of a consumer at that moment: to it, they are
    /// done. The events stay for other consumers, and until they are pruned. Returns the number of
    /// events.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed. Some may be given up.
    async fn discard_dead_letters(
        &self,
        consumer: &ConsumerName,
        ids: Vec<Uuid>,
    ) -> Result<u64, AdminError>;

    /// Deletes an event, whatever its state. Nobody receives it any more.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if there is no such event, or the inbox failed.
    async fn discard(&self, id: Uuid) -> Result<(), AdminError>;

    /// Deletes events, whatever their state, so that their bytes are gone from what the inbox stores,
    /// as far as it can see to that: the inbox says where it can't. Returns the number of events;
    /// those that do not exist are left out.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed. Erase them again then.
    async fn erase(&self, ids: Vec<Uuid>) -> Result<u64, AdminError>;

    /// Deletes what a [`Retention`] selects.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed.
    async fn prune(&self, retention: &Retention) -> Result<Pruned, AdminError>;

    /// Pauses a consumer: when this returns, its subscriptions receive nothing, in whatever process they
    /// run, also after a restart, until it is [resumed](Self::resume_consumer). What is in flight can
    /// still be settled. One that is paused stays paused.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if there is no such consumer, or the inbox failed.
    async fn pause_consumer(&self, name: &ConsumerName) -> Result<(), AdminError>;

    /// Ends a pause: within about a second, subscriptions that wait receive again.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if there is no such consumer, or the inbox failed.
    async fn resume_consumer(&self, name: &ConsumerName) -> Result<(), AdminError>;

    /// Removes a consumer with its place, its retries and its dead letters. Events that only it had
    /// yet to acknowledge can be pruned then. A running subscription of it ends.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if there is no such consumer, or the inbox failed.
    async fn remove_consumer(&self, name: &ConsumerName) -> Result<(), AdminError>;

    /// Records what an operator did, under a number that the inbox assigns. The newest 100,000 actions are
    /// kept; brokers forget them after a year.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed.
    async fn record_action(&self, entry: AuditEntry) -> Result<(), AdminError>;

    /// Lists at most `limit` recorded actions, the newest first, beginning before a number, or with the
    /// newest of all.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed.
    async fn actions(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, AdminError>;
}
