//! How much there is, and how far each consumer is.

use rusqlite::Transaction;

use super::{block, rows};
use crate::stats::{ConsumerStats, InboxStats};

pub(super) fn stats(transaction: &Transaction<'_>) -> rusqlite::Result<InboxStats> {
    // The oldest that is pending: of those that were not delivered, and of the others.
    let mut consumers = transaction.prepare_cached(&format!(
        "SELECT name,
             {},
             coalesce(
                 (SELECT received_at FROM event
                     WHERE seq BETWEEN cursor + 1 AND cursor | 1023 AND problem IS NULL
                     ORDER BY seq LIMIT 1),
                 (SELECT received_at FROM event
                     WHERE seq >= (SELECT block << 10 FROM event_block
                             WHERE block > cursor >> 10 AND accepted > 0 ORDER BY block LIMIT 1)
                         AND problem IS NULL
                     ORDER BY seq LIMIT 1)),
             (SELECT received_at FROM event
                 WHERE seq = (SELECT seq FROM delivery AS d NOT INDEXED
                     WHERE d.consumer = name AND due_at IS NOT NULL
                         AND seq >= (SELECT block << 10 FROM delivery_block AS k
                             WHERE k.consumer = name AND waiting > 0 ORDER BY block LIMIT 1)
                     ORDER BY seq LIMIT 1)),
             (SELECT coalesce(sum(dead), 0) FROM delivery_block WHERE consumer = name),
             is_paused
         FROM consumer ORDER BY name",
        block::PENDING
    ))?;
    let consumers = consumers
        .query_map([], |row| {
            let (fresh, seen): (Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?);
            let oldest = fresh.into_iter().chain(seen).min();
            Ok(ConsumerStats {
                name: row.get(0)?,
                pending: row.get(1)?,
                oldest_pending: oldest.map(rows::time).transpose()?,
                dead: row.get(4)?,
                is_paused: row.get(5)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let mut totals = transaction.prepare_cached(
        "SELECT coalesce(sum(events), 0), coalesce(sum(bytes), 0),
             (SELECT min(received_at) FROM event), coalesce(sum(events - accepted), 0)
         FROM event_block",
    )?;
    totals.query_row([], |row| {
        let oldest: Option<i64> = row.get(2)?;
        Ok(InboxStats {
            events: row.get(0)?,
            bytes: row.get(1)?,
            oldest: oldest.map(rows::time).transpose()?,
            quarantined: row.get(3)?,
            disk_free: None,
            consumers,
        })
    })
}
