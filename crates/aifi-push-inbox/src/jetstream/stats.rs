//! How much there is, and how far each consumer is.

use async_nats::jetstream::{consumer::Info, stream::Stream};
use chrono::{DateTime, Utc};

use super::{
    list, message, pause,
    records::{self, Records},
    streams::Streams,
    subject,
};
use crate::{
    error::BoxError,
    stats::{ConsumerStats, InboxStats},
};

pub(super) async fn stats(streams: &Streams) -> Result<InboxStats, BoxError> {
    let records = Records::read(streams).await?;
    let probes = records::count(&streams.events, subject::PROBES).await?;
    let events = streams.events.get_info().await?.state;
    // Those before the first event were pruned, and are left as dead letters alone.
    let first = list::first_event(&streams.events).await?;
    let dead = records.dead.values();
    let only_dead = dead.filter(|(key, _)| first.is_none_or(|first| key.position < first));
    let mut consumers = Vec::new();
    for info in list::consumers(&streams.events).await? {
        consumers.push(consumer(streams, &records, info).await?);
    }
    let oldest = [
        time_of_first(&streams.events, subject::EVENTS, 0).await?,
        time_of_first(&streams.events, subject::QUARANTINED, 0).await?,
    ];
    Ok(InboxStats {
        events: events.messages.saturating_sub(probes) + only_dead.count() as u64,
        bytes: bytes(streams).await?,
        quarantined: records::count(&streams.events, subject::QUARANTINED).await?,
        oldest: oldest.into_iter().flatten().min(),
        disk_free: None,
        consumers,
    })
}

/// What the brokers store on each replica: events, retries and dead letters.
pub(super) async fn bytes(streams: &Streams) -> Result<u64, BoxError> {
    let mut bytes = 0;
    for stream in [&streams.events, &streams.retries, &streams.dead] {
        bytes += stream.get_info().await?.state.bytes;
    }
    Ok(bytes)
}

async fn consumer(
    streams: &Streams,
    records: &Records,
    info: Info,
) -> Result<ConsumerStats, BoxError> {
    let has_name = |(_, consumers): &&(_, Vec<String>)| consumers.contains(&info.name);
    let retries = records.retries.values().filter(has_name);
    let fresh = info.num_pending + info.num_ack_pending as u64;
    let mut oldest = Vec::new();
    if fresh > 0 {
        let next = info.ack_floor.stream_sequence + 1;
        oldest.extend(time_of_first(&streams.events, subject::EVENTS, next).await?);
    }
    if let Some((key, _)) = retries.clone().min_by_key(|(key, _)| key.position) {
        oldest.extend(time_of_first(&streams.retries, &key.retry(&info.name), 0).await?);
    }
    Ok(ConsumerStats {
        pending: fresh + retries.count() as u64,
        oldest_pending: oldest.into_iter().min(),
        dead: records.dead.values().filter(has_name).count() as u64,
        is_paused: pause::is_set(&info.config),
        name: info.name.clone(),
    })
}

/// When the first event arrived that a stream contains from a sequence on.
async fn time_of_first(
    stream: &Stream,
    filter: &str,
    sequence: u64,
) -> Result<Option<DateTime<Utc>>, BoxError> {
    let Some(found) = records::first(stream, filter, sequence).await? else {
        return Ok(None);
    };
    let key = records::key(&found)?;
    let event = message::read(&key, &found.headers, found.payload)?;
    Ok(Some(event.received_at))
}
