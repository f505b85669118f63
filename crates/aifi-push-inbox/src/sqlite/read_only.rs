//! Reading an inbox without changing anything: also a copy, also where nothing can be written.

use std::fs;

use rusqlite::{Connection, MAIN_DB, OpenFlags, config::DbConfig};
use tempfile::TempDir;

use super::{
    file::{self, Paths},
    identity::{open_immutable, uri},
    schema,
};
use crate::{deadlines::SQLITE_BUSY, error::OpenError};

const READ_ONLY: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY;
const READ_WRITE: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE;

/// A file that is open for one question.
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// Deleted after it is closed.
    _copy: Option<TempDir>,
}

impl From<Connection> for Opened {
    fn from(connection: Connection) -> Self {
        Self {
            connection,
            _copy: None,
        }
    }
}

/// What is checked of a file before it is used.
type Check = fn(&Connection) -> Result<(), schema::Refused>;

/// Opens the file for one question, so that the next one finds what is at the path then.
pub(super) fn open(paths: &Paths) -> Result<Opened, OpenError> {
    open_checked(paths, schema::check_readable)
}

/// Opens also a file that an earlier version wrote.
pub(super) fn open_any_version(paths: &Paths) -> Result<Opened, OpenError> {
    open_checked(paths, schema::refuse_strangers)
}

fn open_checked(paths: &Paths, readable: Check) -> Result<Opened, OpenError> {
    let has_log = paths.log.metadata().is_ok_and(|log| log.len() > 0);
    let is_in_use = file::is_locked(paths) && paths.index.exists();
    let opened = if is_in_use || cfg!(not(unix)) {
        // The index exists, so no file is created.
        connect(paths, READ_ONLY, "mode=ro").map(Opened::from)
    } else if !has_log {
        open_immutable(&paths.database).map(Opened::from)
    } else {
        return open_with_log(paths, readable);
    };
    let failed = |source| OpenError::file(&paths.name, "opening the inbox", source);
    check(opened.map_err(failed)?, paths, readable)
}

/// Opens a file with a log that a process left when it crashed, or that was copied.
fn open_with_log(paths: &Paths, readable: Check) -> Result<Opened, OpenError> {
    if paths.index.exists()
        && let Ok(connection) = connect(paths, READ_ONLY, "mode=ro&readonly_shm=1")
        && let Ok(opened) = check(connection.into(), paths, readable)
    {
        return Ok(opened);
    }
    // Whoever has a file for itself needs no index in another. It takes the right to write to it.
    if let Ok(connection) = connect(paths, READ_WRITE, "mode=rw&vfs=unix-excl")
        && connection
            .is_readonly(MAIN_DB)
            .is_ok_and(|is_readonly| !is_readonly)
        && let Ok(()) = connection.pragma_update(None, "query_only", true)
    {
        return check(connection.into(), paths, readable);
    }
    open_copy(paths, readable)
}

/// Opens a copy that only this user can read, where an index can be created.
fn open_copy(paths: &Paths, readable: Check) -> Result<Opened, OpenError> {
    let failed = |source| OpenError::file(&paths.name, "copying the inbox", source);
    let directory = tempfile::tempdir().map_err(failed)?;
    let database = directory.path().join("events.db");
    fs::copy(&paths.database, &database).map_err(failed)?;
    fs::copy(&paths.log, directory.path().join("events.db-wal")).map_err(failed)?;
    let copied = Paths::resolve(&database)?;
    let connection = connect(&copied, READ_WRITE, "mode=rw")
        .map_err(|source| OpenError::file(&paths.name, "opening a copy of the inbox", source))?;
    let opened = Opened {
        connection,
        _copy: Some(directory),
    };
    check(opened, paths, readable)
}

fn connect(paths: &Paths, flags: OpenFlags, query: &str) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri(&paths.database, query), flags)?;
    connection.busy_timeout(SQLITE_BUSY)?;
    // The log stays, although nobody else may have it open.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

fn check(opened: Opened, paths: &Paths, readable: Check) -> Result<Opened, OpenError> {
    match readable(&opened.connection) {
        Ok(()) => Ok(opened),
        Err(refused) => Err(schema::open_error(&paths.name, refused)),
    }
}
