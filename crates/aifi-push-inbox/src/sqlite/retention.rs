//! Deleting what is no longer needed.

use std::collections::BTreeMap;

use rusqlite::{Transaction, params};

use crate::retention::{Pruned, Retention};

/// How many events one transaction deletes: so few that appends hardly wait.
const PRUNE_BATCH: u32 = 1000;

/// Bytes of the body by key.
pub(super) type Candidates = BTreeMap<i64, u64>;

/// Deletes a batch, and returns its room to the disk.
pub(super) fn prune(
    transaction: &Transaction<'_>,
    retention: &Retention,
) -> rusqlite::Result<Pruned> {
    let candidates = candidates(transaction, retention, PRUNE_BATCH)?;
    let mut delete = transaction.prepare_cached("DELETE FROM event WHERE seq = ?")?;
    for seq in candidates.keys() {
        delete.execute([seq])?;
    }
    // Each step frees one page.
    let mut vacuum = transaction.prepare_cached("PRAGMA incremental_vacuum")?;
    let mut pages = vacuum.query([])?;
    while pages.next()?.is_some() {}
    Ok(total(&candidates))
}
/// Selects what may be deleted, at most `limit` events.
pub(super) fn candidates(
    transaction: &Transaction<'_>,
    retention: &Retention,
    limit: u32,
) -> rusqlite::Result<Candidates> {
    let may_go = if retention.include_unconsumed {
        "TRUE"
    } else {
        "problem IS NULL
         AND seq <= (SELECT min(cursor) FROM consumer)
         AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.seq = event.seq)"
    };
    let mut candidates = Candidates::new();
    if let Some(before) = retention.before {
        let mut old = transaction.prepare_cached(&format!(
            "SELECT seq, size FROM event WHERE received_at < ? AND {may_go} LIMIT ?"
        ))?;
        let mut rows = old.query(params![before.timestamp_micros(), limit])?;
        while let Some(row) = rows.next()? {
            candidates.insert(row.get(0)?, row.get(1)?);
        }
    }
    if let Some(max_bytes) = retention.max_bytes {
        let all: u64 =
            transaction.query_row("SELECT coalesce(sum(size), 0) FROM event", [], |row| {
                row.get(0)
            })?;
        let mut left = all - total(&candidates).bytes;
        let mut oldest = transaction.prepare_cached(&format!(
            "SELECT seq, size FROM event WHERE {may_go} ORDER BY seq"
        ))?;
        let mut rows = oldest.query([])?;
        while left > max_bytes
            && candidates.len() < limit as usize
            && let Some(row) = rows.next()?
        {
            let (seq, size) = (row.get(0)?, row.get(1)?);
            if candidates.insert(seq, size).is_none() {
                left -= size;
            }
        }
    }
    Ok(candidates)
}

pub(super) fn total(candidates: &Candidates) -> Pruned {
    Pruned {
        events: candidates.len() as u64,
        bytes: candidates.values().sum(),
    }
}
