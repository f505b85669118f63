//! Room on the disk for the time when it is full: to delete events takes room in the log.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::ErrorCode;

use super::file;

/// The size of the reserve: more than the log of one batch of deletions takes.
const BYTES: u64 = 8 * 1024 * 1024;

/// How often to say that there is little.
const WARN_INTERVAL: Duration = Duration::from_secs(3600);

/// There is little room when less than this is left, or than a twentieth of a small disk.
const LOW_BYTES: u64 = 1024 * 1024 * 1024;

/// The room on a disk, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) free: u64,
    total: u64,
}

impl Room {
    /// The room where a file is, if it is known.
    #[cfg(unix)]
    pub(super) fn at(path: &Path) -> Option<Self> {
        let disk = rustix::fs::statvfs(path).ok()?;
        Some(Self {
            free: disk.f_bavail.saturating_mul(disk.f_frsize),
            total: disk.f_blocks.saturating_mul(disk.f_frsize),
        })
    }

    #[cfg(not(unix))]
    pub(super) fn at(_: &Path) -> Option<Self> {
        None
    }

    fn is_low(self) -> bool {
        self.free < LOW_BYTES.min(self.total / 20)
    }
}

/// What was last found about the disk.
#[derive(Default)]
pub(super) struct Disk {
    warned: Option<Instant>,
}

impl Disk {
    /// Keeps the reserve, and says now and then if there is little room.
    pub(super) fn look(&mut self, inbox: &Path, reserve: &Path) {
        let room = Room::at(inbox);
        // Twice its size, so that it does not fill up the disk itself.
        let has_room = room.is_none_or(|room| room.free > 2 * BYTES);
        let is_recent = self.warned.is_some_and(|at| at.elapsed() < WARN_INTERVAL);
        if has_room
            && let Err(error) = fill(reserve)
            && !is_recent
        {
            self.warned = Some(Instant::now());
            tracing::warn!(file = %reserve.display(), %error, "no room is kept for a full disk");
        }
        if let Some(room) = room.filter(|room| room.is_low() && !is_recent) {
            self.warned = Some(Instant::now());
            let inbox = inbox.display();
            tracing::warn!(
                %inbox,
                free_bytes = room.free,
                "the disk is nearly full: free some room, or delete events with `aifi-push inbox prune`"
            );
        }
    }
}

/// Creates the reserve if it does not exist.
fn fill(path: &Path) -> io::Result<()> {
    if path
        .metadata()
        .is_ok_and(|metadata| metadata.len() >= BYTES)
    {
        return Ok(());
    }
    let file = file::open_private(path, false)?;
    let filled = write(&file);
    if filled.is_err() {
        // Less than all of it is of no use.
        let _ = fs::remove_file(path);
    }
    filled
}

/// Writes what no file system can store in less room.
fn write(file: &File) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..BYTES / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        writer.write_all(&state.to_le_bytes())?;
    }
    writer.flush()?;
    file.sync_all()
}

/// Returns the room to the disk. Returns whether there was any.
pub(super) fn release(path: &Path) -> bool {
    let released = fs::remove_file(path).is_ok();
    if released {
        tracing::warn!(file = %path.display(), "the disk is full: the room that was kept is used");
    }
    released
}

/// Returns whether a write failed as there is no room for it.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen)
    )
}
