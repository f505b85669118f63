//! An inbox in memory: for tests, and as the model of what every inbox does.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};
use uuid::Uuid;

use crate::{
    audit::{AuditEntry, MAX_ACTIONS},
    consumer_name::ConsumerName,
    delivery::{Delivery, Outcome, Receipt},
    error::{AdminError, AppendError, SubscribeError},
    event::{Event, NewEvent},
    inbox::{Admin, Append, StartPosition, Subscribe, SubscribeOptions, Subscribed, Subscription},
    retention::{Pruned, Retention},
    stats::{ConsumerStats, InboxStats},
    stored::{DeliveryStatus, EventFilter, EventState, Position, StoredEvent},
};

const NAME: &str = "memory";

/// How long to wait at most before looking whether a retry is due.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// An [`Inbox`](crate::Inbox) in memory. It is not durable: for tests.
///
/// A clone is the same inbox.
#[derive(Clone, Debug, Default)]
pub struct MemoryInbox {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    /// The position of the last event that arrived.
    last: u64,
    events: BTreeMap<u64, Entry>,
    consumers: BTreeMap<String, Cursor>,
    /// The last lease that was granted.
    lease: u64,
    /// What operators did, the newest last.
    actions: VecDeque<AuditEntry>,
}

#[derive(Debug)]
struct Entry {
    event: Event,
    problem: Option<String>,
}

/// The place of a consumer.
#[derive(Debug, Default)]
struct Cursor {
    /// Every event up to here was delivered.
    position: u64,
    /// What it has yet to acknowledge of these.
    deliveries: BTreeMap<u64, Row>,
    /// Whether a single event is to be a new one, if there is one.
    fresh_next: bool,
    is_paused: bool,
}

#[derive(Clone, Debug)]
struct Row {
    attempts: u32,
    /// Set while it is in flight.
    lease: Option<u64>,
    /// When to redeliver it; `None` for a dead letter.
    due_at: Option<DateTime<Utc>>,
    problem: Option<String>,
}

impl MemoryInbox {
    /// Creates an empty inbox.
    pub fn new() -> Self {
        Self::default()
    }

    fn set_paused(&self, name: &ConsumerName, is_paused: bool) -> Result<(), AdminError> {
        let mut state = self.state();
        let consumer = state.consumers.get_mut(name.as_str());
        let name = name.to_string();
        consumer
            .ok_or(AdminError::NoSuchConsumer { name })?
            .is_paused = is_paused;
        self.changed.notify_waiters();
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a test that panicked left behind is as good as any state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn position_of(&self, id: Uuid) -> Option<u64> {
        let mut events = self.events.iter();
        events.find_map(|(position, entry)| (entry.event.id == id).then_some(*position))
    }

    fn state_of(&self, position: u64, entry: &Entry) -> EventState {
        let mut rows = self
            .consumers
            .values()
            .filter_map(|consumer| consumer.deliveries.get(&position));
        let is_behind = |consumer: &Cursor| consumer.position < position;
        if entry.problem.is_some() {
            EventState::Quarantined
        } else if rows.clone().any(|row| row.due_at.is_none()) {
            EventState::Dead
        } else if rows.next().is_some()
            || self.consumers.is_empty()
            || self.consumers.values().any(is_behind)
        {
            EventState::Pending
        } else {
            EventState::Done
        }
    }

    fn stored(&self, position: u64, entry: &Entry) -> StoredEvent {
        let deliveries = self.consumers.iter().filter_map(|(name, consumer)| {
            let row = consumer.deliveries.get(&position)?;
            Some(DeliveryStatus {
                consumer: name.clone(),
                attempts: row.attempts,
                is_dead: row.due_at.is_none(),
                problem: row.problem.clone(),
            })
        });
        StoredEvent::new(entry.event.clone(), Position::new(position))
            .state(self.state_of(position, entry))
            .problem(entry.problem.clone())
            .deliveries(deliveries.collect())
    }

    /// The events that a consumer has yet to acknowledge.
    fn pending<'a>(&'a self, consumer: &'a Cursor) -> impl Iterator<Item = &'a Entry> {
        let fresh = self.events.range(consumer.position + 1..);
        let fresh = fresh.filter(|(_, entry)| entry.problem.is_none());
        let seen = consumer.deliveries.iter();
        let seen = seen.filter(|(_, row)| row.due_at.is_some());
        let seen = seen.filter_map(|(position, _)| self.events.get_key_value(position));
        fresh.chain(seen).map(|(_, entry)| entry)
    }

    fn receive(&mut self, name: &str, limit: usize, lease: Duration) -> Option<Vec<Delivery>> {
        let now = Utc::now();
        let consumer = self.consumers.get_mut(name)?;
        if consumer.is_paused {
            return Some(Vec::new());
        }
        let due = |row: &Row| row.due_at.filter(|due_at| *due_at <= now);
        let mut expired: Vec<_> = Vec::new();
        let mut retries: Vec<_> = Vec::new();
        for (position, row) in &consumer.deliveries {
            match (due(row), row.lease) {
                (Some(due_at), Some(_)) => expired.push((due_at, *position)),
                (Some(due_at), None) => retries.push((due_at, *position)),
                (None, _) => {}
            }
        }
        expired.sort_unstable();
        retries.sort_unstable();
        if let Some((_, position)) = expired.first() {
            return Some(vec![
                self.deliver(name, *position, lease)?.after_crash(true),
            ]);
        }
        let fresh = self.events.range(consumer.position + 1..);
        let fresh = fresh.filter(|(_, entry)| entry.problem.is_none());
        let mut fresh: Vec<_> = fresh.map(|(position, _)| *position).take(limit).collect();
        if !fresh.is_empty() && !retries.is_empty() {
            let fresh_share = match limit {
                1 if !consumer.fresh_next => 0,
                limit => limit.div_ceil(2),
            };
            retries.truncate(limit - fresh_share.min(fresh.len()));
        }
        retries.truncate(limit);
        fresh.truncate(limit - retries.len());
        consumer.fresh_next = !retries.is_empty();
        if let Some(last) = fresh.last() {
            consumer.position = *last;
        }
        let retries = retries.into_iter().map(|(_, position)| position);
        let positions: Vec<_> = retries.chain(fresh).collect();
        positions
            .into_iter()
            .map(|position| self.deliver(name, position, lease))
            .collect()
    }

    fn deliver(&mut self, name: &str, position: u64, lease: Duration) -> Option<Delivery> {
        self.lease += 1;
        let row = Row {
            attempts: 0,
            lease: None,
            due_at: None,
            problem: None,
        };
        let rows = &mut self.consumers.get_mut(name)?.deliveries;
        let row = rows.entry(position).or_insert(row);
        row.attempts += 1;
        row.lease = Some(self.lease);
        row.due_at = Some(after(lease));
        let event = self.events.get(&position)?.event.clone();
        let receipt = Receipt::new(format!("{position} {}", self.lease));
        Some(Delivery::new(event, row.attempts, receipt))
    }

    /// The delivery of a receipt, unless there was a later one.
    fn delivery(&mut self, name: &str, receipt: &Receipt) -> Option<(u64, &mut Row)> {
        let (position, lease) = receipt.as_str().split_once(' ')?;
        let (position, lease) = (position.parse().ok()?, lease.parse().ok()?);
        let row = self
            .consumers
            .get_mut(name)?
            .deliveries
            .get_mut(&position)?;
        (row.lease == Some(lease)).then_some((position, row))
    }

    fn settle(&mut self, name: &str, receipt: &Receipt, outcome: Outcome) {
        let Some((position, row)) = self.delivery(name, receipt) else {
            return;
        };
        row.lease = None;
        match outcome {
            Outcome::Done => {
                if let Some(consumer) = self.consumers.get_mut(name) {
                    consumer.deliveries.remove(&position);
                }
            }
            Outcome::Retry { delay, problem } => {
                row.due_at = Some(after(delay));
                row.problem = Some(problem);
            }
            Outcome::Dead { problem } => {
                row.due_at = None;
                row.problem = Some(problem);
            }
            Outcome::Released => {
                row.due_at = Some(Utc::now());
                row.attempts -= 1;
            }
        }
    }

    fn delete(&mut self, position: u64) {
        self.events.remove(&position);
        for consumer in self.consumers.values_mut() {
            consumer.deliveries.remove(&position);
        }
    }
}

fn after(delay: Duration) -> DateTime<Utc> {
    let now = Utc::now();
    now.checked_add_signed(chrono::TimeDelta::from_std(delay).unwrap_or(chrono::TimeDelta::MAX))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[async_trait]
impl Append for MemoryInbox {
    async fn append(&self, events: Vec<NewEvent>) -> Result<(), AppendError> {
        let mut state = self.state();
        for new in events {
            if state.position_of(new.event.id).is_none() {
                state.last += 1;
                let entry = Entry {
                    problem: new.problem().map(str::to_owned),
                    event: new.event,
                };
                let last = state.last;
                state.events.insert(last, entry);
            }
        }
        self.changed.notify_waiters();
        Ok(())
    }

    async fn probe(&self) -> Result<(), AppendError> {
        Ok(())
    }
}

#[async_trait]
impl Subscribe for MemoryInbox {
    async fn subscribe(
        &self,
        name: &ConsumerName,
        options: SubscribeOptions,
    ) -> Result<Subscribed, SubscribeError> {
        let mut state = self.state();
        let is_new = !state.consumers.contains_key(name.as_str());
        if is_new {
            let position = match options.start {
                StartPosition::Beginning => 0,
                StartPosition::Now => state.last,
                StartPosition::At(time) => {
                    let mut events = state.events.iter();
                    let first = events.find(|(_, entry)| entry.event.received_at >= time);
                    first.map_or(state.last, |(position, _)| position - 1)
                }
            };
            let consumer = Cursor {
                position,
                ..Cursor::default()
            };
            state.consumers.insert(name.to_string(), consumer);
        }
        let consumer = state.consumers.get(name.as_str());
        let pending = consumer.map_or(0, |consumer| state.pending(consumer).count() as u64);
        Ok(Subscribed {
            subscription: Box::new(MemorySubscription {
                inbox: self.clone(),
                name: name.clone(),
                lease: options.lease,
            }),
            is_new,
            pending,
            is_paused: consumer.is_some_and(|consumer| consumer.is_paused),
        })
    }
}

#[derive(Debug)]
struct MemorySubscription {
    inbox: MemoryInbox,
    name: ConsumerName,
    lease: Duration,
}

#[async_trait]
impl Subscription for MemorySubscription {
    async fn receive(&self, limit: usize, wait: Duration) -> Result<Vec<Delivery>, SubscribeError> {
        let deadline = Instant::now() + wait;
        loop {
            let changed = self.inbox.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let received = self
                .inbox
                .state()
                .receive(self.name.as_str(), limit, self.lease);
            let deliveries = received.ok_or_else(|| SubscribeError::Removed {
                inbox: NAME.to_owned(),
                consumer: self.name.to_string(),
            })?;
            let now = Instant::now();
            if !deliveries.is_empty() || now >= deadline {
                return Ok(deliveries);
            }
            // Whether it was an arrival or the time, it looks again.
            let _ = timeout(POLL_INTERVAL.min(deadline - now), changed).await;
        }
    }

    async fn extend(&self, receipts: Vec<Receipt>) -> Result<(), SubscribeError> {
        let mut state = self.inbox.state();
        for receipt in receipts {
            if let Some((_, row)) = state.delivery(self.name.as_str(), &receipt) {
                row.due_at = Some(after(self.lease));
            }
        }
        Ok(())
    }

    async fn settle(&self, outcomes: Vec<(Receipt, Outcome)>) -> Result<(), SubscribeError> {
        let mut state = self.inbox.state();
        for (receipt, outcome) in outcomes {
            state.settle(self.name.as_str(), &receipt, outcome);
        }
        Ok(())
    }
}

#[async_trait]
impl Admin for MemoryInbox {
    async fn list(
        &self,
        filter: &EventFilter,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, AdminError> {
        let state = self.state();
        let events = state.events.range(after.map_or(0, Position::get) + 1..);
        let stored = events.map(|(position, entry)| state.stored(*position, entry));
        let selected = stored.filter(|stored| filter.selects(&stored.event, stored.state));
        Ok(selected.take(limit).collect())
    }

    async fn list_newest(
        &self,
        filter: &EventFilter,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, AdminError> {
        let state = self.state();
        let events = state.events.range(..before.map_or(u64::MAX, Position::get));
        let stored = events.rev();
        let stored = stored.map(|(position, entry)| state.stored(*position, entry));
        let selected = stored.filter(|stored| filter.selects(&stored.event, stored.state));
        Ok(selected.take(limit).collect())
    }

    async fn newest(&self) -> Result<Option<Position>, AdminError> {
        let newest = self.state().events.keys().next_back().copied();
        Ok(newest.map(Position::new))
    }

    async fn stats(&self) -> Result<InboxStats, AdminError> {
        let state = self.state();
        let events = || state.events.values();
        let consumers = state.consumers.iter().map(|(name, consumer)| {
            let pending = || state.pending(consumer);
            ConsumerStats {
                name: name.clone(),
                pending: pending().count() as u64,
                oldest_pending: pending().map(|entry| entry.event.received_at).min(),
                dead: consumer
                    .deliveries
                    .values()
                    .filter(|row| row.due_at.is_none())
                    .count() as u64,
                is_paused: consumer.is_paused,
            }
        });
        Ok(InboxStats {
            events: state.events.len() as u64,
            bytes: events().map(|entry| entry.event.body.len() as u64).sum(),
            quarantined: events().filter(|entry| entry.problem.is_some()).count() as u64,
            oldest: events().map(|entry| entry.event.received_at).min(),
            disk_free: None,
            consumers: consumers.collect(),
        })
    }

    async fn requeue(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        let mut state = self.state();
        let mut count = 0;
        for id in ids {
            let Some(position) = state.position_of(id) else {
                continue;
            };
            let State {
                events, consumers, ..
            } = &mut *state;
            let problem = events
                .get_mut(&position)
                .and_then(|entry| entry.problem.take());
            let mut requeued = problem.is_some();
            for consumer in consumers.values_mut() {
                let row = consumer.deliveries.get_mut(&position);
                if let Some(row) = row.filter(|row| row.due_at.is_none()) {
                    row.attempts = 0;
                    row.due_at = Some(Utc::now());
                    requeued = true;
                } else if problem.is_some() && consumer.position >= position {
                    let row = Row {
                        attempts: 0,
                        lease: None,
                        due_at: Some(Utc::now()),
                        problem: None,
                    };
                    consumer.deliveries.insert(position, row);
                }
            }
            count += u64::from(requeued);
        }
        self.changed.notify_waiters();
        Ok(count)
    }

    async fn replay(
        &self,
        consumer: &ConsumerName,
        events: Vec<(Uuid, DateTime<Utc>)>,
    ) -> Result<u64, AdminError> {
        let mut state = self.state();
        let mut count = 0;
        for (id, not_before) in events {
            let Some(position) = state.position_of(id) else {
                continue;
            };
            let State {
                events, consumers, ..
            } = &mut *state;
            let is_quarantined = events
                .get(&position)
                .is_some_and(|entry| entry.problem.is_some());
            let Some(consumer) = consumers.get_mut(consumer.as_str()) else {
                continue;
            };
            let row = consumer.deliveries.get(&position);
            let is_waiting = row.is_some_and(|row| row.due_at.is_some());
            if is_quarantined || is_waiting || consumer.position < position {
                continue;
            }
            let row = Row {
                attempts: 0,
                lease: None,
                due_at: Some(not_before),
                problem: row.and_then(|row| row.problem.clone()),
            };
            consumer.deliveries.insert(position, row);
            count += 1;
        }
        self.changed.notify_waiters();
        Ok(count)
    }

    async fn discard(&self, id: Uuid) -> Result<(), AdminError> {
        let mut state = self.state();
        let position = state.position_of(id);
        let position = position.ok_or(AdminError::NoSuchEvent { id })?;
        state.delete(position);
        Ok(())
    }

    async fn discard_quarantined(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        let mut state = self.state();
        let mut count = 0;
        for id in ids {
            if let Some(position) = state.position_of(id)
                && let Some(entry) = state.events.get(&position)
                && entry.problem.is_some()
            {
                state.delete(position);
                count += 1;
            }
        }
        Ok(count)
    }

    async fn discard_dead_letters(
        &self,
        consumer: &ConsumerName,
        ids: Vec<Uuid>,
    ) -> Result<u64, AdminError> {
        let mut state = self.state();
        let positions: Vec<_> = ids.iter().filter_map(|id| state.position_of(*id)).collect();
        let Some(consumer) = state.consumers.get_mut(consumer.as_str()) else {
            return Ok(0);
        };
        let before = consumer.deliveries.len();
        consumer
            .deliveries
            .retain(|position, row| row.due_at.is_some() || !positions.contains(position));
        Ok((before - consumer.deliveries.len()) as u64)
    }

    async fn erase(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        let mut state = self.state();
        let mut count = 0;
        for id in ids {
            if let Some(position) = state.position_of(id) {
                state.delete(position);
                count += 1;
            }
        }
        Ok(count)
    }

    async fn prune(&self, retention: &Retention) -> Result<Pruned, AdminError> {
        let mut state = self.state();
        let events = state.events.values();
        let mut left: u64 = events.map(|entry| entry.event.body.len() as u64).sum();
        let mut pruned = Pruned::default();
        let mut deleted = Vec::new();
        for (position, entry) in &state.events {
            let bytes = entry.event.body.len() as u64;
            let is_old = retention
                .before
                .is_some_and(|before| entry.event.received_at < before);
            let is_too_much = retention.max_bytes.is_some_and(|max| left > max);
            let is_done = state.state_of(*position, entry) == EventState::Done;
            if (is_old || is_too_much) && (is_done || retention.include_unconsumed) {
                left -= bytes;
                pruned.events += 1;
                pruned.bytes += bytes;
                deleted.push(*position);
            }
        }
        if !retention.dry_run {
            deleted
                .into_iter()
                .for_each(|position| state.delete(position));
        }
        Ok(pruned)
    }

    async fn pause_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        self.set_paused(name, true)
    }

    async fn resume_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        self.set_paused(name, false)
    }

    async fn remove_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        let removed = self.state().consumers.remove(name.as_str());
        let name = name.to_string();
        removed.map(drop).ok_or(AdminError::NoSuchConsumer { name })
    }

    async fn record_action(&self, mut entry: AuditEntry) -> Result<(), AdminError> {
        let actions = &mut self.state().actions;
        entry.number = actions.back().map_or(0, |last| last.number) + 1;
        actions.push_back(entry);
        if actions.len() as u64 > MAX_ACTIONS {
            actions.pop_front();
        }
        Ok(())
    }

    async fn actions(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, AdminError> {
        let state = self.state();
        let actions = state.actions.iter().rev();
        let older = actions.filter(|entry| before.is_none_or(|before| entry.number < before));
        Ok(older.take(limit).cloned().collect())
    }
}
