//! Deleting what is no longer needed.

use super::{
    list::{Reader, StreamProgress},
    message,
    records::{self, Records},
    stats,
    streams::Streams,
    subject,
};
use crate::{
    error::BoxError,
    retention::{Pruned, Retention},
    stored::EventFilter,
};

/// Deletes from the oldest on, up to the first that has to stay.
pub(super) async fn prune(streams: &Streams, retention: &Retention) -> Result<Pruned, BoxError> {
    let progress = StreamProgress::read(&streams.events).await?;
    let mut left = stats::bytes(streams).await?;
    let records = Records::read(streams).await?;
    let mut pruned = Pruned::default();
    let mut next = 0;
    let mut events = Reader::open(streams, &EventFilter::default(), 1..u64::MAX).await?;
    while let Some(read) = events.next().await? {
        let id = read.key.id;
        let is_pending =
            read.key.position > progress.acknowledged || records.retries.contains_key(&id);
        let stays = is_pending || read.quarantined.is_some();
        if read.quarantined.is_some() && !retention.include_unconsumed {
            continue;
        }
        let bytes = message::stored_bytes(&read.event);
        let is_old = retention
            .before
            .is_some_and(|before| read.event.received_at < before);
        let is_too_much = retention.max_bytes.is_some_and(|max| left > max);
        let is_over = read.key.position > progress.last;
        if is_over || !(is_old || is_too_much) || (stays && !retention.include_unconsumed) {
            break;
        }
        next = read.key.position + 1;
        left = left.saturating_sub(bytes);
        // A dead letter stays, in a stream of its own.
        let is_dead = !retention.include_unconsumed && records.dead.contains_key(&id);
        pruned.events += u64::from(!is_dead);
        pruned.bytes += bytes;
    }
    events.close().await;
    if !retention.dry_run && next > 0 {
        let mut subjects = vec![subject::EVENTS];
        if retention.include_unconsumed {
            subjects.push(subject::QUARANTINED);
        }
        for subject in subjects {
            let purge = streams.events.purge().filter(subject);
            purge.sequence(next).await?;
        }
    }
    if retention.include_unconsumed {
        prune_records(streams, &records, retention, progress.first, &mut pruned).await?;
    }
    Ok(pruned)
}

/// The same with retries and dead letters.
async fn prune_records(
    streams: &Streams,
    records: &Records,
    retention: &Retention,
    first: u64,
    pruned: &mut Pruned,
) -> Result<(), BoxError> {
    let mut subjects = Vec::new();
    for (key, consumers) in records.retries.values() {
        let retries = consumers.iter().map(|consumer| key.retry(consumer));
        subjects.extend(retries.map(|retry| (&streams.retries, retry, false)));
    }
    for (key, consumers) in records.dead.values() {
        // The event itself, if it is still there, is counted.
        let is_alone = key.position < first;
        let letters = consumers.iter().map(|consumer| key.dead(consumer));
        subjects.extend(letters.map(|letter| (&streams.dead, letter, is_alone)));
    }
    for (stream, subject, is_counted) in subjects {
        let Some(found) = records::get(stream, &subject).await? else {
            continue;
        };
        let (key, sequence) = (records::key(&found)?, found.sequence);
        let event = message::read(&key, &found.headers, found.payload)?;
        if retention
            .before
            .is_none_or(|before| event.received_at >= before)
        {
            continue;
        }
        if !retention.dry_run {
            records::delete(stream, sequence).await?;
        }
        pruned.events += u64::from(is_counted);
        pruned.bytes += message::stored_bytes(&event);
    }
    Ok(())
}
