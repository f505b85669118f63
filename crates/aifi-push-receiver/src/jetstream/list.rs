//! Events in the order of arrival, with how far each has come.

use std::{collections::VecDeque, time::Duration};

use async_nats::{
    datetime,
    jetstream::{
        consumer::{AckPolicy, Consumer, DeliverPolicy, Info, pull},
        stream::Stream,
    },
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures_util::TryStreamExt;

use super::{
    beside::{self, Index},
    fetch,
    message::{self, Attempts},
    streams::Streams,
    subject::{self, Key},
};
use crate::{DeliveryState, Entry, Event, Filter, Position, State, error::BoxError};

/// How many messages are asked for at once.
const PAGE: usize = 256;

/// How far the clocks of receivers and brokers may be apart.
const SKEW: TimeDelta = TimeDelta::minutes(10);

pub(super) async fn list(
    streams: &Streams,
    filter: &Filter,
    after: Option<Position>,
    limit: usize,
) -> Result<Vec<Entry>, BoxError> {
    let after = after.map_or(0, |Position(sequence)| u64::try_from(sequence).unwrap_or(0));
    let index = Index::read(streams).await?;
    let floor = Floor::read(&streams.events).await?;
    let mut aside = aside(&index, filter, after, floor.first);
    let mut events = Reader::open(streams, filter, after).await?;
    let mut entries = Vec::new();
    while entries.len() < limit {
        // Both are in order; one of both places holds the next.
        let event = events.peek().await?;
        let from_aside = match (aside.front(), &event) {
            (Some(aside), Some((key, _))) => aside.position <= key.position,
            (aside, _) => aside.is_some(),
        };
        let (key, event) = if from_aside {
            let Some(key) = aside.pop_front() else { break };
            let Some(event) = set_aside(streams, &index, &key).await? else {
                continue;
            };
            (key, event)
        } else {
            match events.next().await? {
                // It is in both places for a moment.
                Some((key, _)) if index.quarantined.contains_key(&key.id) => continue,
                Some(event) => event,
                None => break,
            }
        };
        let state = state(&index, &floor, &key);
        if is_let_through(filter, &event, state) {
            entries.push(entry(streams, &index, key, event, state).await?);
        }
    }
    Ok(entries)
}

/// Where the stream of events begins and ends, and up to where every consumer is done.
pub(super) struct Floor {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) done: u64,
}

impl Floor {
    pub(super) async fn read(events: &Stream) -> Result<Self, BoxError> {
        let state = events.get_info().await?.state;
        let consumers = consumers(events).await?;
        let done = consumers.iter().map(|info| info.ack_floor.stream_sequence);
        Ok(Self {
            first: state.first_sequence,
            last: state.last_sequence,
            done: done.min().unwrap_or(0),
        })
    }
}

/// The consumers of ours, which are those that have a name of their own.
pub(super) async fn consumers(events: &Stream) -> Result<Vec<Info>, BoxError> {
    let mut consumers: Vec<Info> = events.consumers().try_collect().await?;
    consumers.retain(|info| info.config.durable_name.is_some());
    consumers.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(consumers)
}

/// What is not in the stream of events: quarantined, or dead and deleted there. Dead letters are
/// found by themselves if nothing else is asked for.
fn aside(index: &Index, filter: &Filter, after: u64, first: u64) -> VecDeque<Key> {
    let dead = index.dead.values();
    let dead = dead.filter(|(key, _)| key.position < first || filter.state == Some(State::Dead));
    let aside = index.quarantined.values().chain(dead);
    let mut aside: Vec<Key> = aside.map(|(key, _)| key.clone()).collect();
    let is_asked_for = |key: &Key| filter.id.is_none_or(|id| id == key.id);
    aside.retain(|key| key.position > after && is_asked_for(key));
    aside.sort_by_key(|key| key.position);
    aside.dedup();
    aside.into()
}

async fn set_aside(streams: &Streams, index: &Index, key: &Key) -> Result<Option<Event>, BoxError> {
    let found = if index.quarantined.contains_key(&key.id) {
        beside::get(&streams.quarantine, &key.quarantined()).await?
    } else {
        beside::get(&streams.dead, &subject::dead_of("*", key.id)).await?
    };
    found
        .map(|found| message::read(key, &found.headers, found.payload))
        .transpose()
}

fn state(index: &Index, floor: &Floor, key: &Key) -> State {
    if index.quarantined.contains_key(&key.id) {
        State::Quarantined
    } else if index.dead.contains_key(&key.id) {
        State::Dead
    } else if key.position > floor.done || index.again.contains_key(&key.id) {
        State::Pending
    } else {
        State::Done
    }
}

fn is_let_through(filter: &Filter, event: &Event, state: State) -> bool {
    let is_of_operation = |operation: &String| *operation == event.operation;
    filter.id.is_none_or(|id| id == event.id)
        && filter.since.is_none_or(|since| event.received_at >= since)
        && filter.until.is_none_or(|until| event.received_at < until)
        && filter.operation.as_ref().is_none_or(is_of_operation)
        && filter.state.is_none_or(|wanted| wanted == state)
}

async fn entry(
    streams: &Streams,
    index: &Index,
    key: Key,
    event: Event,
    state: State,
) -> Result<Entry, BoxError> {
    let mut deliveries = Vec::new();
    for (stream, events, is_dead) in [
        (&streams.retry, &index.retry, false),
        (&streams.dead, &index.dead, true),
    ] {
        if !is_dead && state == State::Done {
            // A word that came late left it.
            continue;
        }
        let Some((key, consumers)) = events.get(&key.id) else {
            continue;
        };
        for consumer in consumers {
            let subject = if is_dead {
                key.dead(consumer)
            } else {
                key.retry(consumer)
            };
            let Some(found) = beside::get(stream, &subject).await? else {
                continue;
            };
            let attempts = Attempts::read(&found.headers);
            deliveries.push(DeliveryState {
                consumer: consumer.clone(),
                attempts: attempts.count,
                is_dead,
                problem: attempts.problem,
            });
        }
    }
    let problem = match state {
        State::Quarantined => beside::get(&streams.quarantine, &key.quarantined()).await?,
        _ => None,
    };
    Ok(Entry {
        event,
        position: message::position(key.position),
        state,
        problem: problem.and_then(|found| message::read_problem(&found.headers)),
        deliveries,
    })
}

/// Reads the stream of events from a place on.
pub(super) struct Reader {
    /// `None` if there is nothing to read.
    consumer: Option<Consumer<pull::Config>>,
    page: VecDeque<(Key, Event)>,
}

impl Reader {
    pub(super) async fn open(
        streams: &Streams,
        filter: &Filter,
        after: u64,
    ) -> Result<Self, BoxError> {
        let mut reader = Self {
            consumer: None,
            page: VecDeque::new(),
        };
        let is_aside = matches!(filter.state, Some(State::Quarantined | State::Dead));
        if let Some(id) = filter.id.filter(|_| !is_aside) {
            if let Some(found) = beside::get(&streams.events, &subject::event_of(id)).await? {
                let key = beside::key(&found)?;
                let event = message::read(&key, &found.headers, found.payload)?;
                reader.page.push_back((key, event));
            }
            return Ok(reader);
        }
        let last = streams.events.get_info().await?.state.last_sequence;
        if after < last && !is_aside {
            let config = config(filter, after);
            reader.consumer = Some(streams.events.create_consumer(config).await?);
        }
        Ok(reader)
    }

    async fn peek(&mut self) -> Result<Option<&(Key, Event)>, BoxError> {
        if self.page.is_empty()
            && let Some(consumer) = &self.consumer
        {
            for found in fetch::fetch(consumer, PAGE, Duration::ZERO).await? {
                let sequence = found.info()?.stream_sequence;
                let (key, _) = subject::parse(&found.subject, sequence).ok_or("no event")?;
                let headers = found.headers.clone().unwrap_or_default();
                let event = message::read(&key, &headers, found.payload.clone())?;
                self.page.push_back((key, event));
            }
        }
        Ok(self.page.front())
    }

    pub(super) async fn next(&mut self) -> Result<Option<(Key, Event)>, BoxError> {
        self.peek().await?;
        Ok(self.page.pop_front())
    }
}

/// A consumer for one look at the stream.
fn config(filter: &Filter, after: u64) -> pull::Config {
    let since = filter.since.filter(|_| after == 0);
    let from = since
        .and_then(|since| since.checked_sub_signed(SKEW))
        .and_then(|from| datetime::parse_rfc3339(&text(from)).ok());
    pull::Config {
        deliver_policy: match from {
            // An event is published after it arrived.
            Some(start_time) => DeliverPolicy::ByStartTime { start_time },
            None => DeliverPolicy::ByStartSequence {
                start_sequence: after + 1,
            },
        },
        ack_policy: AckPolicy::None,
        filter_subject: subject::events_of(filter.operation.as_deref()),
        memory_storage: true,
        num_replicas: 1,
        inactive_threshold: Duration::from_secs(30),
        ..pull::Config::default()
    }
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}
