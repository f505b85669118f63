//! The inbox on one machine: a SQLite file.

mod consume;
mod operate;
mod retain;
mod rows;
mod schema;

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};
use tokio::{sync::Notify, task, time::Instant};
use uuid::Uuid;

use crate::{
    Delivery, Entry, Error, Event, Filter, Inbox, Outcome, Position, Pruned, Receipt, Retention,
    Stats, error::BoxError,
};

/// How long a consumer waits at most before it looks for events that another process stored.
const POLL: Duration = Duration::from_millis(500);

/// An [`Inbox`] in a SQLite file, for one machine.
///
/// An event is stored when its transaction is in the write-ahead log and `fsync` has returned for
/// it. SQLite is compiled in. The file and those beside it, `-wal`, `-shm` and `.lock`, are readable
/// by their owner only. They must lie on a local disk: SQLite's log does not work over a network.
pub struct SqliteInbox {
    path: PathBuf,
    /// The one connection that writes, so that no transaction of ours waits for another by polling.
    writer: Arc<Mutex<Connection>>,
    reader: Arc<Mutex<Connection>>,
    /// Tells the consumers of this process that there is something to take.
    arrived: Notify,
    /// Held as long as this process receives into the inbox.
    _lock: Option<File>,
}

impl SqliteInbox {
    /// Opens an inbox to receive into, and makes it if there is none. Migrates one that an earlier
    /// version made.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] if another process receives into it, [`Error::File`] if it can't be opened
    /// or made, [`Error::Configuration`] if it was made by a later version or SQLite does not
    /// promise durability.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        blocking(move || {
            let lock = lock(&path)?;
            create_private(&path)?;
            Self::connect(path, Some(lock))
        })
        .await
    }

    /// Opens an inbox to look at it and to work on it, beside a process that receives into it.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and [`Error::File`] if there is none.
    pub async fn open_beside(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        blocking(move || {
            path.metadata()
                .map_err(|source| Error::file(&path, "opening the inbox", source))?;
            Self::connect(path, None)
        })
        .await
    }

    fn connect(path: PathBuf, lock: Option<File>) -> Result<Self, Error> {
        let open = || -> Result<_, schema::Refused> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let mut writer = Connection::open_with_flags(&path, flags)?;
            schema::prepare(&writer)?;
            schema::migrate(&mut writer)?;
            let reader = Connection::open_with_flags(&path, flags)?;
            schema::prepare(&reader)?;
            Ok((writer, reader))
        };
        let (writer, reader) = open().map_err(|refused| match refused {
            schema::Refused::Sqlite(source) => Error::file(&path, "opening the inbox", source),
            schema::Refused::Unsafe(reason) => {
                Error::configuration("inbox", format!("{}: {reason}", path.display()))
            }
        })?;
        Ok(Self {
            path,
            writer: Arc::new(Mutex::new(writer)),
            reader: Arc::new(Mutex::new(reader)),
            arrived: Notify::new(),
            _lock: lock,
        })
    }

    /// Deletes every event up to a place, whoever has seen it.
    pub(crate) async fn delete_up_to(&self, last: Position) -> Result<(), Error> {
        self.write("deleting events", move |transaction| {
            transaction.execute("DELETE FROM event WHERE seq <= ?", [last.0])
        })
        .await
        .map(drop)
    }

    /// Runs one transaction of the writer. It runs to its end even if nobody awaits it.
    async fn write<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let writer = Arc::clone(&self.writer);
        let result = blocking(move || {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        });
        result
            .await
            .map_err(|source: rusqlite::Error| self.error(action, source))
    }

    /// Runs a short transaction that only reads, so that the log can be shortened soon.
    async fn read<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let reader = Arc::clone(&self.reader);
        let result = blocking(move || {
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            work(&reader.transaction()?)
        });
        result
            .await
            .map_err(|source: rusqlite::Error| self.error(action, source))
    }

    fn error(&self, action: &'static str, source: impl Into<BoxError>) -> Error {
        Error::Inbox {
            inbox: self.path.display().to_string(),
            action,
            source: source.into(),
        }
    }
}

#[async_trait]
impl Inbox for SqliteInbox {
    async fn append(&self, events: Vec<Event>) -> Result<(), Error> {
        self.write("storing events", move |transaction| {
            let mut event_row = transaction.prepare_cached(
                "INSERT INTO event (id, received_at, operation, digest, size) VALUES (?, ?, ?, ?, ?)",
            )?;
            let mut body_row =
                transaction.prepare_cached("INSERT INTO body (seq, bytes) VALUES (?, ?)")?;
            for event in &events {
                let seq = event_row.insert(params![
                    event.id.as_bytes(),
                    event.received_at.timestamp_micros(),
                    event.operation,
                    event.digest.as_bytes(),
                    event.body.len(),
                ])?;
                body_row.insert(params![seq, &event.body[..]])?;
            }
            Ok(())
        })
        .await?;
        self.arrived.notify_waiters();
        Ok(())
    }

    async fn quarantine(&self, id: Uuid, problem: &str) -> Result<(), Error> {
        let problem = problem.to_owned();
        let found = self.write("quarantining an event", move |transaction| {
            operate::quarantine(transaction, id, &problem)
        });
        found.await?.then_some(()).ok_or(Error::NoSuchEvent { id })
    }

    async fn release(&self, id: Uuid) -> Result<(), Error> {
        let found = self.write("releasing an event", move |transaction| {
            operate::release(transaction, id)
        });
        found
            .await?
            .then_some(())
            .ok_or(Error::NoSuchEvent { id })?;
        self.arrived.notify_waiters();
        Ok(())
    }

    async fn take(
        &self,
        consumer: &str,
        limit: usize,
        lease: Duration,
        wait: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        let deadline = Instant::now() + wait;
        loop {
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            // From here on no arrival is missed.
            arrived.as_mut().enable();
            let name = consumer.to_owned();
            let is_due = self
                .read("looking for events", move |transaction| {
                    consume::is_due(transaction, &name)
                })
                .await?;
            if is_due {
                let name = consumer.to_owned();
                let taken = self.write("handing out events", move |transaction| {
                    consume::take(transaction, &name, limit, lease)
                });
                let taken = taken.await?;
                if !taken.is_empty() {
                    return Ok(taken);
                }
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(Vec::new());
            }
            let pause = POLL.min(deadline - now);
            let _ = tokio::time::timeout(pause, arrived).await;
        }
    }

    async fn settle(&self, consumer: &str, outcomes: Vec<(Receipt, Outcome)>) -> Result<(), Error> {
        let consumer = consumer.to_owned();
        self.write("settling deliveries", move |transaction| {
            consume::settle(transaction, &consumer, &outcomes)
        })
        .await
    }

    async fn redeliver(
        &self,
        consumer: &str,
        events: Vec<(Uuid, DateTime<Utc>)>,
    ) -> Result<usize, Error> {
        let consumer = consumer.to_owned();
        let count = self.write("handing out events again", move |transaction| {
            operate::redeliver(transaction, &consumer, &events)
        });
        let count = count.await?;
        self.arrived.notify_waiters();
        Ok(count)
    }

    async fn list(
        &self,
        filter: &Filter,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Entry>, Error> {
        let filter = filter.clone();
        self.read("listing events", move |transaction| {
            operate::list(transaction, &filter, after, limit)
        })
        .await
    }

    async fn prune(&self, retention: &Retention) -> Result<Pruned, Error> {
        let retention = retention.clone();
        if retention.dry_run {
            let count = self.read("looking for what to delete", move |transaction| {
                retain::candidates(transaction, &retention, u32::MAX)
            });
            return Ok(retain::total(&count.await?));
        }
        let mut pruned = Pruned::default();
        loop {
            // In pieces, so that events can be stored in between.
            let retention = retention.clone();
            let piece = self.write("deleting events", move |transaction| {
                retain::prune(transaction, &retention)
            });
            let piece = piece.await?;
            pruned.events += piece.events;
            pruned.bytes += piece.bytes;
            if piece.events == 0 {
                return Ok(pruned);
            }
        }
    }

    async fn stats(&self) -> Result<Stats, Error> {
        self.read("counting events", operate::stats).await
    }

    async fn probe(&self) -> Result<(), Error> {
        self.write("writing a probe", |transaction| {
            // Of random bytes, as large as some events, so that it takes room as they do.
            transaction.execute(
                "INSERT INTO probe (one, bytes) VALUES (1, randomblob(65536))
                 ON CONFLICT (one) DO UPDATE SET bytes = excluded.bytes",
                [],
            )
        })
        .await
        .map(drop)
    }
}

impl fmt::Debug for SqliteInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteInbox")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Runs what waits for the disk on a thread that may wait.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime shuts down, and whoever awaits this with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Keeps every other process from receiving into the inbox.
fn lock(path: &Path) -> Result<File, Error> {
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let lock_path = PathBuf::from(lock_path);
    let lock = create_private(&lock_path)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path: path.into() }),
        Err(TryLockError::Error(source)) => Err(Error::file(lock_path, "locking it", source)),
    }
}

/// Opens a file, and makes it, for its owner only, if there is none. SQLite gives the files that it
/// makes beside its own the same permissions.
fn create_private(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map_err(|source| Error::file(path, "making it", source))
}
