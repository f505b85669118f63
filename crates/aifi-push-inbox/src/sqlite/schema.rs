//! The tables, their versions, and the settings that make a commit durable.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior, config::DbConfig};

use crate::{deadlines::SQLITE_BUSY, error::OpenError};

/// The log is truncated to this length, in bytes, after it has grown.
const LOG_BYTES: u32 = 64 * 1024 * 1024;

/// More statements than a connection has, so that each is prepared once.
const STATEMENTS: usize = 64;

/// Earlier versions can corrupt a database with two connections:
/// <https://sqlite.org/wal.html#the_wal_reset_bug>.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Each migration brings the schema from the version of its index to the next.
const MIGRATIONS: [&str; 4] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
];

/// Why a file is not opened as an inbox.
pub(super) enum Refused {
    Sqlite(rusqlite::Error),
    Unsafe(String),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Refuses a file that is no inbox, or one of a later version, and leaves it as it is.
pub(super) fn refuse_others(connection: &Connection) -> Result<(), Refused> {
    let (found, latest) = (version(connection)?, MIGRATIONS.len());
    if found > latest {
        return Err(Refused::Unsafe(format!(
            "inbox schema version {found} is newer than this build supports ({latest}): upgrade aifi-push"
        )));
    }
    let tables: usize =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if found == 0 && tables > 0 {
        return Err(Refused::Unsafe(
            "this is the database of another program: choose another file".to_owned(),
        ));
    }
    Ok(())
}

/// Refuses a file that is no inbox, also one that has no tables yet, and leaves it as it is.
pub(super) fn refuse_strangers(connection: &Connection) -> Result<(), Refused> {
    refuse_others(connection)?;
    if version(connection)? == 0 {
        return Err(Refused::Unsafe("this is no inbox".to_owned()));
    }
    Ok(())
}

/// Returns whether an earlier version wrote the tables.
pub(super) fn is_older(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(version(connection)? < MIGRATIONS.len())
}

/// Refuses a file whose tables can't be read without changing them.
pub(super) fn check_readable(connection: &Connection) -> Result<(), Refused> {
    refuse_others(connection)?;
    let (found, latest) = (version(connection)?, MIGRATIONS.len());
    if found < latest {
        return Err(Refused::Unsafe(format!(
            "inbox schema version {found} is older than this build reads ({latest}): start \
             `aifi-push serve` with it, or with a copy, to migrate it"
        )));
    }
    Ok(())
}

pub(super) fn open_error(path: &Path, refused: Refused) -> OpenError {
    match refused {
        Refused::Sqlite(source) => OpenError::file(path, "opening the inbox", source),
        Refused::Unsafe(reason) => {
            OpenError::configuration("inbox", format!("{}: {reason}", path.display()))
        }
    }
}

/// Makes the commits of a connection durable, and reads back that they are.
pub(super) fn prepare(connection: &Connection) -> Result<(), Refused> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Refused::Unsafe(format!(
            "SQLite {} can corrupt the file: link 3.51.3 or later, or the version that rusqlite bundles",
            rusqlite::version()
        )));
    }
    connection.busy_timeout(SQLITE_BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Otherwise plans depend on values, and a statement is prepared anew for each.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Takes effect only before the first table is created.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // macOS leaves what `fsync` wrote in the cache of the disk.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What is deleted is overwritten with zeros.
    connection.pragma_update(None, "secure_delete", true)?;

    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Refused::Unsafe(format!(
            "the journal mode stays {mode}, not WAL: move the file to a local disk"
        )));
    }
    let full = 2;
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    if synchronous != full {
        return Err(Refused::Unsafe(format!(
            "`synchronous` stays {synchronous}, not FULL, so commits could be lost"
        )));
    }
    Ok(())
}

/// Brings the tables up to date.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Refused> {
    let latest = MIGRATIONS.len();
    if version(connection)? == latest {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have migrated it.
    refuse_others(&transaction)?;
    let found = version(&transaction)?;
    if found > 0 {
        let newest = "SELECT coalesce(max(seq), 0) FROM event";
        let events: i64 = transaction.query_row(newest, [], |row| row.get(0))?;
        tracing::info!(
            found,
            latest,
            events,
            "migrating the inbox: this may take a while"
        );
    }
    for migration in &MIGRATIONS[found..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", latest)?;
    Ok(transaction.commit()?)
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
