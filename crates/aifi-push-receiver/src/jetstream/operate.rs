//! What operators ask for: quarantine, and handing out again.

use async_nats::jetstream::Context;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{append, beside, message, streams::Streams, subject};
use crate::error::BoxError;

/// Moves an event away from the consumers. Gives whether there is such an event.
pub(super) async fn quarantine(
    context: &Context,
    streams: &Streams,
    id: Uuid,
    problem: &str,
) -> Result<bool, BoxError> {
    let Some(found) = beside::get(&streams.events, &subject::event_of(id)).await? else {
        let quarantined = beside::get(&streams.quarantine, &subject::quarantined_of(id)).await?;
        return Ok(quarantined.is_some());
    };
    let key = beside::key(&found)?;
    let event = message::read(&key, &found.headers, found.payload)?;
    let aside = message::with_problem(message::copy(&event), problem);
    // First there, then away from here: if we crash in between, it is in both.
    append::put(context, key.quarantined(), aside).await?;
    beside::delete(&streams.events, &key.event()).await?;
    for (stream, subject) in [
        (&streams.events, subject::again_of_event(id)),
        (&streams.retry, subject::retry_of("*", id)),
        (&streams.dead, subject::dead_of("*", id)),
    ] {
        beside::delete(stream, &subject).await?;
    }
    Ok(true)
}

/// Moves an event back, to the end. Gives whether there is such an event.
pub(super) async fn release(
    context: &Context,
    streams: &Streams,
    id: Uuid,
) -> Result<bool, BoxError> {
    let found = beside::get(&streams.quarantine, &subject::quarantined_of(id)).await?;
    let Some(found) = found else {
        let event = beside::get(&streams.events, &subject::event_of(id)).await?;
        return Ok(event.is_some());
    };
    let key = beside::key(&found)?;
    let event = message::read(&key, &found.headers, found.payload)?;
    append::put_new(context, key.event(), message::copy(&event)).await?;
    beside::delete(&streams.quarantine, &key.quarantined()).await?;
    Ok(true)
}

/// Publishes events once more, for one consumer.
pub(super) async fn redeliver(
    context: &Context,
    streams: &Streams,
    consumer: &str,
    events: Vec<(Uuid, DateTime<Utc>)>,
) -> Result<usize, BoxError> {
    let Ok(info) = streams.events.consumer_info(consumer).await else {
        // Nobody of that name has seen anything.
        return Ok(0);
    };
    let (seen, done) = (
        info.delivered.stream_sequence,
        info.ack_floor.stream_sequence,
    );
    let mut count = 0;
    for (id, not_before) in events {
        let dead = beside::get(&streams.dead, &subject::dead_of(consumer, id)).await?;
        let found = match &dead {
            Some(_) => dead,
            None => beside::get(&streams.events, &subject::event_of(id)).await?,
        };
        let Some(found) = found else { continue };
        let key = beside::key(&found)?;
        let is_waiting = key.position > done
            && beside::get(&streams.retry, &key.retry(consumer))
                .await?
                .is_some();
        if is_waiting || key.position > seen {
            continue;
        }
        let event = message::read(&key, &found.headers, found.payload)?;
        let again = message::not_before(message::copy(&event), not_before);
        let is_new = append::put_new(context, key.again(consumer), again).await?;
        beside::delete(&streams.dead, &key.dead(consumer)).await?;
        count += usize::from(is_new);
    }
    Ok(count)
}
