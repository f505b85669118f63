//! Putting a copy in the place of an inbox.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use chrono::Utc;
use rusqlite::{Connection, OpenFlags};
use tempfile::NamedTempFile;

use super::{
    SqliteInbox, audit,
    backup::{Counts, InboxCopy, cancelable, count, give_name, write_copy},
    cancel::Cancel,
    file::{self, Paths},
    identity::FileId,
    read_only,
    recovery::{checkpoint, sync_directory},
    schema,
};
use crate::error::{BackupError, OpenError};

impl SqliteInbox {
    /// Copies a backup to where an inbox is to be, which no process may receive into.
    ///
    /// It is checked like a [`backup`](Self::backup) before anything is changed. A file in its place is
    /// kept beside it, as `.replaced-TIME`, which [`InboxCopy::replaced`] names; one that has events, or
    /// that can't be read, is only replaced if `replace` says so. A backup that an earlier version wrote
    /// is migrated when the inbox is opened; otherwise, what operators did since is added to its audit.
    ///
    /// # Errors
    ///
    /// [`OpenError::InUse`] in a [`BackupError::Open`] if a process receives into the inbox,
    /// [`BackupError::HasEvents`] if it has events, [`BackupError::Canceled`] if `stop` completed before
    /// anything was changed, and as for [`backup`](Self::backup).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the inbox is as it was, or as the backup is.
    pub async fn restore(
        copy: impl Into<PathBuf>,
        inbox: impl Into<PathBuf>,
        replace: bool,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<InboxCopy, BackupError> {
        let (copy, inbox) = (copy.into(), inbox.into());
        cancelable(stop, move |cancel| restore(&copy, &inbox, replace, cancel)).await
    }
}

fn restore(
    copy: &Path,
    inbox: &Path,
    replace: bool,
    cancel: &Cancel,
) -> Result<InboxCopy, BackupError> {
    let from = file::existing(copy)?;
    let paths = Paths::resolve(inbox)?;
    paths.check_database()?;
    let failed = |source| OpenError::file(&paths.name, "replacing the inbox", source);
    let old = FileId::at(&paths.database).map_err(failed)?;
    if old.is_some() && FileId::at(&from.database).is_ok_and(|found| found == old) {
        return Err(BackupError::Itself { path: copy.into() });
    }
    let lock = file::lock(&paths)?;
    if !replace {
        refuse_events(&paths)?;
    }
    let mut source = read_only::open_any_version(&from)?;
    let (partial, mut made) = write_copy(&mut source.connection, &from, &paths.database, cancel)?;
    drop(source);
    if !made.is_older {
        keep_actions(&paths, &partial)?;
    }
    keep_owner(&paths, &[partial.as_file(), &lock]).map_err(failed)?;
    cancel.check()?;
    made.replaced = set_aside(&paths)?;
    give_name(partial, &paths.database, true)?;
    inbox.clone_into(&mut made.path);
    Ok(made)
}

/// Adds to a copy what operators did to the inbox that it replaces, if that can be read.
fn keep_actions(old: &Paths, copy: &NamedTempFile) -> Result<(), BackupError> {
    if !old.database.exists() {
        return Ok(());
    }
    let Ok(old) = read_only::open(old) else {
        return Ok(());
    };
    let failed = |source| OpenError::file(copy.path(), "keeping the audit", source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let added = Connection::open_with_flags(copy.path(), flags).and_then(|mut new| {
        let transaction = new.transaction()?;
        audit::copy_missing(&old.connection, &transaction)?;
        transaction.commit()
    });
    added.map_err(failed)?;
    let synced = copy.as_file().sync_all();
    Ok(synced.map_err(|source| OpenError::file(copy.path(), "syncing the backup", source))?)
}

/// Refuses to replace what may be needed.
fn refuse_events(paths: &Paths) -> Result<(), BackupError> {
    if paths.database.metadata().map_or(0, |file| file.len()) == 0 && !paths.log.exists() {
        return Ok(());
    }
    let events = read_only::open_any_version(paths)
        .map_err(BackupError::from)
        .and_then(|old| count(&old.connection, &paths.name));
    match events {
        Ok(Counts { events: 0, .. }) => Ok(()),
        Ok(Counts { events, .. }) => Err(BackupError::HasEvents {
            path: paths.name.clone(),
            events,
        }),
        Err(source) => Err(BackupError::Unreadable {
            path: paths.name.clone(),
            source: Box::new(source),
        }),
    }
}

/// Makes who owned the inbox, or owns the directory, the owner: who restores it may be the
/// administrator.
#[cfg(unix)]
fn keep_owner(paths: &Paths, files: &[&File]) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let directory = paths.database.parent().unwrap_or(&paths.database);
    let metadata = paths
        .database
        .metadata()
        .or_else(|_| directory.metadata())?;
    for file in files {
        if file.metadata()?.uid() != metadata.uid() {
            fchown(file, Some(metadata.uid()), Some(metadata.gid()))?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_owner(_: &Paths, _: &[&File]) -> io::Result<()> {
    Ok(())
}

/// Keeps the file of an inbox under another name, while it still has its own, and leaves no log that
/// would be taken for that of the next file.
fn set_aside(paths: &Paths) -> Result<Option<PathBuf>, BackupError> {
    if !paths.database.exists() {
        remove(&paths.log)?;
        remove(&paths.index)?;
        return Ok(None);
    }
    // If it can be read, one file has everything; closing it removes the log.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if let Ok(old) = Connection::open_with_flags(&paths.database, flags)
        && schema::refuse_strangers(&old).is_ok()
    {
        checkpoint(&old);
    }
    let time = Utc::now().format("%Y%m%dT%H%M%S%.3fZ");
    let aside = paths.beside(&format!(".replaced-{time}"));
    let failed = |source| OpenError::file(&aside, "keeping the old inbox", source);
    if paths.log.metadata().is_ok_and(|log| log.len() > 0) {
        let mut log = aside.clone().into_os_string();
        log.push("-wal");
        link(&paths.log, &log).map_err(failed)?;
    }
    link(&paths.database, &aside).map_err(failed)?;
    sync_directory(&aside).map_err(|source| OpenError::file(&aside, "syncing it", source))?;
    remove(&paths.log)?;
    remove(&paths.index)?;
    Ok(Some(aside))
}

/// Gives a file another name. It keeps its own as well, where the file system has such links.
fn link(file: &Path, name: impl AsRef<Path>) -> io::Result<()> {
    let name = name.as_ref();
    match fs::hard_link(file, name) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => fs::rename(file, name),
        linked => linked,
    }
}

fn remove(path: &Path) -> Result<(), BackupError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(OpenError::file(path, "removing it", error).into()),
    }
}
