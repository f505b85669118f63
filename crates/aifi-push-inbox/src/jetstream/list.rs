//! Events in the order of arrival, with how far each has come.

use std::{collections::VecDeque, time::Duration};

use async_nats::{
    datetime,
    jetstream::{
        consumer::{AckPolicy, Consumer, DeliverPolicy, Info, pull},
        stream::Stream,
    },
};
use chrono::{SecondsFormat, TimeDelta};
use futures_util::TryStreamExt;

use super::{
    fetch,
    message::{self, Progress},
    records::{self, Records},
    streams::Streams,
    subject::{self, Key},
};
use crate::{
    error::BoxError,
    event::Event,
    stored::{DeliveryStatus, EventFilter, EventState, Position, StoredEvent},
};

/// How many messages are fetched at a time.
const PAGE: usize = 256;

/// How far the clocks of receivers and brokers may be apart.
const SKEW: TimeDelta = TimeDelta::minutes(10);

pub(super) async fn list(
    streams: &Streams,
    filter: &EventFilter,
    after: Option<Position>,
    limit: usize,
) -> Result<Vec<StoredEvent>, BoxError> {
    let after = after.map_or(0, Position::get);
    let records = Records::read(streams).await?;
    let progress = StreamProgress::read(&streams.events).await?;
    let mut letters = dead_letters(&records, filter, after, progress.first);
    let mut events = Reader::open(streams, filter, after).await?;
    let mut list = Vec::new();
    while list.len() < limit {
        // Both are in order; one of them has the next.
        let event = events.peek().await?;
        let is_letter = match (letters.front(), &event) {
            (Some(letter), Some(event)) => letter.position < event.key.position,
            (letter, _) => letter.is_some(),
        };
        let read = if is_letter {
            let Some(key) = letters.pop_front() else {
                break;
            };
            let letter = subject::dead_with("*", key.id);
            let Some(found) = records::get(&streams.dead, &letter).await? else {
                continue;
            };
            Read {
                event: message::read(&key, &found.headers, found.payload)?,
                key,
                quarantined: None,
            }
        } else {
            let Some(read) = events.next().await? else {
                break;
            };
            read
        };
        let state = state(&records, &progress, &read);
        if is_selected(filter, &read.event, state) {
            list.push(stored(streams, &records, read, state).await?);
        }
    }
    Ok(list)
}

/// Where the stream of events begins and ends, and up to where every consumer acknowledged it.
pub(super) struct StreamProgress {
    /// The first event that is not quarantined. Those before were pruned.
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) acknowledged: u64,
}

impl StreamProgress {
    pub(super) async fn read(events: &Stream) -> Result<Self, BoxError> {
        let state = events.get_info().await?.state;
        let consumers = consumers(events).await?;
        let acknowledged = consumers.iter().map(|info| {
            // Nothing is left, whatever was in between that is not for consumers.
            if info.num_pending == 0 && info.num_ack_pending == 0 {
                state.last_sequence
            } else {
                info.ack_floor.stream_sequence
            }
        });
        let first = first_event(events).await?;
        Ok(Self {
            first: first.unwrap_or(state.last_sequence + 1),
            last: state.last_sequence,
            acknowledged: acknowledged.min().unwrap_or(0),
        })
    }
}

/// The sequence of the first event that is not quarantined.
pub(super) async fn first_event(events: &Stream) -> Result<Option<u64>, BoxError> {
    let first = records::first(events, subject::EVENTS, 0).await?;
    Ok(first.map(|first| first.sequence))
}

/// The consumers that have a name, by name. Others are for one look at the stream.
pub(super) async fn consumers(events: &Stream) -> Result<Vec<Info>, BoxError> {
    let mut consumers: Vec<Info> = events.consumers().try_collect().await?;
    consumers.retain(|info| info.config.durable_name.is_some());
    consumers.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(consumers)
}

/// Dead letters that are not found in the stream of events: deleted there, or all if only these are
/// asked for.
fn dead_letters(records: &Records, filter: &EventFilter, after: u64, first: u64) -> VecDeque<Key> {
    let is_dead = filter.state == Some(EventState::Dead);
    let letters = records.dead.values().map(|(key, _)| key);
    let letters = letters.filter(|key| key.position < first || is_dead);
    let letters = letters.filter(|key| key.position > after);
    let letters = letters.filter(|key| filter.id.is_none_or(|id| id == key.id));
    let mut letters: Vec<Key> = letters.cloned().collect();
    letters.sort_by_key(|key| key.position);
    letters.into()
}

fn state(records: &Records, progress: &StreamProgress, read: &Read) -> EventState {
    if read.quarantined.is_some() {
        EventState::Quarantined
    } else if records.dead.contains_key(&read.key.id) {
        EventState::Dead
    } else if read.key.position > progress.acknowledged
        || records.retries.contains_key(&read.key.id)
    {
        EventState::Pending
    } else {
        EventState::Done
    }
}

fn is_selected(filter: &EventFilter, event: &Event, state: EventState) -> bool {
    let is_of_operation = |operation: &String| *operation == event.operation;
    filter.id.is_none_or(|id| id == event.id)
        && filter.since.is_none_or(|since| event.received_at >= since)
        && filter.until.is_none_or(|until| event.received_at < until)
        && filter.operation.as_ref().is_none_or(is_of_operation)
        && filter.state.is_none_or(|wanted| wanted == state)
        && filter.subjects.iter().all(|subject| subject.is_in(event))
}

async fn stored(
    streams: &Streams,
    records: &Records,
    read: Read,
    state: EventState,
) -> Result<StoredEvent, BoxError> {
    let mut deliveries = Vec::new();
    for (stream, events, is_dead) in [
        (&streams.retries, &records.retries, false),
        (&streams.dead, &records.dead, true),
    ] {
        let Some((key, consumers)) = events.get(&read.key.id) else {
            continue;
        };
        for consumer in consumers {
            let subject = if is_dead {
                key.dead(consumer)
            } else {
                key.retry(consumer)
            };
            let Some(found) = records::get(stream, &subject).await? else {
                continue;
            };
            let progress = Progress::read(&found.headers)?;
            deliveries.push(DeliveryStatus {
                consumer: consumer.clone(),
                attempts: progress.attempts,
                is_dead,
                problem: progress.problem,
            });
        }
    }
    Ok(
        StoredEvent::new(read.event, Position::new(read.key.position))
            .state(state)
            .problem(read.quarantined)
            .deliveries(deliveries),
    )
}

/// An event of the stream of events.
pub(super) struct Read {
    pub(super) key: Key,
    pub(super) event: Event,
    /// Why it is quarantined.
    pub(super) quarantined: Option<String>,
}

impl Read {
    fn new(
        subject: &str,
        sequence: u64,
        headers: &async_nats::HeaderMap,
        payload: bytes::Bytes,
    ) -> Result<Self, BoxError> {
        let parsed = subject::parse(subject, sequence).ok_or("a message that is no event")?;
        let quarantined = parsed
            .is_quarantined
            .then(|| message::read_problem(headers).unwrap_or_default());
        Ok(Self {
            event: message::read(&parsed.key, headers, payload)?,
            key: parsed.key,
            quarantined,
        })
    }
}

/// Reads the stream of events from a position on.
pub(super) struct Reader {
    /// `None` if there is nothing to read.
    consumer: Option<Consumer<pull::Config>>,
    page: VecDeque<Read>,
}

impl Reader {
    pub(super) async fn open(
        streams: &Streams,
        filter: &EventFilter,
        after: u64,
    ) -> Result<Self, BoxError> {
        let mut reader = Self {
            consumer: None,
            page: VecDeque::new(),
        };
        if filter.state == Some(EventState::Dead) {
            return Ok(reader);
        }
        if let Some(id) = filter.id {
            for subject in [subject::event_with(id), subject::quarantined_with(id)] {
                if let Some(found) = records::get(&streams.events, &subject).await? {
                    let (sequence, headers) = (found.sequence, &found.headers);
                    let read = Read::new(&found.subject, sequence, headers, found.payload)?;
                    reader.page.push_back(read);
                    break;
                }
            }
            return Ok(reader);
        }
        let last = streams.events.get_info().await?.state.last_sequence;
        if after < last {
            let config = config(filter, after)?;
            reader.consumer = Some(streams.events.create_consumer(config).await?);
        }
        Ok(reader)
    }

    async fn peek(&mut self) -> Result<Option<&Read>, BoxError> {
        if self.page.is_empty()
            && let Some(consumer) = &self.consumer
        {
            for found in fetch::fetch(consumer, PAGE, Duration::ZERO).await? {
                let sequence = found.info()?.stream_sequence;
                let headers = found.headers.clone().unwrap_or_default();
                let read = Read::new(&found.subject, sequence, &headers, found.payload.clone())?;
                self.page.push_back(read);
            }
        }
        Ok(self.page.front())
    }

    pub(super) async fn next(&mut self) -> Result<Option<Read>, BoxError> {
        self.peek().await?;
        Ok(self.page.pop_front())
    }
}

/// A consumer for one look at the stream.
fn config(filter: &EventFilter, after: u64) -> Result<pull::Config, BoxError> {
    let since = filter.since.filter(|_| after == 0);
    let from = since.and_then(|since| since.checked_sub_signed(SKEW));
    let deliver_policy = match from {
        // An event is published after it arrived.
        Some(from) => DeliverPolicy::ByStartTime {
            start_time: datetime::parse_rfc3339(
                &from.to_rfc3339_opts(SecondsFormat::Micros, true),
            )?,
        },
        None => DeliverPolicy::ByStartSequence {
            start_sequence: after + 1,
        },
    };
    let operation = filter.operation.as_deref();
    let quarantined = subject::quarantined_of(operation);
    let filter_subjects = match filter.state {
        Some(EventState::Quarantined) => vec![quarantined],
        Some(_) => vec![subject::events_of(operation)],
        None => vec![subject::events_of(operation), quarantined],
    };
    Ok(pull::Config {
        deliver_policy,
        ack_policy: AckPolicy::None,
        filter_subjects,
        memory_storage: true,
        num_replicas: 1,
        inactive_threshold: Duration::from_secs(30),
        ..pull::Config::default()
    })
}
