//! What operators ask for: redelivery, and removing.

use async_nats::jetstream::{
    Context,
    consumer::{FromConsumer, pull},
    context::ConsumerInfoErrorKind,
    stream::{ConsumerUpdateErrorKind, Stream},
};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    message::{self, Progress},
    pause, records,
    streams::Streams,
    subject,
};
use crate::{consumer_name::ConsumerName, error::BoxError};

/// How many events are on their way to the brokers at a time.
const CONCURRENCY: usize = 64;

/// Returns the number of events that were quarantined or dead.
pub(super) async fn requeue(
    context: &Context,
    streams: &Streams,
    ids: Vec<Uuid>,
) -> Result<u64, BoxError> {
    let requeued = stream::iter(ids)
        .map(|id| requeue_one(context, streams, id))
        .buffer_unordered(CONCURRENCY);
    requeued
        .try_fold(0, async |count, requeued| Ok(count + u64::from(requeued)))
        .await
}

async fn requeue_one(context: &Context, streams: &Streams, id: Uuid) -> Result<bool, BoxError> {
    let mut is_requeued = false;
    let quarantined = records::get(&streams.events, &subject::quarantined_with(id)).await?;
    if let Some(found) = quarantined {
        let key = records::key(&found)?;
        let event = message::read(&key, &found.headers, found.payload)?;
        // First there, then away from here: after a crash in between it is in both, and is released
        // once more.
        records::put_after(context, key.event(), 0, message::copy(&event)).await?;
        records::delete(&streams.events, found.sequence).await?;
        is_requeued = true;
    }
    // One consumer's after the other's.
    while let Some(found) = records::get(&streams.dead, &subject::dead_with("*", id)).await? {
        let parsed = subject::parse(&found.subject, 0).ok_or("a dead letter without a consumer")?;
        let consumer = parsed.consumer.ok_or("a dead letter without a consumer")?;
        let event = message::read(&parsed.key, &found.headers, found.payload)?;
        let again = Progress {
            not_before: Utc::now(),
            problem: message::read_problem(&found.headers),
            ..Progress::default()
        };
        let retry = parsed.key.retry(consumer);
        records::put_after(context, retry, 0, again.of(&event)).await?;
        records::delete(&streams.dead, found.sequence).await?;
        is_requeued = true;
    }
    Ok(is_requeued)
}

/// Returns the number of events that are delivered again.
pub(super) async fn replay(
    context: &Context,
    streams: &Streams,
    consumer: &ConsumerName,
    events: Vec<(Uuid, DateTime<Utc>)>,
) -> Result<u64, BoxError> {
    let info = match streams.events.consumer_info(consumer.as_str()).await {
        Ok(info) => info,
        // Nobody of that name has received anything.
        Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let delivered = info.delivered.stream_sequence;
    let replayed = stream::iter(events)
        .map(|(id, not_before)| replay_one(context, streams, consumer, delivered, id, not_before))
        .buffer_unordered(CONCURRENCY);
    replayed
        .try_fold(0, async |count, replayed| Ok(count + u64::from(replayed)))
        .await
}

async fn replay_one(
    context: &Context,
    streams: &Streams,
    consumer: &ConsumerName,
    delivered: u64,
    id: Uuid,
    not_before: DateTime<Utc>,
) -> Result<bool, BoxError> {
    let consumer = consumer.as_str();
    let dead = records::get(&streams.dead, &subject::dead_with(consumer, id)).await?;
    let found = match &dead {
        Some(_) => dead,
        None => records::get(&streams.events, &subject::event_with(id)).await?,
    };
    let Some(found) = found else {
        return Ok(false);
    };
    let key = records::key(&found)?;
    if key.position > delivered {
        return Ok(false);
    }
    let event = message::read(&key, &found.headers, found.payload)?;
    let again = Progress {
        not_before,
        problem: message::read_problem(&found.headers),
        ..Progress::default()
    };
    // Refused if it waits for a retry already.
    let is_new = records::put_after(context, key.retry(consumer), 0, again.of(&event)).await?;
    records::delete_all(&streams.dead, &key.dead(consumer)).await?;
    Ok(is_new)
}

/// Returns the number of events that there were.
pub(super) async fn erase(streams: &Streams, ids: Vec<Uuid>) -> Result<u64, BoxError> {
    // Brokers overwrite a message that is deleted by its sequence.
    let erased = stream::iter(ids)
        .map(|id| discard(streams, id))
        .buffer_unordered(CONCURRENCY);
    erased
        .try_fold(0, async |count, erased| Ok(count + u64::from(erased)))
        .await
}

/// Returns whether there was such an event.
pub(super) async fn discard(streams: &Streams, id: Uuid) -> Result<bool, BoxError> {
    let mut is_found = false;
    for (stream, subject) in [
        (&streams.events, subject::event_with(id)),
        (&streams.events, subject::quarantined_with(id)),
        (&streams.retries, subject::retry_with("*", id)),
        (&streams.dead, subject::dead_with("*", id)),
    ] {
        is_found |= records::delete_all(stream, &subject).await?;
    }
    Ok(is_found)
}

/// Deletes the message of each subject. Returns how many were still there when they were deleted.
pub(super) async fn delete_last(
    stream: &Stream,
    subjects: impl Iterator<Item = String>,
) -> Result<u64, BoxError> {
    let deleted = stream::iter(subjects)
        .map(
            async |subject| match records::get(stream, &subject).await? {
                Some(found) => records::delete(stream, found.sequence).await,
                None => Ok(false),
            },
        )
        .buffer_unordered(CONCURRENCY);
    deleted
        .try_fold(0, async |count, deleted| Ok(count + u64::from(deleted)))
        .await
}

/// Returns whether there is such a consumer.
pub(super) async fn set_paused(
    streams: &Streams,
    name: &ConsumerName,
    is_paused: bool,
) -> Result<bool, BoxError> {
    let mut is_seen = !is_paused;
    loop {
        let info = match streams.events.consumer_info(name.as_str()).await {
            Ok(info) => info,
            Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        // Somebody who changed the lease just then may have undone it.
        let is_set = pause::is_set(&info.config) == is_paused;
        if is_set && is_seen {
            return Ok(true);
        }
        if !is_set {
            let mut config = pull::Config::try_from_consumer_config(info.config)?;
            pause::set(&mut config, is_paused);
            match streams.events.update_consumer(config).await {
                Ok(_) => {}
                Err(error) if error.kind() == ConsumerUpdateErrorKind::DoesNotExist => {
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            }
        }
        if is_paused {
            // Until every subscription has looked.
            sleep(pause::SEEN_AFTER).await;
            is_seen = true;
        }
    }
}

/// Returns whether there was such a consumer.
pub(super) async fn remove_consumer(
    streams: &Streams,
    name: &ConsumerName,
) -> Result<bool, BoxError> {
    let name = name.as_str();
    match streams.events.consumer_info(name).await {
        Ok(_) => {}
        Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    // That of the events last: if this is cut off, the consumer is there to be removed again.
    if streams.retries.consumer_info(name).await.is_ok() {
        streams.retries.delete_consumer(name).await?;
    }
    records::purge(&streams.retries, &subject::retries_of(name)).await?;
    records::purge(&streams.dead, &subject::dead_of(name)).await?;
    streams.events.delete_consumer(name).await?;
    Ok(true)
}
