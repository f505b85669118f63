//! The files of an inbox: their names, who may read them, and the lock.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::error::OpenError;

/// The files of an inbox by name. SQLite names those beside the database after the file that a
/// symbolic link leads to, so that an inbox has one lock whatever it is called.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    /// What was asked for, for people.
    pub(super) name: PathBuf,
    /// The same, independent of the working directory.
    pub(super) given: PathBuf,
    /// The file itself.
    pub(super) database: PathBuf,
    pub(super) log: PathBuf,
    pub(super) index: PathBuf,
    pub(super) lock: PathBuf,
    pub(super) reserve: PathBuf,
}

/// More links than this lead in a circle.
const MAX_LINKS: usize = 40;

impl Paths {
    /// Follows the path, also to a file that does not exist yet.
    pub(super) fn resolve(path: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::file(path, "finding it", source);
        let given = std::path::absolute(path).map_err(failed)?;
        let mut file = given.clone();
        for _ in 0..MAX_LINKS {
            let Ok(target) = file.read_link() else {
                break;
            };
            file.pop();
            file.push(target);
        }
        let (Some(directory), Some(name)) = (file.parent(), file.file_name()) else {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        };
        let directory = fs::canonicalize(directory)
            .map_err(|source| OpenError::file(directory, "finding the directory", source))?;
        let beside = |suffix: &str| {
            let mut name = OsString::from(name);
            name.push(suffix);
            directory.join(name)
        };
        Ok(Self {
            name: path.to_owned(),
            given,
            database: directory.join(name),
            log: beside("-wal"),
            index: beside("-shm"),
            lock: beside(".lock"),
            reserve: beside(".reserve"),
        })
    }

    /// Another file beside the database.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = OsString::from(&self.database);
        name.push(suffix);
        name.into()
    }

    /// Refuses what SQLite would open, and damage.
    pub(super) fn check_database(&self) -> Result<(), OpenError> {
        let metadata = match self.database.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(OpenError::file(&self.name, "opening the inbox", error)),
        };
        let refuse = |reason: &str| {
            let name = self.name.display();
            Err(OpenError::configuration(
                "inbox",
                format!("{name}: {reason}"),
            ))
        };
        if metadata.is_dir() {
            return refuse("this is a directory: name a file in it, such as events.db");
        }
        if !metadata.is_file() {
            return refuse("this is not a regular file: choose another name");
        }
        #[cfg(unix)]
        if std::os::unix::fs::MetadataExt::nlink(&metadata) > 1 {
            return refuse(
                "the file has another name as well, by a hard link, and SQLite's log belongs to \
                 one name: remove the other, or use a symbolic link",
            );
        }
        Ok(())
    }
}

/// The files of an inbox that exists.
pub(super) fn existing(path: &Path) -> Result<Paths, OpenError> {
    let failed = |source| OpenError::file(path, "opening the inbox", source);
    let metadata = path.metadata().map_err(failed)?;
    let paths = Paths::resolve(path)?;
    if metadata.len() == 0 && !paths.log.exists() {
        return Err(OpenError::configuration(
            "inbox",
            format!("{}: the file is empty: it is no inbox", path.display()),
        ));
    }
    Ok(paths)
}

/// Keeps every other process from receiving into the inbox, as long as the file is open.
pub(super) fn lock(paths: &Paths) -> Result<File, OpenError> {
    let lock = create_private(&paths.lock)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
            path: paths.name.clone(),
        }),
        Err(TryLockError::Error(source)) => Err(OpenError::file(&paths.lock, "locking it", source)),
    }
}

/// Returns whether a process receives into the inbox.
pub(super) fn is_locked(paths: &Paths) -> bool {
    File::open(&paths.lock)
        .is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Refuses a file whose log was deleted while a process receives into it: ours beside the one that it
/// still writes would damage the file.
pub(super) fn refuse_without_log(paths: &Paths) -> Result<(), OpenError> {
    if is_locked(paths) && !paths.log.exists() {
        return Err(OpenError::configuration(
            "inbox",
            format!(
                "{}: the log of the process that receives was deleted: try again in a moment",
                paths.name.display()
            ),
        ));
    }
    Ok(())
}

/// Opens a file, and creates it, for its owner only, if it does not exist. SQLite gives the files
/// that it creates beside its own the same permissions.
pub(super) fn create_private(path: &Path) -> Result<File, OpenError> {
    open_private(path, false).map_err(|source| OpenError::file(path, "creating it", source))
}

/// Creates the database if it does not exist. One that exists is not opened: to close it would drop
/// the locks that this process has on it.
pub(super) fn create_database(path: &Path) -> Result<(), OpenError> {
    match open_private(path, true) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(OpenError::file(path, "creating it", error)),
    }
}

pub(super) fn open_private(path: &Path, is_new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).truncate(false);
    options.create(true).create_new(is_new);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
