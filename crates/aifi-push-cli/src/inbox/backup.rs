//! `inbox backup`

use std::{
    fs::{self, DirEntry},
    io,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use aifi_push_receiver::inbox::{BackupError, InboxCopy, SqliteInbox};
use anyhow::{Context, Result, anyhow, bail, ensure};
use bytesize::ByteSize;
use chrono::{SecondsFormat, TimeDelta, Utc};

use crate::{
    Outcome,
    counted::counted,
    location::{Location, Url},
    output,
    serve::signals::StopSignals,
};

/// What a backup that was killed leaves is deleted when it is older than any backup takes.
const PARTIAL_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Copy an inbox, also while `serve` receives into it.
///
/// Every event that was acknowledged before is in the copy, one file that only its owner can read. It is
/// checked and synced before it gets its name. It contains personal data, which `inbox erase` does not
/// reach.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The file to write, or a directory, where it is named after the inbox and the time, such as
    /// events-20261126T211500Z.db.
    #[arg(value_name = "FILE")]
    target: PathBuf,
    /// Keep this many backups of the inbox in the directory, and delete older ones when the new one is
    /// complete. Give inboxes of the same file name directories of their own.
    #[arg(long, value_name = "N")]
    keep: Option<NonZeroUsize>,
    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(location: &Location, options: &Options) -> Outcome {
    let inbox = file_of(location)?;
    let is_directory = options.target.is_dir();
    ensure!(
        is_directory || options.keep.is_none(),
        "{}: --keep needs a directory that exists",
        options.target.display()
    );
    let names = Names::of(inbox);
    let target = if is_directory {
        names.free(&options.target)
    } else {
        options.target.clone()
    };
    let made = SqliteInbox::backup(inbox, target, options.force, stopped()?).await;
    let made = made.map_err(refused)?;
    output::line(format_args!(
        "{}, {}, to {}{}",
        counted(made.events, "event"),
        ByteSize(made.bytes).display().iec(),
        made.path.display(),
        newest(&made)
    ))?;
    if let Some(keep) = options.keep {
        let deleted = names.rotate(&options.target, &made.path, keep.get())?;
        if deleted > 0 {
            let deleted = counted(deleted as u64, "older backup");
            output::line(format_args!("{deleted} deleted"))?;
        }
    }
    Ok(true)
}

/// The file of an inbox that is one.
pub(super) fn file_of(location: &Location) -> Result<&Path> {
    match &location.inbox {
        Url::Sqlite(file) => Ok(file),
        Url::Nats(_) => bail!(
            "an inbox on brokers is backed up by their own tool: `nats stream backup STREAM DIRECTORY` \
             and `nats stream restore DIRECTORY`, for each stream that `nats stream ls` names AIFI_PUSH…"
        ),
    }
}

pub(super) fn newest(copy: &InboxCopy) -> String {
    copy.newest.map_or_else(String::new, |newest| {
        let newest = newest.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!(", the newest of {newest}")
    })
}

/// Completes when the program is to stop.
pub(super) fn stopped() -> Result<impl Future<Output = ()> + Send> {
    let mut signals = StopSignals::listen()?;
    Ok(async move {
        let _ = signals.next().await;
    })
}

/// Says how to replace what is in the way.
pub(super) fn refused(error: BackupError) -> anyhow::Error {
    const FORCE: &str = "or replace it with --force";
    match error {
        BackupError::Exists { path } => {
            let path = path.display();
            anyhow!("{path}: the file exists: choose another name, {FORCE}")
        }
        BackupError::HasEvents { path, events } => anyhow!(
            "{}: the inbox has {events} events: choose another file, {FORCE}, which keeps the old file \
             beside it",
            path.display()
        ),
        BackupError::Unreadable { path, source } => anyhow::Error::new(*source).context(format!(
            "{}: what is there can't be read: choose another file, {FORCE}, which keeps the old file \
             beside it",
            path.display()
        )),
        other => other.into(),
    }
}

/// The names of the backups of one inbox.
struct Names {
    /// Of the inbox, without its extension, and a dash.
    prefix: String,
    /// The extension, with a dot.
    suffix: String,
}

impl Names {
    fn of(inbox: &Path) -> Self {
        let part = |part: Option<&std::ffi::OsStr>, or: &str| {
            part.map_or_else(|| or.to_owned(), |part| part.to_string_lossy().into_owned())
        };
        Self {
            prefix: part(inbox.file_stem(), "events") + "-",
            suffix: format!(".{}", part(inbox.extension(), "db")),
        }
    }

    /// The file of now, or of the first second after it that no backup is of.
    fn free(&self, directory: &Path) -> PathBuf {
        let mut time = Utc::now();
        loop {
            let at = time.format("%Y%m%dT%H%M%SZ");
            let file = directory.join(format!("{}{at}{}", self.prefix, self.suffix));
            if !file.exists() {
                return file;
            }
            time += TimeDelta::seconds(1);
        }
    }

    /// The rest of the name of a file after prefix, time and suffix, if it is a backup or a part of one.
    fn rest<'a>(&self, name: &'a str) -> Option<&'a str> {
        let (time, rest) = name
            .strip_prefix(&self.prefix)?
            .split_at_checked("20261126T211500Z".len())?;
        let is_time = time.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
        rest.strip_prefix(&self.suffix).filter(|_| is_time)
    }

    /// Deletes what is beyond the newest ones. Returns how many backups these were.
    fn rotate(&self, directory: &Path, made: &Path, keep: usize) -> Result<usize> {
        let failed = || format!("{}: deleting older backups failed", directory.display());
        let entries: io::Result<Vec<DirEntry>> = fs::read_dir(directory)
            .with_context(failed)?
            .filter(|entry| entry.as_ref().map_or(true, is_file))
            .collect();
        let mut backups = Vec::new();
        for entry in entries.with_context(failed)? {
            let (path, name) = (entry.path(), entry.file_name());
            match name.to_str().and_then(|name| self.rest(name)) {
                Some("") if path != made => backups.push(path),
                Some(rest) if rest.ends_with(".partial") && is_abandoned(&entry) => {
                    fs::remove_file(path).with_context(failed)?;
                }
                _ => {}
            }
        }
        backups.sort();
        let older = backups.len().saturating_sub(keep - 1);
        for path in &backups[..older] {
            fs::remove_file(path).with_context(failed)?;
        }
        Ok(older)
    }
}

fn is_file(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_file())
}

fn is_abandoned(entry: &DirEntry) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| {
        let age = SystemTime::now().duration_since(modified);
        age.is_ok_and(|age| age > PARTIAL_LIFETIME)
    })
}
