//! Whether the files that SQLite has open are still those at their paths.
//!
//! SQLite itself does not notice: it would go on to write into a file that nobody finds again.

use std::{
    fs::Metadata,
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::file::Paths;

/// What happened to the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing is at the path.
    Gone,
    /// Another file is at the path.
    Replaced,
    /// The log, or the index of it, is gone, or another is in its place.
    Log,
    /// The file is the same, with the bytes of another.
    Overwritten,
}

/// A file, whatever it is called. While it is open, no other gets the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    /// A file that is open can't be replaced here.
    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Self {
        Self {
            device: 0,
            inode: 0,
        }
    }

    /// The file at a path, if there is one.
    pub(super) fn at(path: &Path) -> io::Result<Option<Self>> {
        Ok(metadata(path)?.as_ref().map(Self::of))
    }
}

fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    match path.metadata() {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
            _ => Err(error),
        },
    }
}

/// The files that were at their paths when SQLite had opened them.
#[derive(Debug)]
pub(super) struct Identity {
    database: FileId,
    log: Option<FileId>,
    index: Option<FileId>,
    /// Of the content, if it could be read.
    stamp: Option<Stamp>,
    content: Option<Content>,
    /// How long the file was then.
    length: u64,
}

/// Changes with the bytes of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

impl Identity {
    /// Reads what is at the paths now that SQLite has read from them. `before` is what was at the
    /// path before SQLite opened it.
    pub(super) fn read(paths: &Paths, before: Option<FileId>) -> io::Result<Self> {
        let Some(metadata) = metadata(&paths.given)? else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let database = FileId::of(&metadata);
        if before.is_some_and(|before| before != database) {
            return Err(io::Error::other("it was replaced while it was opened"));
        }
        Ok(Self {
            database,
            log: FileId::at(&paths.log)?,
            index: FileId::at(&paths.index)?,
            stamp: None,
            content: None,
            length: 0,
        })
    }

    /// Looks whether the files are still there.
    pub(super) fn check(&mut self, paths: &Paths, live: &Connection) -> Result<(), Change> {
        // What can't be looked at can't be found after a restart.
        let Ok(Some(metadata)) = metadata(&paths.given) else {
            return Err(Change::Gone);
        };
        if FileId::of(&metadata) != self.database {
            return Err(Change::Replaced);
        }
        let is_there = |path, id| FileId::at(path).is_ok_and(|found| found == id);
        if !is_there(&paths.log, self.log) || !is_there(&paths.index, self.index) {
            return Err(Change::Log);
        }
        let stamp = Stamp::of(&metadata);
        if self.stamp != Some(stamp) {
            self.check_content(paths, stamp, live)?;
        }
        Ok(())
    }

    /// Tells a checkpoint, which moves the log into the file, from everything else that writes to it.
    fn check_content(
        &mut self,
        paths: &Paths,
        stamp: Stamp,
        live: &Connection,
    ) -> Result<(), Change> {
        match Content::read(&paths.database) {
            Ok(found)
                if self
                    .content
                    .is_some_and(|known| !found.may_follow(known, live)) =>
            {
                Err(Change::Overwritten)
            }
            Ok(found) => {
                self.stamp = Some(stamp);
                self.content = Some(found);
                self.length = stamp.length;
                Ok(())
            }
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
                Err(Change::Overwritten)
            }
            // A checkpoint leaves a shorter file only when it is complete.
            Err(_) if stamp.length < self.length => Err(Change::Overwritten),
            // A checkpoint is under way, or stopped on a full disk: the log completes the file. It is
            // looked at again.
            Err(_) => {
                self.stamp = None;
                Ok(())
            }
        }
    }

    /// Returns whether what is at the path can be read without the log.
    pub(super) fn is_readable(paths: &Paths) -> bool {
        Content::read(&paths.database).is_ok()
    }

    pub(super) fn is_log_at(&self, path: &Path) -> bool {
        self.log.is_some() && FileId::at(path).is_ok_and(|found| found == self.log)
    }

    pub(super) fn is_index_at(&self, path: &Path) -> bool {
        self.index.is_some() && FileId::at(path).is_ok_and(|found| found == self.index)
    }

    pub(super) fn is_database_at(&self, path: &Path) -> bool {
        FileId::at(path).is_ok_and(|found| found == Some(self.database))
    }
}

/// What of the file alone, without the log, says whose it is.
#[derive(Clone, Copy, Debug)]
struct Content {
    /// A copy that SQLite made has another.
    schema: i64,
    /// The last key of an event, which never decreases.
    last_seq: i64,
}

impl Content {
    fn read(path: &Path) -> rusqlite::Result<Self> {
        let connection = open_immutable(path)?;
        let schema = schema_version(&connection)?;
        let has_tables: bool = connection.query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'",
            [],
            |row| row.get(0),
        )?;
        let last_seq = if has_tables {
            connection.query_row(
                "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'",
                [],
                |row| row.get(0),
            )?
        } else {
            0
        };
        Ok(Self { schema, last_seq })
    }

    fn may_follow(self, earlier: Self, live: &Connection) -> bool {
        // Another program may have changed the schema in the usual way, with an index or `VACUUM`.
        let is_known = self.schema == earlier.schema
            || schema_version(live).is_ok_and(|version| version == self.schema);
        is_known && self.last_seq >= earlier.last_seq
    }
}

fn schema_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "schema_version", |row| row.get(0))
}

/// Opens the file alone to read, without its log and without a lock.
pub(super) fn open_immutable(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(uri(path, "immutable=1"), flags)
}

/// The path as a URI of SQLite's.
pub(super) fn uri(path: &Path, query: &str) -> PathBuf {
    let mut uri = b"file:".to_vec();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'%' => uri.extend(b"%25"),
            b'?' => uri.extend(b"%3f"),
            b'#' => uri.extend(b"%23"),
            byte => uri.push(*byte),
        }
    }
    uri.push(b'?');
    uri.extend(query.as_bytes());
    os_string(uri).into()
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> std::ffi::OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> std::ffi::OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}
