//! Deleting what is no longer needed, in steps that hardly delay an append.
//!
//! The thread that reads looks for events to delete, a block of sequence numbers at a time; the one that
//! writes deletes them, for a few milliseconds at a time.

use std::time::{Duration, Instant};

use rusqlite::{OptionalExtension, Transaction, params};

use super::{block, rows};
use crate::retention::{Pruned, Retention};

/// How long a transaction deletes. An append waits for one, and for the commit.
const STEP: Duration = Duration::from_millis(2);

/// Where a search is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    /// The block to look into next.
    block: i64,
    /// The bytes that would be left.
    left: u64,
}

/// What is to be deleted of a block.
pub(super) struct Found {
    pub(super) seqs: Vec<i64>,
    pub(super) total: Pruned,
    /// Where to search on.
    pub(super) next: Search,
}

impl Search {
    pub(super) fn start(transaction: &Transaction<'_>) -> rusqlite::Result<Self> {
        let bytes = "SELECT coalesce(sum(bytes), 0) FROM event_block";
        Ok(Self {
            block: 0,
            left: transaction.query_row(bytes, [], |row| row.get(0))?,
        })
    }

    /// Looks into the next block that may contain something to delete. Returns `None` after the last.
    pub(super) fn next(
        self,
        transaction: &Transaction<'_>,
        retention: &Retention,
    ) -> rusqlite::Result<Option<Found>> {
        let before = retention.before.map(|before| before.timestamp_micros());
        // As long as there is too much, it does not matter how old it is.
        let is_too_much = |left| retention.max_bytes.is_some_and(|max| left > max);
        let before_block = if is_too_much(self.left) {
            Some(i64::MAX)
        } else {
            before
        };
        let has_some = if retention.include_unconsumed {
            "TRUE"
        } else {
            block::HAS_DONE
        };
        let mut next = transaction.prepare_cached(&format!(
            "SELECT block FROM event_block AS b WHERE block >= ? AND oldest < ? AND {has_some}
             ORDER BY block LIMIT 1"
        ))?;
        let mut next = next.query(params![self.block, before_block])?;
        let Some(row) = next.next()? else {
            return Ok(None);
        };
        let block = row.get(0)?;
        let mut found = Found {
            seqs: Vec::new(),
            total: Pruned::default(),
            next: Self {
                block: block + 1,
                left: self.left,
            },
        };
        let mut events = transaction.prepare_cached(&format!(
            "SELECT seq, size, received_at FROM event
             WHERE seq BETWEEN ? AND ? AND {} ORDER BY seq",
            may_go(retention)
        ))?;
        let (first, last) = block::range(block);
        let mut events = events.query([first, last])?;
        while let Some(row) = events.next()? {
            let (seq, size, received_at): (_, u64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let is_old = before.is_some_and(|before| received_at < before);
            if is_old || is_too_much(found.next.left) {
                found.seqs.push(seq);
                found.total.events += 1;
                found.total.bytes += size;
                found.next.left = found.next.left.saturating_sub(size);
            }
        }
        Ok(Some(found))
    }
}

/// Whether an event may be deleted.
fn may_go(retention: &Retention) -> &'static str {
    if retention.include_unconsumed {
        "TRUE"
    } else {
        "problem IS NULL
         AND seq <= (SELECT min(cursor) FROM consumer)
         AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.seq = event.seq)"
    }
}

/// Deletes events of a block as long as a step takes, and returns how many of them it went through and
/// what it deleted. What was requeued or replayed since it was found stays.
pub(super) fn delete(
    transaction: &Transaction<'_>,
    seqs: &[i64],
    retention: &Retention,
) -> rusqlite::Result<(usize, Pruned)> {
    let start = Instant::now();
    let mut delete = transaction.prepare_cached(&format!(
        "DELETE FROM event WHERE seq = ? AND {} RETURNING size",
        may_go(retention)
    ))?;
    let mut pruned = Pruned::default();
    let mut done = 0;
    for seq in seqs {
        let size: Option<u64> = delete.query_row([seq], |row| row.get(0)).optional()?;
        pruned.events += u64::from(size.is_some());
        pruned.bytes += size.unwrap_or_default();
        done += 1;
        if start.elapsed() >= STEP {
            break;
        }
    }
    rows::delete_subjects(transaction, &seqs[..done])?;
    Ok((done, pruned))
}

/// Returns free pages to the disk as long as a step takes. Returns whether there may be more.
pub(super) fn vacuum(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    let start = Instant::now();
    // Each row is a page.
    let mut vacuum = transaction.prepare_cached("PRAGMA incremental_vacuum")?;
    let mut pages = vacuum.query([])?;
    while pages.next()?.is_some() {
        if start.elapsed() >= STEP {
            return Ok(true);
        }
    }
    Ok(false)
}
