//! Copies of an inbox that are whole and checked.
//!
//! A copy is of one moment: it is read in one transaction, which keeps no writer waiting. It is
//! written under another name, checked, synced, and only then given its own.

use std::{
    io,
    path::{Path, PathBuf},
    pin::pin,
};

use chrono::{DateTime, Utc};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, TransactionBehavior,
    backup::{Backup, StepResult},
};
use tempfile::{NamedTempFile, PersistError};
use uuid::Uuid;

use super::{
    SqliteInbox, blocking,
    cancel::{Cancel, CancelOnDrop, Canceled},
    file::{self, Paths},
    identity::{FileId, open_immutable},
    read_only,
    recovery::sync_directory,
    reserve::Room,
    schema,
};
use crate::error::{BackupError, OpenError};

/// How many pages are copied between two looks whether to go on.
const STEP_PAGES: i32 = 1024;

/// How many steps are copied before the disk is to write them, so that it never has to write so much
/// that the commits of a receiver wait.
const SYNC_STEPS: u32 = 8;

/// Room on the disk that a copy leaves to others.
const SPARE_BYTES: u64 = 32 * 1024 * 1024;

/// The end of the name of a copy that is not complete.
const PARTIAL: &str = ".partial";

/// A copy of an inbox that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InboxCopy {
    /// The file.
    pub path: PathBuf,
    /// How many events are in it.
    pub events: u64,
    /// When the newest of them arrived.
    pub newest: Option<DateTime<Utc>>,
    /// The size of the file, in bytes.
    pub bytes: u64,
    /// Whether the next start of a receiver migrates it, as an earlier version wrote it.
    pub is_older: bool,
    /// Where the file is that was in its place, if a copy was restored over one.
    pub replaced: Option<PathBuf>,
}

impl SqliteInbox {
    /// Copies an inbox to a new file, also while a process receives into it. Every event that was
    /// acknowledged before is in the copy.
    ///
    /// The copy is one file, readable by its owner only, which [`open`](Self::open) opens like any
    /// inbox. Its integrity and the number of its events are checked, and it is synced, before it is
    /// given its name: there is never half a copy of this name. With `replace`, it takes the place of
    /// a file of this name.
    ///
    /// Receivers store events all the while. Their log grows, as it is not emptied before the copy is
    /// made.
    ///
    /// # Errors
    ///
    /// [`BackupError::Exists`] if something has the name, [`BackupError::NoRoom`] if the disk is too
    /// full for the copy, [`BackupError::Damaged`] if the copy is not what it should be, which means that
    /// the inbox is damaged, [`BackupError::Open`] if a file can't be read or written,
    /// [`BackupError::Canceled`] if `stop` completed before the copy did.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the copying stops, and nothing is left of it.
    pub async fn backup(
        inbox: impl Into<PathBuf>,
        copy: impl Into<PathBuf>,
        replace: bool,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<InboxCopy, BackupError> {
        let (inbox, copy) = (inbox.into(), copy.into());
        cancelable(stop, move |cancel| back_up(&inbox, &copy, replace, cancel)).await
    }
}

/// Runs what copies on a thread that may wait for the disk, until `stop` completes, or whoever awaits it
/// no longer does.
pub(super) async fn cancelable<T: Send + 'static>(
    stop: impl Future<Output = ()>,
    work: impl FnOnce(&Cancel) -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let cancel = Cancel::default();
    let _guard = CancelOnDrop(cancel.clone());
    let canceled = cancel.clone();
    let mut working = pin!(blocking(move || work(&canceled)));
    tokio::select! {
        done = &mut working => done,
        // It may be too late: then it is done.
        () = stop => {
            cancel.cancel();
            working.await
        }
    }
}

impl From<Canceled> for BackupError {
    fn from(Canceled: Canceled) -> Self {
        Self::Canceled
    }
}

fn back_up(
    inbox: &Path,
    copy: &Path,
    replace: bool,
    cancel: &Cancel,
) -> Result<InboxCopy, BackupError> {
    let paths = file::existing(inbox)?;
    refuse_directory(copy)?;
    if !replace && copy.symlink_metadata().is_ok() {
        return Err(BackupError::Exists { path: copy.into() });
    }
    let failed = |source| OpenError::file(&paths.name, "reading the inbox", source);
    let id = FileId::at(&paths.database).map_err(failed)?;
    if FileId::at(copy).is_ok_and(|found| found.is_some() && found == id) {
        return Err(BackupError::Itself { path: copy.into() });
    }
    let mut source = open_shared(&paths)?;
    let (partial, mut made) = write_copy(&mut source, &paths, copy, cancel)?;
    drop(source);
    // Otherwise it may be that of a file which the receiver has yet to add events to.
    if FileId::at(&paths.database).map_err(failed)? != id {
        return Err(BackupError::Changed {
            path: paths.name.clone(),
        });
    }
    cancel.check()?;
    give_name(partial, copy, replace)?;
    copy.clone_into(&mut made.path);
    Ok(made)
}

fn refuse_directory(copy: &Path) -> Result<(), BackupError> {
    if copy.is_dir() {
        let directory = io::Error::from(io::ErrorKind::IsADirectory);
        return Err(OpenError::file(copy, "writing the backup", directory).into());
    }
    Ok(())
}

/// Opens an inbox like the process that may receive into it, or begin to: each waits for the other, so
/// that none reads what is only half written.
fn open_shared(paths: &Paths) -> Result<Connection, BackupError> {
    file::refuse_without_log(paths)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let shared = Connection::open_with_flags(&paths.database, flags).and_then(|connection| {
        connection.busy_timeout(crate::deadlines::SQLITE_BUSY)?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    });
    match shared {
        Ok(connection) => {
            schema::refuse_strangers(&connection)
                .map_err(|refused| schema::open_error(&paths.name, refused))?;
            Ok(connection)
        }
        // On a disk that can't be written, or of another user, nothing changes it either.
        Err(_) => Ok(read_only::open_any_version(paths)?.connection),
    }
}

/// Writes a checked and synced copy beside where it is to be.
pub(super) fn write_copy(
    source: &mut Connection,
    from: &Paths,
    to: &Path,
    cancel: &Cancel,
) -> Result<(NamedTempFile, InboxCopy), BackupError> {
    write_partial(source, from, to, cancel).map_err(|error| {
        // A statement that was interrupted failed for no other reason.
        cancel.check().err().map_or(error, Into::into)
    })
}

fn write_partial(
    source: &mut Connection,
    from: &Paths,
    to: &Path,
    cancel: &Cancel,
) -> Result<(NamedTempFile, InboxCopy), BackupError> {
    let failed = |source| OpenError::file(&from.name, "reading the inbox", source);
    cancel.watch(source).map_err(failed)?;
    let transaction = source
        .transaction_with_behavior(TransactionBehavior::Deferred)
        .map_err(failed)?;
    let expected = count(&transaction, &from.name)?;
    let bytes = size(&transaction).map_err(failed)?;
    let directory = directory_of(to);
    if let Err(source) = directory.metadata() {
        return Err(OpenError::file(directory, "finding the directory", source).into());
    }
    if let Some(room) = Room::at(&directory)
        && room.free < bytes.saturating_add(SPARE_BYTES)
    {
        return Err(BackupError::NoRoom {
            path: to.into(),
            needed: bytes.saturating_add(SPARE_BYTES),
            free: room.free,
        });
    }
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".");
    let partial = tempfile::Builder::new()
        .prefix(&name)
        .suffix(PARTIAL)
        .tempfile_in(&directory)
        .map_err(|source| OpenError::file(to, "writing the backup", source))?;
    copy_pages(&transaction, &partial, to, cancel)?;
    drop(transaction);

    let copied = verify(partial.path(), to, cancel)?;
    if copied != expected {
        return Err(BackupError::Damaged {
            path: to.into(),
            problem: format!(
                "it has {} events, and {} were in {}",
                copied.events,
                expected.events,
                from.name.display()
            ),
        });
    }
    let synced = partial.as_file().sync_all();
    synced.map_err(|source| OpenError::file(to, "syncing the backup", source))?;
    let made = InboxCopy {
        path: to.into(),
        events: copied.events,
        newest: copied.newest.and_then(DateTime::from_timestamp_micros),
        bytes,
        is_older: copied.is_older,
        replaced: None,
    };
    Ok((partial, made))
}

fn directory_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory.into(),
        _ => ".".into(),
    }
}

fn size(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    Ok(pragma("page_count")?.saturating_mul(pragma("page_size")?))
}

fn copy_pages(
    source: &Connection,
    partial: &NamedTempFile,
    to: &Path,
    cancel: &Cancel,
) -> Result<(), BackupError> {
    let failed = |source| OpenError::file(to, "writing the backup", source);
    let mut target = open_partial(partial.path()).map_err(failed)?;
    let copying = Backup::new(source, &mut target).map_err(failed)?;
    for step in 1_u32.. {
        cancel.check()?;
        match copying.step(STEP_PAGES).map_err(failed)? {
            StepResult::Done => break,
            StepResult::More => {}
            _ => return Err(OpenError::file(to, "writing the backup", "it is locked").into()),
        }
        if step.is_multiple_of(SYNC_STEPS) {
            let synced = partial.as_file().sync_data();
            synced.map_err(|source| OpenError::file(to, "writing the backup", source))?;
        }
    }
    Ok(())
}

/// Opens the new file. It needs no journal, as it is deleted if anything fails.
fn open_partial(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let target = Connection::open_with_flags(path, flags)?;
    target.pragma_update(None, "journal_mode", "OFF")?;
    target.pragma_update(None, "synchronous", "OFF")?;
    // By this number a receiver notices a copy that is written over its file. The copy gets the number
    // of what is there before, plus one.
    let [_, _, _, _, _, _, _, _, _, _, _, _, a, b, c, d] = *Uuid::now_v7().as_bytes();
    let number = i32::from_be_bytes([a & 0x3f, b, c, d]);
    target.pragma_update(None, "schema_version", number)?;
    Ok(target)
}

/// What is counted to compare a copy with what was copied.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) events: u64,
    bodies: u64,
    consumers: u64,
    deliveries: u64,
    /// When the newest event arrived, in microseconds since 1970.
    newest: Option<i64>,
    is_older: bool,
}

pub(super) fn count(connection: &Connection, path: &Path) -> Result<Counts, BackupError> {
    let counted = connection.query_row(
        "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM body),
             (SELECT count(*) FROM consumer), (SELECT count(*) FROM delivery),
             (SELECT received_at FROM event ORDER BY seq DESC LIMIT 1)",
        [],
        |row| {
            Ok(Counts {
                events: row.get(0)?,
                bodies: row.get(1)?,
                consumers: row.get(2)?,
                deliveries: row.get(3)?,
                newest: row.get(4)?,
                is_older: schema::is_older(connection)?,
            })
        },
    );
    counted.map_err(|error| damaged(path, error))
}

/// Reads the whole copy as it is on the disk.
fn verify(partial: &Path, to: &Path, cancel: &Cancel) -> Result<Counts, BackupError> {
    let mut copy = open_immutable(partial).map_err(|error| damaged(to, error))?;
    cancel
        .watch(&mut copy)
        .map_err(|error| damaged(to, error))?;
    let found: String = copy
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| damaged(to, error))?;
    cancel.check()?;
    if found != "ok" {
        return Err(BackupError::Damaged {
            path: to.into(),
            problem: found.lines().collect::<Vec<_>>().join(", "),
        });
    }
    count(&copy, to)
}

fn damaged(path: &Path, error: rusqlite::Error) -> BackupError {
    if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) {
        return BackupError::Damaged {
            path: path.into(),
            problem: error.to_string(),
        };
    }
    OpenError::file(path, "reading it", error).into()
}

pub(super) fn give_name(
    partial: NamedTempFile,
    name: &Path,
    replace: bool,
) -> Result<(), BackupError> {
    let named = if replace {
        partial.persist(name)
    } else {
        partial.persist_noclobber(name)
    };
    match named {
        Ok(_) => {}
        Err(PersistError { error, .. }) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(BackupError::Exists { path: name.into() });
        }
        Err(PersistError { error, .. }) => {
            return Err(OpenError::file(name, "writing the backup", error).into());
        }
    }
    let name = std::path::absolute(name).unwrap_or_else(|_| name.into());
    sync_directory(&name)
        .map_err(|source| OpenError::file(&name, "syncing its directory", source))?;
    Ok(())
}
