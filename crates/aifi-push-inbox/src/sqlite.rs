//! The inbox of one machine: a SQLite file.
//!
//! One thread owns the connection that writes and commits together what waits together; another one
//! reads for operators. `docs/architecture.md` has the order of writes.

mod admin;
mod append;
mod file;
mod reader;
mod retention;
mod rows;
mod schema;
mod subscription;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reader::Reader;
use rusqlite::{Connection, OpenFlags, Transaction};
use tokio::{sync::Notify, task};
use uuid::Uuid;
use writer::{Durability, WriteError, Writer};

use crate::{
    consumer_name::ConsumerName,
    error::{AdminError, AppendError, BoxError, OpenError, SubscribeError},
    event::NewEvent,
    inbox::{Admin, Append, Subscribe, SubscribeOptions, Subscribed},
    retention::{Pruned, Retention},
    stats::InboxStats,
    stored::{EventFilter, Position, StoredEvent},
};

/// An [`Inbox`](crate::Inbox) in a SQLite file, for one machine.
///
/// An event is stored when its transaction is in the write-ahead log and `fsync` has returned for
/// it. Deliveries and their outcomes survive a crash of the process; a crash of the machine may undo
/// the last of them, so that events are redelivered. SQLite is compiled in. The file and those beside
/// it, `-wal`, `-shm` and `.lock`, are readable by their owner only. They must be on a local disk:
/// SQLite's log does not work over a network.
///
/// A clone is the same inbox. When the last one is dropped, what was submitted is committed and the
/// file is closed.
#[derive(Clone, Debug)]
pub struct SqliteInbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    writer: Writer,
    reader: Reader,
    /// Notified when events may have arrived.
    committed: Arc<Notify>,
}

impl SqliteInbox {
    /// Opens an inbox to receive into, and creates the file if it does not exist. Migrates one that
    /// an earlier version created.
    ///
    /// # Errors
    ///
    /// [`OpenError::InUse`] if another process receives into it, [`OpenError::File`] if it can't be
    /// opened or created, [`OpenError::Configuration`] if a later version created it or SQLite does
    /// not guarantee durability.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let path = path.into();
        blocking(move || {
            let lock = file::lock(&path)?;
            file::create_private(&path)?;
            Self::connect(path, Some(lock))
        })
        .await
    }

    /// Opens an existing inbox for administration, beside a process that receives into it.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and [`OpenError::File`] if it does not exist.
    pub async fn open_existing(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let path = path.into();
        blocking(move || {
            path.metadata()
                .map_err(|source| OpenError::file(&path, "opening the inbox", source))?;
            Self::connect(path, None)
        })
        .await
    }

    fn connect(path: PathBuf, lock: Option<std::fs::File>) -> Result<Self, OpenError> {
        let (writer, reader) = connections(&path).map_err(|refused| match refused {
            schema::Refused::Sqlite(source) => OpenError::file(&path, "opening the inbox", source),
            schema::Refused::Unsafe(reason) => {
                OpenError::configuration("inbox", format!("{}: {reason}", path.display()))
            }
        })?;
        let committed = Arc::new(Notify::new());
        let thread = |source| OpenError::file(&path, "starting a thread for the inbox", source);
        let writer = Writer::start(writer, Arc::clone(&committed), lock).map_err(thread)?;
        let reader = Reader::start(reader).map_err(thread)?;
        Ok(Self {
            shared: Arc::new(Shared {
                path,
                writer,
                reader,
                committed,
            }),
        })
    }

    /// Deletes every event up to a position, whoever has yet to receive it.
    pub(crate) async fn delete_up_to(&self, last: Position) -> Result<(), AdminError> {
        self.write("deleting events", move |transaction| {
            transaction.execute("DELETE FROM event WHERE seq <= ?", [last.get()])
        })
        .await
        .map(drop)
    }

    async fn write<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, AdminError> {
        let written = self.shared.writer.submit(Durability::Synced, work).await;
        written.map_err(|source| AdminError::failed(self.shared.name(), action, source))
    }

    async fn read<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, AdminError> {
        let read = self.shared.reader.read(work).await;
        read.map_err(|source| AdminError::failed(self.shared.name(), action, source))
    }
}

impl Shared {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn append_error(&self, error: WriteError) -> AppendError {
        match error {
            WriteError::Sqlite(source) => AppendError::failed(self.name(), source),
            WriteError::Stopped => AppendError::Stopped { inbox: self.name() },
        }
    }

    fn subscribe_error(&self, action: &'static str, source: impl Into<BoxError>) -> SubscribeError {
        SubscribeError::failed(self.name(), action, source)
    }
}

#[async_trait]
impl Append for SqliteInbox {
    async fn append(&self, events: Vec<NewEvent>) -> Result<(), AppendError> {
        let appended = self
            .shared
            .writer
            .submit(Durability::Synced, move |transaction| {
                append::append(transaction, &events)
            });
        appended
            .await
            .map_err(|error| self.shared.append_error(error))
    }

    async fn probe(&self) -> Result<(), AppendError> {
        let probed = self.shared.writer.submit(Durability::Synced, append::probe);
        probed
            .await
            .map_err(|error| self.shared.append_error(error))
    }

    async fn failed(&self) -> AppendError {
        self.shared.writer.stopped().await;
        self.shared.append_error(WriteError::Stopped)
    }
}

#[async_trait]
impl Subscribe for SqliteInbox {
    async fn subscribe(
        &self,
        name: &ConsumerName,
        options: SubscribeOptions,
    ) -> Result<Subscribed, SubscribeError> {
        subscription::subscribe(&self.shared, name, options).await
    }
}

#[async_trait]
impl Admin for SqliteInbox {
    async fn list(
        &self,
        filter: &EventFilter,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, AdminError> {
        let filter = filter.clone();
        self.read("listing events", move |transaction| {
            admin::list(transaction, &filter, after, limit)
        })
        .await
    }

    async fn stats(&self) -> Result<InboxStats, AdminError> {
        self.read("counting events", admin::stats).await
    }

    async fn requeue(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        self.write("requeuing events", move |transaction| {
            admin::requeue(transaction, &ids)
        })
        .await
    }

    async fn replay(
        &self,
        consumer: &ConsumerName,
        events: Vec<(Uuid, DateTime<Utc>)>,
    ) -> Result<u64, AdminError> {
        let consumer = consumer.clone();
        self.write("replaying events", move |transaction| {
            admin::replay(transaction, &consumer, &events)
        })
        .await
    }

    async fn discard(&self, id: Uuid) -> Result<(), AdminError> {
        let found = self.write("discarding an event", move |transaction| {
            admin::discard(transaction, id)
        });
        let found = found.await?;
        found.then_some(()).ok_or(AdminError::NoSuchEvent { id })
    }

    async fn prune(&self, retention: &Retention) -> Result<Pruned, AdminError> {
        let retention = retention.clone();
        if retention.dry_run {
            let candidates = self.read("selecting what to delete", move |transaction| {
                retention::candidates(transaction, &retention, u32::MAX)
            });
            return Ok(retention::total(&candidates.await?));
        }
        let mut pruned = Pruned::default();
        loop {
            // In batches, so that events can be stored in between.
            let retention = retention.clone();
            let batch = self.write("deleting events", move |transaction| {
                retention::prune(transaction, &retention)
            });
            let batch = batch.await?;
            pruned.events += batch.events;
            pruned.bytes += batch.bytes;
            if batch.events == 0 {
                return Ok(pruned);
            }
        }
    }

    async fn remove_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        let consumer = name.clone();
        let found = self.write("removing a consumer", move |transaction| {
            admin::remove_consumer(transaction, &consumer)
        });
        let found = found.await?;
        let name = name.to_string();
        found
            .then_some(())
            .ok_or(AdminError::NoSuchConsumer { name })
    }
}

/// One connection to write and one to read, of a file with the newest tables.
fn connections(path: &Path) -> Result<(Connection, Connection), schema::Refused> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut writer = Connection::open_with_flags(path, flags)?;
    schema::prepare(&writer)?;
    schema::migrate(&mut writer)?;
    let reader = Connection::open_with_flags(path, flags)?;
    schema::prepare(&reader)?;
    Ok((writer, reader))
}

/// Opens a file on a thread that may wait for the disk.
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
