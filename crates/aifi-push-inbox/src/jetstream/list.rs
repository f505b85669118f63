//! Events in the order of arrival or the newest first, with how far each has come.

use std::{cmp::Reverse, collections::VecDeque, future::ready, ops::Range, time::Duration};

use async_nats::{
    datetime,
    jetstream::{
        consumer::{AckPolicy, Consumer, DeliverPolicy, Info, pull},
        stream::Stream,
    },
};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};

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

/// How many messages of the stream are gone through at a time from its end.
const MAX_SPAN: u64 = 65_536;

/// How many records are asked for at a time.
const CONCURRENCY: usize = 64;

/// How far the clocks of receivers and brokers may be apart.
const SKEW: TimeDelta = TimeDelta::minutes(10);

pub(super) async fn list(
    streams: &Streams,
    filter: &EventFilter,
    after: Option<Position>,
    limit: usize,
) -> Result<Vec<StoredEvent>, BoxError> {
    let listing = Listing::start(streams, filter).await?;
    let start = after.map_or(0, Position::get) + 1;
    let mut letters = listing.dead_letters(start..u64::MAX);
    let mut events = Reader::open(streams, filter, start..u64::MAX).await?;
    let mut list = Vec::new();
    while list.len() < limit {
        let page = events.page().await?;
        // Those before the end of the page, or all that are left.
        let of_page = page.back().map_or(letters.len(), |last| {
            letters.partition_point(|letter| letter.position < last.key.position)
        });
        let is_last = page.is_empty();
        let letters = letters.drain(..of_page).map(Found::Letter);
        let events = page.into_iter().filter(|read| listing.selects(read));
        let mut found: Vec<_> = letters.chain(events.map(Found::Event)).collect();
        found.sort_by_key(Found::position);
        list.extend(listing.stored(found, limit - list.len()).await?);
        if is_last {
            break;
        }
    }
    events.close().await;
    Ok(list)
}

/// The newest first. Brokers deliver in the order of arrival alone, so this reads the last part of the
/// stream, and then larger and larger ones before it.
pub(super) async fn list_newest(
    streams: &Streams,
    filter: &EventFilter,
    before: Option<Position>,
    limit: usize,
) -> Result<Vec<StoredEvent>, BoxError> {
    let listing = Listing::start(streams, filter).await?;
    let mut end = before.map_or(u64::MAX, Position::get);
    end = end.min(listing.progress.last + 1);
    let mut span = limit.clamp(1, PAGE) as u64;
    if !reads_stream(filter) {
        span = end;
    }
    let mut list = Vec::new();
    while list.len() < limit && end > 1 {
        let mut start = end.saturating_sub(span).max(1);
        if start < listing.first {
            // Only dead letters are from before.
            start = 1;
        }
        let left = limit - list.len();
        let mut events = Reader::open(streams, filter, start..end).await?;
        let mut newest_arrival = None;
        let mut newest = VecDeque::new();
        while let Some(read) = events.next().await? {
            newest_arrival = newest_arrival.max(Some(read.event.received_at));
            if listing.selects(&read) {
                newest.push_back(read);
            }
            if newest.len() > left {
                newest.pop_front();
            }
        }
        events.close().await;
        let letters = listing.dead_letters(start..end).into_iter();
        let events = newest.into_iter().map(Found::Event);
        let mut found: Vec<_> = letters.map(Found::Letter).chain(events).collect();
        found.sort_by_key(|found| Reverse(found.position()));
        list.extend(listing.stored(found, left).await?);
        let is_before = |since: DateTime<Utc>| {
            let newest = newest_arrival.and_then(|newest| newest.checked_add_signed(SKEW));
            newest.is_some_and(|newest| newest < since)
        };
        if filter.since.is_some_and(is_before) {
            break;
        }
        (end, span) = (start, (span * 2).min(MAX_SPAN));
    }
    Ok(list)
}

/// Whether events are looked for one after the other.
fn reads_stream(filter: &EventFilter) -> bool {
    filter.id.is_none() && filter.state != Some(EventState::Dead)
}

/// What is known when a list begins.
struct Listing<'a> {
    streams: &'a Streams,
    filter: &'a EventFilter,
    records: Records,
    progress: StreamProgress,
    /// The first message of the stream of events.
    first: u64,
}

/// What may be in a list.
enum Found {
    /// An event that is selected.
    Event(Read),
    /// A dead letter that is yet to be read.
    Letter(Key),
}

impl Found {
    fn position(&self) -> u64 {
        match self {
            Self::Event(read) => read.key.position,
            Self::Letter(key) => key.position,
        }
    }
}

impl<'a> Listing<'a> {
    async fn start(streams: &'a Streams, filter: &'a EventFilter) -> Result<Self, BoxError> {
        let is_quarantined = filter.state == Some(EventState::Quarantined);
        let (records, progress) = if is_quarantined || filter.is_without_states() {
            let progress = StreamProgress::of_no_consumer(&streams.events).await?;
            (Records::default(), progress)
        } else {
            let records = match filter.id {
                Some(id) => Records::read_of(streams, id).await?,
                None => Records::read(streams).await?,
            };
            (records, StreamProgress::read(&streams.events).await?)
        };
        Ok(Self {
            streams,
            filter,
            records,
            progress,
            first: streams.events.get_info().await?.state.first_sequence,
        })
    }

    /// Dead letters of these positions that are not found in the stream of events, in order: deleted
    /// there, or all if only these are asked for.
    fn dead_letters(&self, positions: Range<u64>) -> VecDeque<Key> {
        let is_dead = self.filter.state == Some(EventState::Dead);
        let letters = self.records.dead.values().map(|(key, _)| key);
        let letters = letters.filter(|key| key.position < self.progress.first || is_dead);
        let letters = letters.filter(|key| positions.contains(&key.position));
        let letters = letters.filter(|key| self.filter.id.is_none_or(|id| id == key.id));
        let mut letters: Vec<Key> = letters.cloned().collect();
        letters.sort_by_key(|key| key.position);
        letters.into()
    }

    fn selects(&self, read: &Read) -> bool {
        self.filter.selects(&read.event, self.state(read))
    }

    fn state(&self, read: &Read) -> EventState {
        if read.quarantined.is_some() {
            EventState::Quarantined
        } else if self.records.dead.contains_key(&read.key.id) {
            EventState::Dead
        } else if read.key.position > self.progress.acknowledged
            || self.records.retries.contains_key(&read.key.id)
        {
            EventState::Pending
        } else {
            EventState::Done
        }
    }

    /// The first of these that are selected, at most `limit`. Of the others, only a few are read.
    async fn stored(&self, found: Vec<Found>, limit: usize) -> Result<Vec<StoredEvent>, BoxError> {
        stream::iter(found)
            .map(|found| self.stored_one(found))
            .buffered(CONCURRENCY)
            .try_filter_map(|stored| ready(Ok(stored)))
            .take(limit)
            .try_collect()
            .await
    }

    /// `None` if it is a dead letter that is not selected, or no longer there.
    async fn stored_one(&self, found: Found) -> Result<Option<StoredEvent>, BoxError> {
        let id = match &found {
            Found::Event(read) => read.key.id,
            Found::Letter(key) => key.id,
        };
        let mut deliveries = Vec::new();
        let mut letter = None;
        for (stream, events, is_dead) in [
            (&self.streams.retries, &self.records.retries, false),
            (&self.streams.dead, &self.records.dead, true),
        ] {
            let Some((key, consumers)) = events.get(&id) else {
                continue;
            };
            for consumer in consumers {
                let subject = if is_dead {
                    key.dead(consumer)
                } else {
                    key.retry(consumer)
                };
                let Some(record) = records::get(stream, &subject).await? else {
                    continue;
                };
                let progress = Progress::read(&record.headers)?;
                deliveries.push(DeliveryStatus {
                    consumer: consumer.clone(),
                    attempts: progress.attempts,
                    is_dead,
                    problem: progress.problem,
                });
                letter = Some(record).filter(|_| is_dead).or(letter);
            }
        }
        let mut read = match (found, letter) {
            (Found::Event(read), _) => read,
            (Found::Letter(key), Some(letter)) => Read {
                event: message::read(&key, &letter.headers, letter.payload)?,
                key,
                quarantined: None,
            },
            (Found::Letter(_), None) => return Ok(None),
        };
        let state = self.state(&read);
        if !self.filter.selects(&read.event, state) {
            return Ok(None);
        }
        if self.filter.without_bodies {
            // Many are collected, and each may be large.
            read.event.body = Bytes::new();
        }
        Ok(Some(
            StoredEvent::new(read.event, Position::new(read.key.position))
                .state(state)
                .problem(read.quarantined)
                .deliveries(deliveries),
        ))
    }
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

    /// As if there were no consumer, which is less to ask for.
    async fn of_no_consumer(events: &Stream) -> Result<Self, BoxError> {
        let state = events.get_info().await?.state;
        Ok(Self {
            first: state.first_sequence,
            last: state.last_sequence,
            acknowledged: 0,
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
        payload: Bytes,
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

/// Reads some positions of the stream of events.
pub(super) struct Reader<'a> {
    stream: &'a Stream,
    /// `None` if there is nothing to read.
    consumer: Option<Consumer<pull::Config>>,
    /// What is yet to be read from it. Only some of these positions may be selected.
    left: Range<u64>,
    page: VecDeque<Read>,
}

impl<'a> Reader<'a> {
    pub(super) async fn open(
        streams: &'a Streams,
        filter: &EventFilter,
        positions: Range<u64>,
    ) -> Result<Self, BoxError> {
        let mut reader = Self {
            stream: &streams.events,
            consumer: None,
            left: positions,
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
                    if reader.left.contains(&sequence) {
                        reader.page.push_back(read);
                    }
                    break;
                }
            }
            return Ok(reader);
        }
        let last = streams.events.get_info().await?.state.last_sequence;
        if reader.left.start.max(1) <= last {
            let config = config(filter, reader.left.start)?;
            reader.consumer = Some(streams.events.create_consumer(config).await?);
        }
        Ok(reader)
    }

    /// Reads the next events, some at a time. None are left if it returns none.
    pub(super) async fn page(&mut self) -> Result<VecDeque<Read>, BoxError> {
        if self.page.is_empty()
            && !self.left.is_empty()
            && let Some(consumer) = &self.consumer
        {
            // No more than there can be, as each has a position of its own.
            let most = self.left.end - self.left.start;
            let limit = usize::try_from(most).unwrap_or(PAGE).min(PAGE);
            let fetched = fetch::fetch(consumer, limit, Duration::ZERO).await?;
            self.left.start = match fetched.last() {
                Some(last) => last.info()?.stream_sequence + 1,
                None => self.left.end,
            };
            for found in fetched {
                let sequence = found.info()?.stream_sequence;
                if sequence < self.left.end {
                    let headers = found.headers.clone().unwrap_or_default();
                    let payload = found.payload.clone();
                    self.page
                        .push_back(Read::new(&found.subject, sequence, &headers, payload)?);
                }
            }
        }
        Ok(std::mem::take(&mut self.page))
    }

    pub(super) async fn next(&mut self) -> Result<Option<Read>, BoxError> {
        if self.page.is_empty() {
            self.page = self.page().await?;
        }
        Ok(self.page.pop_front())
    }

    /// Leaves nothing at the broker. It would forget the consumer itself, after a while.
    pub(super) async fn close(self) {
        if let Some(consumer) = &self.consumer {
            let name = &consumer.cached_info().name;
            let _ = self.stream.delete_consumer(name).await;
        }
    }
}

/// A consumer for one look at the stream.
fn config(filter: &EventFilter, start: u64) -> Result<pull::Config, BoxError> {
    let since = filter.since.filter(|_| start <= 1);
    let from = since.and_then(|since| since.checked_sub_signed(SKEW));
    let deliver_policy = match from {
        // An event is published after it arrived.
        Some(from) => DeliverPolicy::ByStartTime {
            start_time: datetime::parse_rfc3339(
                &from.to_rfc3339_opts(SecondsFormat::Micros, true),
            )?,
        },
        None => DeliverPolicy::ByStartSequence {
            start_sequence: start.max(1),
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
