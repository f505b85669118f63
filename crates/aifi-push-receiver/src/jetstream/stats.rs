//! How much there is, and how far each consumer is.

use async_nats::jetstream::{consumer::Info, stream::Stream};
use chrono::{DateTime, Utc};

use super::{
    beside::{self, Index},
    list, message,
    streams::Streams,
    subject,
};
use crate::{ConsumerStats, Stats, error::BoxError};

pub(super) async fn stats(streams: &Streams) -> Result<Stats, BoxError> {
    let index = Index::read(streams).await?;
    let probes = beside::count(&streams.events, subject::PROBES).await?;
    let events = streams.events.get_info().await?.state;
    let dead = index.dead.values();
    let only_dead = dead.filter(|(key, _)| key.position < events.first_sequence);
    let elsewhere = index.quarantined.len() + only_dead.count();
    let again = index.again.values().map(|(_, consumers)| consumers.len());
    let not_events = again.sum::<usize>() as u64 + probes;
    let mut consumers = Vec::new();
    for info in list::consumers(&streams.events).await? {
        consumers.push(consumer(&streams.events, &index, info).await?);
    }
    let oldest = [
        time_of_first(&streams.events, subject::EVENTS, 0).await?,
        time_of_first(&streams.quarantine, subject::QUARANTINED, 0).await?,
    ];
    Ok(Stats {
        events: events.messages.saturating_sub(not_events) + elsewhere as u64,
        bytes: bytes(streams).await?,
        quarantined: index.quarantined.len() as u64,
        oldest: oldest.into_iter().flatten().min(),
        consumers,
    })
}

/// What the brokers store on each replica: events, also those that are set aside.
pub(super) async fn bytes(streams: &Streams) -> Result<u64, BoxError> {
    let mut bytes = 0;
    for stream in [&streams.events, &streams.quarantine, &streams.dead] {
        bytes += stream.get_info().await?.state.bytes;
    }
    Ok(bytes)
}

async fn consumer(events: &Stream, index: &Index, info: Info) -> Result<ConsumerStats, BoxError> {
    let pending = info.num_pending + info.num_ack_pending as u64;
    let mut oldest_pending = None;
    if pending > 0 {
        let next = info.ack_floor.stream_sequence + 1;
        let again = subject::again_of(&info.name);
        oldest_pending = [
            time_of_first(events, subject::EVENTS, next).await?,
            time_of_first(events, &again, next).await?,
        ]
        .into_iter()
        .flatten()
        .min();
    }
    let dead = index.dead.values().flat_map(|(_, consumers)| consumers);
    Ok(ConsumerStats {
        pending,
        oldest_pending,
        dead: dead.filter(|consumer| **consumer == info.name).count() as u64,
        name: info.name,
    })
}

/// When the first event arrived that a stream holds from a sequence on.
async fn time_of_first(
    stream: &Stream,
    filter: &str,
    sequence: u64,
) -> Result<Option<DateTime<Utc>>, BoxError> {
    let Some(found) = beside::first(stream, filter, sequence).await? else {
        return Ok(None);
    };
    let key = beside::key(&found)?;
    let event = message::read(&key, &found.headers, found.payload)?;
    Ok(Some(event.received_at))
}
