//! The database that the writer writes, as long as its files are those at their paths.
//!
//! What is committed to a file without a name is gone after a restart. So the writer looks before
//! and after each commit; events are acknowledged only if both found the files in their places. What
//! to do then is in `recovery.rs`.

use std::{
    fs::File,
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::{
    file::{self, Paths},
    identity::{Change, FileId, Identity},
    reader::ReadConnection,
    recovery,
    reserve::{self, Disk},
    schema,
    writer::{Durability, WriteError},
};
use crate::{error::OpenError, error_chain::ErrorChain, event::NewEvent};

/// How long what is at the path must stay as it is before it is opened: someone may still be moving
/// and copying.
pub(super) const SETTLE_TIME: Duration = Duration::from_secs(2);

/// How long nothing may be at the path before the events are written to a new file there: longer
/// than someone needs who puts another file in its place.
pub(super) const REWRITE_AFTER: Duration = Duration::from_secs(10);

/// How long to wait until what can't be used is tried again.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// How long to wait at the end for a file that is being copied to the path.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// Why nothing is stored now.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error(
        "the file was deleted or moved while it was in use: put it back, or restore a backup; after \
         {} s, its events are written to a new file at its path", REWRITE_AFTER.as_secs()
    )]
    Gone,
    #[error(
        "another file took the place of the one that was in use: when it has not changed for {} s, \
         the events that it lacks are added to it", SETTLE_TIME.as_secs()
    )]
    Replaced,
    #[error(
        "the log (-wal) of the file, or the index of it (-shm), was deleted or replaced while it was \
         in use: it is opened again when that has not changed for {} s", SETTLE_TIME.as_secs()
    )]
    Log,
    #[error(
        "the file was overwritten while it was in use: when it has not changed for {} s, it is opened \
         again, and the events that the log still contains are added to it", SETTLE_TIME.as_secs()
    )]
    Overwritten,
    #[error(
        "the file was overwritten while it was in use, and can't be read: write a backup over it, or \
         stop, move its log (-wal) and index (-shm) away, and put a backup in its place"
    )]
    Unreadable,
    #[error("the file in its place can't be used: {0}; put the inbox or a backup of it there")]
    Refused(Arc<str>),
    #[error(
        "its events can't be written to a new file at its path: {0}; put back the inbox or a backup"
    )]
    NotRewritten(Arc<str>),
    #[error("the lock beside it was deleted, and can't be taken again: {0}")]
    Unlocked(Arc<str>),
}

impl From<Change> for Unusable {
    fn from(change: Change) -> Self {
        match change {
            Change::Gone => Self::Gone,
            Change::Replaced => Self::Replaced,
            Change::Log => Self::Log,
            Change::Overwritten => Self::Overwritten,
        }
    }
}

/// The connections to the files at the paths.
pub(super) struct Files {
    pub(super) paths: Paths,
    pub(super) identity: Identity,
    /// Of a process that receives.
    pub(super) lock: Option<File>,
}

pub(super) struct Database {
    /// `None` after what is at the path could not be opened.
    pub(super) connection: Option<Connection>,
    pub(super) reader: ReadConnection,
    /// `None` for a database in memory.
    pub(super) files: Option<Files>,
    lost: Option<Lost>,
    disk: Disk,
    /// Events of an overwritten file, until it is opened again.
    pub(super) salvaged: Vec<NewEvent>,
    /// What the connection is set to.
    durability: Durability,
}

/// What was found instead of the files.
struct Lost {
    change: Change,
    since: Instant,
    /// For which change what can't wait was done.
    secured: Option<Change>,
    /// The last try to recover, and what it found.
    tried: Option<(Instant, Unusable)>,
    /// What of it was logged.
    logged: String,
}

impl Database {
    /// Opens the file of an inbox that exists, with the newest tables.
    pub(super) fn open(paths: Paths, lock: Option<File>) -> Result<Self, OpenError> {
        let is_receiver = lock.is_some();
        let (connection, reader, identity) = connect(&paths, is_receiver)?;
        Ok(Self {
            connection: Some(connection),
            reader: ReadConnection::new(reader),
            files: Some(Files {
                paths,
                identity,
                lock,
            }),
            lost: None,
            disk: Disk::default(),
            salvaged: Vec::new(),
            durability: Durability::Synced,
        })
    }

    #[cfg(test)]
    pub(super) fn in_memory(connection: Connection) -> Self {
        Self {
            connection: Some(connection),
            reader: ReadConnection::default(),
            files: None,
            lost: None,
            disk: Disk::default(),
            salvaged: Vec::new(),
            durability: Durability::Synced,
        }
    }

    /// Looks whether what is written now is found after a restart, and recovers if it can.
    pub(super) fn look(&mut self) -> Result<(), Unusable> {
        if let Err(unusable) = self.check().or_else(|unusable| self.recover(unusable)) {
            self.log(&unusable);
            return Err(unusable);
        }
        if self.lost.take().is_some() {
            tracing::info!(inbox = self.name(), "events are stored again");
        }
        Ok(())
    }

    /// Begins a transaction that is as durable as asked for when it is committed.
    pub(super) fn transaction(
        &mut self,
        durability: Durability,
    ) -> Result<Transaction<'_>, WriteError> {
        // It may open another connection, which is synced.
        self.look()?;
        let is_set = std::mem::replace(&mut self.durability, durability);
        let connection = self.connection.as_mut().ok_or(WriteError::Stopped)?;
        if durability != is_set {
            let mut pragma = connection.prepare_cached(durability.pragma())?;
            pragma.raw_execute()?;
        }
        Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    /// Does what is to be done now and then, whether or not something is written.
    pub(super) fn maintain(&mut self) {
        // It is logged, and what is written next is refused.
        if self.look().is_err() {
            return;
        }
        let (Some(connection), Some(files)) = (&self.connection, &self.files) else {
            return;
        };
        if files.lock.is_some() {
            if !files.paths.reserve.exists() {
                // What was deleted is free when the log is in the file.
                let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            }
            self.disk.look(&files.paths.database, &files.paths.reserve);
        }
    }

    /// Frees the room that is kept for a full disk. Returns whether there was any.
    pub(super) fn release_reserve(&self) -> bool {
        let files = self.files.as_ref();
        files.is_some_and(|files| reserve::release(&files.paths.reserve))
    }

    /// Looks whether what was committed is found after a restart.
    pub(super) fn check(&mut self) -> Result<(), Unusable> {
        let Some(files) = &mut self.files else {
            return Ok(());
        };
        let checked = match &self.connection {
            Some(connection) => files.identity.check(&files.paths, connection),
            None => Err(Change::Replaced),
        };
        match checked {
            Ok(()) => files.keep_locked(),
            Err(change) => {
                match &mut self.lost {
                    Some(lost) => lost.change = change,
                    None => {
                        self.lost = Some(Lost {
                            change,
                            since: Instant::now(),
                            secured: None,
                            tried: None,
                            logged: String::new(),
                        });
                    }
                }
                Err(change.into())
            }
        }
    }

    fn recover(&mut self, unusable: Unusable) -> Result<(), Unusable> {
        let Some(lost) = &mut self.lost else {
            return Err(unusable);
        };
        let change = lost.change;
        let patience = if change == Change::Gone {
            REWRITE_AFTER
        } else {
            SETTLE_TIME
        };
        let is_early = lost.since.elapsed() < patience;
        if lost.secured.replace(change) != Some(change) {
            recovery::secure(self, change);
        }
        if is_early {
            return Err(unusable);
        }
        if let Some(Lost {
            tried: Some((at, found)),
            ..
        }) = &self.lost
            && at.elapsed() < RETRY_DELAY
        {
            return Err(found.clone());
        }
        let recovered = recovery::recover(self, change);
        match (&recovered, &mut self.lost) {
            (Ok(()), _) => {}
            (Err(found), Some(lost)) => lost.tried = Some((Instant::now(), found.clone())),
            (Err(_), None) => {}
        }
        recovered
    }

    /// Once for each problem, not for each event.
    fn log(&mut self, unusable: &Unusable) {
        let (name, text) = (self.name(), unusable.to_string());
        let Some(lost) = &mut self.lost else {
            return;
        };
        if lost.logged != text {
            tracing::error!(inbox = name, error = text, "events can't be stored");
            lost.logged = text;
        }
    }

    pub(super) fn name(&self) -> String {
        let files = self.files.as_ref();
        files.map_or_else(String::new, |files| files.paths.name.display().to_string())
    }

    pub(super) fn is_receiver(&self) -> bool {
        let files = self.files.as_ref();
        files.is_some_and(|files| files.lock.is_some())
    }

    /// Closes the files. If they are not in their places, this is the last time to save what is in
    /// them.
    pub(super) fn close(mut self) {
        if self.is_receiver() {
            self.recover_at_the_end();
        }
        drop(self.reader.lock().take());
        drop(self.connection.take());
        // The lock goes last.
    }

    fn recover_at_the_end(&mut self) {
        let end = Instant::now() + LAST_WAIT;
        loop {
            let (Err(_), Some(Lost { change, .. })) = (self.check(), &self.lost) else {
                return;
            };
            let change = *change;
            recovery::secure(self, change);
            match recovery::recover(self, change) {
                Ok(()) => return,
                // Someone is copying a file there.
                Err(Unusable::Replaced | Unusable::Log | Unusable::Overwritten)
                    if Instant::now() < end =>
                {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(unusable) => {
                    self.save_aside(&unusable);
                    return;
                }
            }
        }
    }

    fn save_aside(&self, unusable: &Unusable) {
        let (inbox, error) = (self.name(), unusable.to_string());
        match recovery::save_aside(self) {
            Ok(Some(file)) => {
                let file = file.display();
                tracing::error!(inbox, error, %file, "its events were saved to another file");
            }
            Ok(None) => tracing::error!(inbox, error, "stopped while the file can't be used"),
            Err(failed) => {
                tracing::error!(inbox, error, %failed, "its events can't be saved, and are lost");
            }
        }
    }

    /// Opens what is at the path, in place of what was opened before.
    pub(super) fn reopen(&mut self) -> Result<(), Unusable> {
        let Some(files) = &mut self.files else {
            return Ok(());
        };
        let refused = |error: OpenError| Unusable::Refused(ErrorChain(&error).to_string().into());
        let mut paths = Paths::resolve(&files.paths.given).map_err(refused)?;
        paths.name.clone_from(&files.paths.name);
        if FileId::at(&paths.database).is_ok_and(|found| found.is_none()) {
            return Err(Unusable::Refused("nothing is there".into()));
        }
        let is_receiver = files.lock.is_some();
        if is_receiver && paths.lock != files.paths.lock {
            files.lock = Some(file::lock(&paths).map_err(refused)?);
        }
        let (connection, reader, identity) = connect(&paths, is_receiver).map_err(refused)?;
        files.paths = paths;
        files.identity = identity;
        files.keep_locked()?;
        *self.reader.lock() = Some(reader);
        self.connection = Some(connection);
        self.durability = Durability::Synced;
        Ok(())
    }
}

impl Files {
    /// Takes the lock again if it was deleted, so that no second process receives into the inbox.
    fn keep_locked(&mut self) -> Result<(), Unusable> {
        let Some(lock) = &self.lock else {
            return Ok(());
        };
        let held = lock.metadata().ok().as_ref().map(FileId::of);
        if FileId::at(&self.paths.lock).is_ok_and(|found| found.is_some() && found == held) {
            return Ok(());
        }
        let lock = file::lock(&self.paths)
            .map_err(|error| Unusable::Unlocked(ErrorChain(&error).to_string().into()))?;
        tracing::warn!(file = %self.paths.lock.display(), "the lock was deleted, and is taken again");
        self.lock = Some(lock);
        Ok(())
    }
}

/// One connection to write and one to read, of a file with the newest tables.
pub(super) fn connect(
    paths: &Paths,
    is_receiver: bool,
) -> Result<(Connection, Connection, Identity), OpenError> {
    paths.check_database()?;
    if !is_receiver {
        file::refuse_without_log(paths)?;
    }
    let failed = |source| OpenError::file(&paths.name, "opening the inbox", source);
    let before = FileId::at(&paths.database).map_err(failed)?;
    let connected = match open(paths, is_receiver) {
        Err(schema::Refused::Sqlite(error))
            if reserve::is_full(&error) && reserve::release(&paths.reserve) =>
        {
            open(paths, is_receiver)
        }
        connected => connected,
    };
    let (writer, reader) = connected.map_err(|refused| schema::open_error(&paths.name, refused))?;
    let identity = Identity::read(paths, before).map_err(failed)?;
    Ok((writer, reader, identity))
}

fn open(paths: &Paths, is_receiver: bool) -> Result<(Connection, Connection), schema::Refused> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut writer = Connection::open_with_flags(&paths.database, flags)?;
    schema::refuse_others(&writer)?;
    if !is_receiver {
        // A receiver would not know the tables any more, and there is no way back.
        schema::check_readable(&writer)?;
    }
    schema::prepare(&writer)?;
    if is_receiver {
        schema::migrate(&mut writer)?;
        // From here on, the file alone has the tables by which it is recognized.
        recovery::checkpoint(&writer);
    }
    let reader = Connection::open_with_flags(&paths.database, flags)?;
    schema::prepare(&reader)?;
    // So that the files beside it exist.
    reader.query_row("SELECT count(*) FROM consumer", [], |_| Ok(()))?;
    Ok((writer, reader))
}
