//! Deleting what is no longer needed.

use super::{
    beside::{self, Index},
    list::{Floor, Reader},
    message, stats,
    streams::Streams,
    subject,
};
use crate::{Filter, Pruned, Retention, error::BoxError};

/// Deletes from the oldest on, up to the first that has to stay.
pub(super) async fn prune(streams: &Streams, retention: &Retention) -> Result<Pruned, BoxError> {
    let Floor { first, last, done } = Floor::read(&streams.events).await?;
    let last = if retention.even_unseen { last } else { done };
    let mut left = stats::bytes(streams).await?;
    let index = Index::read(streams).await?;
    let mut pruned = Pruned::default();
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
        let stays = !retention.even_unseen && index.dead.contains_key(&key.id);
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
    let mut aside = Vec::new();
    for (key, _) in index.quarantined.values() {
        aside.push((&streams.quarantine, key.quarantined(), true));
    }
    for (key, consumers) in index.dead.values() {
        // The event itself, if it is still there, is counted.
        let is_alone = key.position < first && !index.quarantined.contains_key(&key.id);
        let letters = consumers.iter().map(|consumer| key.dead(consumer));
        aside.extend(letters.map(|letter| (&streams.dead, letter, is_alone)));
    }
    for (stream, subject, is_counted) in aside {
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
