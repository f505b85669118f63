//! Indexing, in the background, the events that a version without an index stored.

use std::sync::{Arc, Weak};

use rusqlite::{Connection, Transaction, params};

use super::{Shared, block, rows, writer::Durability};
use crate::{error::BoxError, error_chain::ErrorChain, subject::Subject};

/// How many events one transaction indexes: so few that appends hardly wait.
const BATCH: usize = 64;

/// Returns the number of blocks that are not indexed.
pub(super) fn unindexed_blocks(connection: &Connection) -> rusqlite::Result<u64> {
    let count = "SELECT count(*) FROM event_block WHERE NOT is_indexed";
    connection.query_row(count, [], |row| row.get(0))
}

/// Indexes what is not, until it is done or the inbox is dropped.
pub(super) async fn index_all(inbox: Weak<Shared>) {
    tracing::info!("indexing the events of an earlier version in the background");
    while let Some(inbox) = inbox.upgrade() {
        match index_next(&inbox).await {
            Ok(true) => {}
            Ok(false) => return tracing::info!("every event is indexed"),
            Err(error) => {
                let error = ErrorChain(error.as_ref());
                return tracing::warn!(%error, "indexing stops until the next start");
            }
        }
    }
}

/// Indexes a block. Returns whether there was one.
async fn index_next(inbox: &Arc<Shared>) -> Result<bool, BoxError> {
    let Some(Unindexed { block, events }) = inbox.reader.read(next).await? else {
        return Ok(false);
    };
    for batch in events.chunks(BATCH) {
        let batch = batch.to_vec();
        let inserted = inbox
            .writer
            .submit(Durability::Written, move |transaction| {
                batch
                    .iter()
                    .try_for_each(|(seq, hashes)| insert(transaction, *seq, hashes))
            });
        inserted.await?;
    }
    let finished = inbox
        .writer
        .submit(Durability::Written, move |transaction| {
            let finish = "UPDATE event_block SET is_indexed = TRUE WHERE block = ?";
            transaction.execute(finish, [block])
        });
    finished.await?;
    Ok(true)
}

/// A block that is not indexed.
struct Unindexed {
    block: i64,
    /// Its events, and the hashes of what each is about.
    events: Vec<(i64, Vec<i64>)>,
}

fn next(transaction: &Transaction<'_>) -> rusqlite::Result<Option<Unindexed>> {
    let mut first = transaction.prepare_cached(
        "SELECT block FROM event_block WHERE NOT is_indexed ORDER BY block LIMIT 1",
    )?;
    let mut first = first.query([])?;
    let Some(row) = first.next()? else {
        return Ok(None);
    };
    let block = row.get(0)?;
    let mut events = transaction.prepare_cached(&format!(
        "SELECT {} FROM event AS e JOIN body AS b USING (seq) WHERE e.seq BETWEEN ? AND ?",
        rows::EVENT
    ))?;
    let (first, last) = block::range(block);
    let events = events.query_map([first, last], |row| {
        Ok((row.get("seq")?, Subject::hashes(&rows::event(row)?)))
    })?;
    let events = events.collect::<Result<_, _>>()?;
    Ok(Some(Unindexed { block, events }))
}

/// Indexes an event, unless it was deleted.
fn insert(transaction: &Transaction<'_>, seq: i64, hashes: &[i64]) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO subject SELECT ?1, ?2, seq FROM event WHERE seq = ?3
         ON CONFLICT DO NOTHING",
    )?;
    for hash in hashes {
        insert.execute(params![block::of(seq), hash, seq])?;
    }
    Ok(())
}
