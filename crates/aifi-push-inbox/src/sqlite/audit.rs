//! What operators did.

use std::collections::HashSet;

use rusqlite::{Connection, Row, Transaction, params};

use super::rows;
use crate::audit::{AuditEntry, MAX_ACTIONS};

const COLUMNS: &str = "number, at, actor, action, target, count, reason";

/// Adds an action, and forgets the oldest where there are too many.
pub(super) fn record(transaction: &Transaction<'_>, entry: &AuditEntry) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT INTO action (at, actor, action, target, count, reason) VALUES (?, ?, ?, ?, ?, ?)",
        params![
            entry.at.timestamp_micros(),
            entry.actor,
            entry.action,
            entry.target,
            entry.count,
            entry.reason,
        ],
    )?;
    transaction.execute(
        "DELETE FROM action WHERE number <= (SELECT max(number) FROM action) - ?",
        [MAX_ACTIONS],
    )?;
    Ok(())
}

/// The newest first.
pub(super) fn list(
    transaction: &Transaction<'_>,
    before: Option<u64>,
    limit: usize,
) -> rusqlite::Result<Vec<AuditEntry>> {
    let before = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
    let mut actions = transaction.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM action WHERE number < ? ORDER BY number DESC LIMIT ?"
    ))?;
    actions.query_map(params![before, limit], entry)?.collect()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        number: row.get(0)?,
        at: rows::time(row.get(1)?)?,
        actor: row.get(2)?,
        action: row.get(3)?,
        target: row.get(4)?,
        count: row.get(5)?,
        reason: row.get(6)?,
    })
}

/// Copies the actions that are in one database and not in the other.
pub(super) fn copy_missing(old: &Connection, new: &Transaction<'_>) -> rusqlite::Result<()> {
    let known: HashSet<_> = all(new)?.into_iter().map(without_number).collect();
    for entry in all(old)? {
        if !known.contains(&without_number(entry.clone())) {
            record(new, &entry)?;
        }
    }
    Ok(())
}

fn all(connection: &Connection) -> rusqlite::Result<Vec<AuditEntry>> {
    let mut actions =
        connection.prepare(&format!("SELECT {COLUMNS} FROM action ORDER BY number"))?;
    actions.query_map([], entry)?.collect()
}

fn without_number(entry: AuditEntry) -> AuditEntry {
    AuditEntry { number: 0, ..entry }
}
