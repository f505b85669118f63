//! Deleting what is no longer needed.

use super::{
    beside::{self, Index},
    list::{self, Reader},
    message, stats,
    streams::Streams,
    subject,
};
use crate::{Filter, Pruned, Retention, error::BoxError};

/// Deletes from the oldest on, up to the first that has to stay.
pub(super) async fn prune(streams: &Streams, retention: &Retention) -> Result<Pruned, BoxError> {
    let state = streams.events.get_info().await?.state;
    let mut left = stats::bytes(streams).await?;
    let consumers = list::consumers(&streams.events).await?;
    let floors = consumers.iter().map(|info| info.ack_floor.stream_sequence);
    let last = if retention.even_unseen {
        state.last_sequence
    } else {
        floors.min().unwrap_or(0)
    };
    let index = Index::read(streams).await?;
    let mut pruned = Pruned::default();
    let first = state.first_sequence;
    let mut next = first;
    let mut events = Reader::open(streams, &Filter::default(), first.saturating_sub(1)).await?;
    while let Some((key, event)) = events.next().await? {
        let bytes = message::stored_bytes(&event);
        let is_old = retention
            .before
            .is_some_and(|before| event.received_at < before);
        let is_too_much = retention.max_bytes.is_some_and(|most| left > most);
        if key.position > last || !(is_old || is_too_much) {
            break;
        }
        next = key.position + 1;
        left = left.saturating_sub(bytes);
        // A dead letter stays, in a stream of its own.
        let stays = !retention.even_unseen && index.dead.iter().any(|(dead, _)| dead.id == key.id);
        pruned.events += u64::from(!stays);
        pruned.bytes += bytes;
    }
    if !retention.dry_run && next > first {
        let purge = streams.events.purge().filter(subject::EVENTS);
        purge.sequence(next).await?;
    }
    if retention.even_unseen {
        prune_aside(streams, &index, retention, first, &mut pruned).await?;
    }
    Ok(pruned)
}

/// The same with what is quarantined, and with dead letters whose event is gone.
async fn prune_aside(
    streams: &Streams,
    index: &Index,
    retention: &Retention,
    first: u64,
    pruned: &mut Pruned,
) -> Result<(), BoxError> {
    let quarantined = index.quarantined.values();
    let quarantined = quarantined.map(|key| (&streams.quarantine, key.quarantined(), true));
    let dead = index.dead.iter().map(|(key, consumer)| {
        // The event itself, if it is still there, is counted.
        let is_alone = key.position < first && !index.quarantined.contains_key(&key.position);
        (&streams.dead, key.dead(consumer), is_alone)
    });
    for (stream, subject, is_counted) in quarantined.chain(dead) {
        let Some(found) = beside::get(stream, &subject).await? else {
            continue;
        };
        let key = beside::key(&found)?;
        let event = message::read(&key, &found.headers, found.payload)?;
        if retention
            .before
            .is_none_or(|before| event.received_at >= before)
        {
            continue;
        }
        if !retention.dry_run {
            beside::delete(stream, &subject).await?;
        }
        pruned.events += u64::from(is_counted);
        pruned.bytes += message::stored_bytes(&event);
    }
    Ok(())
}
