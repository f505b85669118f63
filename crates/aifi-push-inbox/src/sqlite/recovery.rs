//! What to do when the files of an inbox are no longer at their paths.
//!
//! The connection still has the files open, with every event that was acknowledged. So they can be
//! saved into the file that is found after a restart, unless their bytes were overwritten.

use std::{
    fs::{self, DirBuilder, File},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use chrono::Utc;
use rusqlite::{Connection, TransactionBehavior, config::DbConfig, params};

use super::{
    admin, append, audit,
    database::{Database, Files, SETTLE_TIME, Unusable},
    file::{self, Paths},
    identity::{Change, FileId, Identity},
    rows, subscription,
};
use crate::{
    error::BoxError,
    event::{Digest, NewEvent},
    inbox::StartPosition,
};

/// How many events are copied in one transaction.
const BATCH: usize = 500;

/// How much of an overwritten file is looked for in the log.
const MAX_SALVAGED_BYTES: usize = 256 * 1024 * 1024;

/// Moves the log into the file, and returns whether nothing remains in it.
pub(super) fn checkpoint(connection: &Connection) -> bool {
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, bool>(0)
    });
    match busy {
        Ok(busy) => !busy,
        Err(error) => {
            tracing::warn!(%error, "the log can't be moved into the file");
            false
        }
    }
}

/// Does what can't wait: everything that was stored goes into the file itself, wherever it is now,
/// and no other process takes our log for that of another file.
pub(super) fn secure(database: &mut Database, change: Change) {
    if !database.is_receiver() {
        return;
    }
    let (Some(connection), Some(files)) = (&database.connection, &database.files) else {
        return;
    };
    if change == Change::Overwritten {
        // The log is not of these bytes: to move it into them would damage them.
        keep_log(connection);
        return;
    }
    let is_moved = checkpoint(connection);
    if change == Change::Replaced && !files.identity.is_database_at(&files.paths.database) {
        let (identity, paths) = (&files.identity, &files.paths);
        if identity.is_log_at(&paths.log) {
            if is_moved {
                remove(&paths.log);
            } else if let Err(error) = set_aside(&paths.log, &paths.beside("-wal.replaced")) {
                tracing::error!(%error, "the log of the old file stays beside the new one");
            }
        }
        if identity.is_index_at(&paths.index) {
            remove(&paths.index);
        }
    }
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "a file of the inbox can't be removed");
        }
    }
}

/// Opens what is at the path, with what was stored before.
pub(super) fn recover(database: &mut Database, change: Change) -> Result<(), Unusable> {
    let Some(files) = &database.files else {
        return Ok(());
    };
    if change != Change::Gone && !is_settled(&files.paths.given) {
        return Err(change.into());
    }
    if !database.is_receiver() {
        // What it wrote since is deliveries, which are made again.
        close(database);
        return database.reopen();
    }
    match change {
        Change::Gone => rewrite(database),
        Change::Replaced => adopt(database),
        Change::Log => fold(database),
        Change::Overwritten => salvage(database),
    }
}

/// Returns whether a file is no longer written to, as by a program that copies it there.
fn is_settled(path: &Path) -> bool {
    let modified = path.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| {
        let age = SystemTime::now().duration_since(modified);
        // The future is the mistake of a clock.
        age.map_or(true, |age| age >= SETTLE_TIME)
    })
}

/// Closes the connections and leaves the files as they are.
fn close(database: &mut Database) {
    let reader = database.reader.lock().take();
    let connections = reader.into_iter().chain(database.connection.take());
    connections.for_each(|connection| {
        keep_log(&connection);
        drop(connection);
    });
}

fn keep_log(connection: &Connection) {
    // It can't fail for this setting.
    let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}

/// Writes the whole inbox to a new file where nothing is.
fn rewrite(database: &mut Database) -> Result<(), Unusable> {
    if let (Some(connection), Some(files)) = (&database.connection, &database.files) {
        put_back(connection, files)
            .map_err(|error| Unusable::NotRewritten(error.to_string().into()))?;
        tracing::warn!(
            inbox = database.name(),
            "its events were written to a new file"
        );
    }
    adopt(database)
}

fn put_back(connection: &Connection, files: &Files) -> Result<(), BoxError> {
    let target = &files.paths.database;
    if FileId::at(target)?.is_some() {
        return Err("something is there".into());
    }
    let copy = files.paths.beside(".rewritten");
    remove(&copy);
    write_copy(connection, &copy)?;
    // What is left beside it is not its log.
    if files.identity.is_log_at(&files.paths.log) {
        remove(&files.paths.log);
    } else {
        set_aside(&files.paths.log, &files.paths.beside("-wal.replaced"))?;
    }
    remove(&files.paths.index);
    // Unlike `rename`, it replaces nothing that was put there since.
    fs::hard_link(&copy, target)?;
    fs::remove_file(&copy)?;
    sync_directory(target)
}

/// Writes the whole inbox to a file of another name, where what is at the path can't be used.
pub(super) fn save_aside(database: &Database) -> Result<Option<PathBuf>, BoxError> {
    let Some(files) = &database.files else {
        return Ok(None);
    };
    let time = Utc::now().format("%Y%m%dT%H%M%SZ");
    let copy = files.paths.beside(&format!(".saved-{time}"));
    match &database.connection {
        Some(connection) => write_copy(connection, &copy)?,
        None if database.salvaged.is_empty() => return Ok(None),
        None => write_events(&database.salvaged, &copy)?,
    }
    sync_directory(&copy)?;
    Ok(Some(copy))
}

fn write_copy(connection: &Connection, copy: &Path) -> Result<(), BoxError> {
    let directory = copy.parent().ok_or("it has no directory")?;
    if !directory.exists() {
        #[cfg_attr(not(unix), allow(unused_mut))]
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // Only the last one: if more is missing, it may be a disk that is not mounted.
        builder.create(directory)?;
    }
    // SQLite writes into an empty file as into a new one, and it is private.
    file::create_private(copy)?;
    connection.execute("VACUUM INTO ?", [path_text(copy)?])?;
    Ok(File::open(copy)?.sync_all()?)
}

fn write_events(events: &[NewEvent], copy: &Path) -> Result<(), BoxError> {
    file::create_private(copy)?;
    let mut database = Database::open(Paths::resolve(copy)?, None)?;
    if let Some(connection) = &mut database.connection {
        append_all(connection, events)?;
    }
    database.close();
    Ok(())
}

pub(super) fn sync_directory(file: &Path) -> Result<(), BoxError> {
    let directory = file.parent().ok_or("it has no directory")?;
    // Only Unix opens directories.
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    let _ = directory;
    Ok(())
}

fn path_text(path: &Path) -> Result<&str, &'static str> {
    path.to_str().ok_or("the path is not UTF-8")
}

/// Goes on with another file that was put in the place, and adds what it lacks.
fn adopt(database: &mut Database) -> Result<(), Unusable> {
    let old = database.connection.take();
    let old_reader = database.reader.lock().take();
    let added = database.reopen().and_then(|()| {
        add_missing(old.as_ref(), database)
            .map_err(|error| Unusable::Refused(error.to_string().into()))
    });
    match added {
        Ok(added) => {
            let inbox = database.name();
            tracing::warn!(
                inbox,
                added,
                "another file is in its place, with the events added that it lacked"
            );
            Ok(())
        }
        Err(unusable) => {
            // What was copied stays: the next time it is found there.
            database.connection = old;
            *database.reader.lock() = old_reader;
            Err(unusable)
        }
    }
}

fn add_missing(old: Option<&Connection>, database: &mut Database) -> rusqlite::Result<usize> {
    let salvaged = std::mem::take(&mut database.salvaged);
    let Some(new) = &mut database.connection else {
        return Ok(0);
    };
    let result = append_all(new, &salvaged);
    if result.is_err() {
        database.salvaged = salvaged;
        return result;
    }
    Ok(result? + old.map_or(Ok(0), |old| copy_missing(old, new))?)
}

fn append_all(connection: &mut Connection, events: &[NewEvent]) -> rusqlite::Result<usize> {
    for batch in events.chunks(BATCH) {
        let batch: Vec<append::Prepared> = batch.iter().cloned().map(Into::into).collect();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        append::append(&transaction, &batch)?;
        transaction.commit()?;
    }
    Ok(events.len())
}

/// Copies the events that are in one database and not in the other.
fn copy_missing(old: &Connection, new: &mut Connection) -> rusqlite::Result<usize> {
    let mut consumers = old.prepare("SELECT name, is_paused FROM consumer")?;
    let consumers = consumers.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let transaction = new.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for consumer in consumers {
        let (name, is_paused): (String, bool) = consumer?;
        if let Ok(name) = name.parse() {
            // It receives again what it acknowledged since: its place in this file is not known.
            subscription::create(&transaction, &name, StartPosition::Beginning)?;
            admin::set_paused(&transaction, &name, is_paused)?;
        }
    }
    audit::copy_missing(old, &transaction)?;
    transaction.commit()?;
    let (mut added, mut after) = (0, i64::MIN);
    loop {
        let mut keys =
            old.prepare_cached("SELECT seq, id FROM event WHERE seq > ? ORDER BY seq LIMIT 10000")?;
        let keys = keys.query_map([after], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let keys: Vec<(i64, [u8; 16])> = keys.collect::<Result<_, _>>()?;
        let Some((last, _)) = keys.last() else {
            return Ok(added);
        };
        after = *last;
        let mut missing = Vec::new();
        for (seq, id) in keys {
            let mut known = new.prepare_cached("SELECT 1 FROM event WHERE id = ?")?;
            if !known.exists([id])? {
                missing.push(seq);
            }
        }
        for batch in missing.chunks(BATCH) {
            let events = batch.iter().map(|seq| stored(old, *seq));
            let events: Vec<_> = events.collect::<Result<_, _>>()?;
            added += append_all(new, &events)?;
        }
    }
}

fn stored(connection: &Connection, seq: i64) -> rusqlite::Result<NewEvent> {
    let mut event = connection.prepare_cached(&format!(
        "SELECT {} FROM event AS e JOIN body AS b USING (seq) WHERE seq = ?",
        rows::EVENT
    ))?;
    event.query_row(params![seq], |row| {
        let event = rows::event(row)?;
        let problem: Option<String> = row.get("problem")?;
        Ok(match problem {
            None => NewEvent::accepted(event),
            Some(problem) => NewEvent::quarantined(event, problem),
        })
    })
}

/// Opens the same file with a new log, after the old one was moved into it.
fn fold(database: &mut Database) -> Result<(), Unusable> {
    if database
        .connection
        .as_ref()
        .is_some_and(|connection| !checkpoint(connection))
    {
        // Another process still reads what is in it.
        return Err(Unusable::Log);
    }
    if let Some(Files { paths, .. }) = &database.files {
        let aside = paths.beside("-wal.replaced");
        set_aside(&paths.log, &aside).map_err(|error| refused(&error))?;
        remove(&paths.index);
    }
    close(database);
    database.reopen()?;
    tracing::warn!(
        inbox = database.name(),
        "the file was opened again with a new log"
    );
    Ok(())
}

/// Takes a log away that is not of the file, with what it may contain: SQLite would write it into the
/// file.
fn set_aside(log: &Path, aside: &Path) -> io::Result<()> {
    if log.metadata().is_ok_and(|metadata| metadata.len() > 0) {
        fs::rename(log, aside)?;
        tracing::warn!(file = %aside.display(), "a log of another file was moved here");
    } else {
        remove(log);
    }
    Ok(())
}

fn refused(error: &io::Error) -> Unusable {
    Unusable::Refused(format!("its log can't be moved away: {error}").into())
}

/// Opens the same file with the bytes that it has now, and adds the events that can still be read
/// from the log.
fn salvage(database: &mut Database) -> Result<(), Unusable> {
    let paths = database.files.as_ref().map(|files| files.paths.clone());
    if !paths.is_some_and(|paths| Identity::is_readable(&paths)) {
        // The log is all that is left: it stays.
        return Err(Unusable::Unreadable);
    }
    database.salvaged = database
        .connection
        .as_ref()
        .map(readable)
        .unwrap_or_default();
    if let Some(Files { paths, .. }) = &database.files {
        let aside = paths.beside("-wal.overwritten");
        set_aside(&paths.log, &aside).map_err(|error| refused(&error))?;
        remove(&paths.index);
    }
    close(database);
    tracing::error!(
        inbox = database.name(),
        in_the_log = database.salvaged.len(),
        "the file was overwritten: events that are neither in it nor in the log are lost; to restore \
         a backup, stop first"
    );
    adopt(database)
}

/// The events that can be read in full, the newest first in reading, in the order of arrival.
fn readable(connection: &Connection) -> Vec<NewEvent> {
    let (mut events, mut bytes, mut before) = (Vec::new(), 0, i64::MAX);
    while bytes < MAX_SALVAGED_BYTES {
        let last = connection.query_row(
            "SELECT max(seq) FROM event WHERE seq < ?",
            [before],
            |row| row.get::<_, Option<i64>>(0),
        );
        let Ok(Some(seq)) = last else {
            break;
        };
        before = seq;
        let Ok(stored) = stored(connection, seq) else {
            continue;
        };
        // Pages of two files may have been mixed.
        if Digest::of(&stored.event.body) == stored.event.digest {
            bytes += stored.event.body.len();
            events.push(stored);
        }
    }
    events.reverse();
    events
}
