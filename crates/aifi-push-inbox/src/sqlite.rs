//! The inbox of one machine: a SQLite file.
//!
//! One thread owns the connection that writes and commits together what waits together; another one
//! reads for operators. `docs/architecture.md` has the order of writes.

mod admin;
mod append;
mod audit;
mod backup;
mod block;
mod cancel;
mod database;
mod file;
mod identity;
mod index;
mod list;
mod read_only;
mod reader;
mod recovery;
mod reserve;
mod restore;
mod retention;
mod rows;
mod schema;
mod stats;
mod subscription;
mod writer;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
pub use backup::InboxCopy;
use chrono::{DateTime, Utc};
use database::Database;
use file::Paths;
use list::Start;
use reader::{Reader, Source};
use retention::Search;
use rusqlite::Transaction;
use tokio::{sync::Notify, task};
use uuid::Uuid;
use writer::{Durability, WriteError, Writer};

use crate::{
    audit::AuditEntry,
    consumer_name::ConsumerName,
    error::{AdminError, AppendError, BoxError, OpenError, SubscribeError},
    event::NewEvent,
    inbox::{Admin, Append, Subscribe, SubscribeOptions, Subscribed},
    retention::{Pruned, Retention},
    stats::InboxStats,
    stored::{EventFilter, Position, StoredEvent},
};

/// How many events are looked up at a time to erase them.
const ERASE_BATCH: usize = 1024;

/// An [`Inbox`](crate::Inbox) in a SQLite file, for one machine.
///
/// An event is stored when its transaction is in the write-ahead log and `fsync` has returned for
/// it. Deliveries and their outcomes survive a crash of the process; a crash of the machine may undo
/// the last of them, so that events are redelivered. SQLite is compiled in. The file and those beside
/// it, `-wal`, `-shm`, `.lock` and `.reserve`, are readable by their owner only. They must be on a local disk:
/// SQLite's log does not work over a network.
///
/// With each commit it is made sure that the files are still those at their paths. If one was deleted,
/// moved, replaced or overwritten, nothing is acknowledged until what was stored is in the file that
/// is at the path, which happens by itself where it can.
///
/// Some room of the disk is kept in `.reserve`, so that events can be deleted when it is full.
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
            let paths = Paths::resolve(&path)?;
            paths.check_database()?;
            let lock = file::lock(&paths)?;
            file::create_database(&paths.database)?;
            Self::start(path, Database::open(paths, Some(lock))?)
        })
        .await
    }

    /// Opens an existing inbox for administration, beside a process that receives into it.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), [`OpenError::File`] if it does not exist, and
    /// [`OpenError::Configuration`] if an earlier version created it: only a receiver migrates.
    pub async fn open_existing(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let path = path.into();
        blocking(move || {
            let paths = file::existing(&path)?;
            Self::start(path, Database::open(paths, None)?)
        })
        .await
    }

    /// Opens an existing inbox to look at it. Nothing is written: no file is created or migrated, and
    /// what would change the inbox fails. So it can be a copy that can't be written, and is looked at
    /// beside a process that receives.
    ///
    /// # Errors
    ///
    /// [`OpenError::File`] if it does not exist or can't be read, [`OpenError::Configuration`] if
    /// another version created it.
    pub async fn open_read_only(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let path = path.into();
        blocking(move || {
            let paths = file::existing(&path)?;
            read_only::open(&paths)?;
            let reader = Reader::start(Source::Untouched(paths));
            let thread = |source| OpenError::file(&path, "starting a thread for the inbox", source);
            Ok(Self {
                shared: Arc::new(Shared {
                    reader: reader.map_err(thread)?,
                    path,
                    writer: Writer::read_only(),
                    committed: Arc::default(),
                }),
            })
        })
        .await
    }

    fn start(path: PathBuf, database: Database) -> Result<Self, OpenError> {
        let committed = Arc::new(Notify::new());
        let thread = |source| OpenError::file(&path, "starting a thread for the inbox", source);
        let is_receiver = database.is_receiver();
        let unindexed = database.connection.as_ref().map(index::unindexed_blocks);
        let unindexed = unindexed
            .transpose()
            .map_err(|source| OpenError::file(&path, "opening the inbox", source))?;
        let reader = Reader::start(Source::Beside(database.reader.clone())).map_err(thread)?;
        let writer = Writer::start(database, Arc::clone(&committed)).map_err(thread)?;
        let shared = Arc::new(Shared {
            path,
            writer,
            reader,
            committed,
        });
        if is_receiver && unindexed.is_some_and(|blocks| blocks > 0) {
            tokio::spawn(index::index_all(Arc::downgrade(&shared)));
        }
        Ok(Self { shared })
    }

    /// Deletes events, whoever has yet to receive them. Their positions may have changed: another file
    /// may be in the place of the one that they were listed from.
    pub(crate) async fn delete_ids(&self, ids: Vec<Uuid>) -> Result<(), AdminError> {
        self.delete_by("deleting events", move |transaction| {
            for id in &ids {
                if let Some(seq) = rows::seq(transaction, *id)? {
                    transaction.execute("DELETE FROM event WHERE seq = ?", [seq])?;
                    rows::delete_subjects(transaction, &[seq])?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Deletes events of a block that a retention selects, and returns their room to the disk.
    async fn delete(&self, seqs: Vec<i64>, retention: &Retention) -> Result<Pruned, AdminError> {
        let mut pruned = Pruned::default();
        let seqs: Arc<[i64]> = seqs.into();
        let mut done = 0;
        while done < seqs.len() {
            let (seqs, retention) = (Arc::clone(&seqs), retention.clone());
            let step = self.delete_by("deleting events", move |transaction| {
                retention::delete(transaction, &seqs[done..], &retention)
            });
            let (gone_through, deleted) = step.await?;
            done += gone_through;
            pruned += deleted;
            self.checkpoint().await?;
        }
        while self.delete_by("returning room", retention::vacuum).await? {
            self.checkpoint().await?;
        }
        Ok(pruned)
    }

    /// Keeps the log short, so that no append has to do so.
    async fn checkpoint(&self) -> Result<(), AdminError> {
        let done = self.shared.reader.checkpoint().await;
        done.map_err(|source| AdminError::failed(self.shared.name(), "writing the log", source))
    }

    /// Leaves nothing in the log of what was deleted.
    async fn empty_log(&self) -> Result<(), AdminError> {
        let failed = |source| AdminError::failed(self.shared.name(), "emptying the log", source);
        let emptied = self.shared.reader.empty_log().await.map_err(failed)?;
        emptied.then_some(()).ok_or_else(|| {
            failed("another process reads the inbox: erase again when it has ended".into())
        })
    }

    async fn write<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, AdminError> {
        let written = self.shared.writer.submit(Durability::Synced, work).await;
        written.map_err(|source| AdminError::failed(self.shared.name(), action, source))
    }

    /// Writes what makes room, also on a full disk.
    async fn delete_by<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, AdminError> {
        let written = self
            .shared
            .writer
            .submit(Durability::Reclaiming, work)
            .await;
        written.map_err(|source| AdminError::failed(self.shared.name(), action, source))
    }

    /// Does something with a consumer that must exist. `change` returns whether it does.
    async fn change_consumer(
        &self,
        action: &'static str,
        name: &ConsumerName,
        change: fn(&Transaction<'_>, &ConsumerName) -> rusqlite::Result<bool>,
    ) -> Result<(), AdminError> {
        let consumer = name.clone();
        let found = self.write(action, move |transaction| change(transaction, &consumer));
        let found = found.await?;
        let name = name.to_string();
        found
            .then_some(())
            .ok_or(AdminError::NoSuchConsumer { name })
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
            WriteError::Stopped => AppendError::Stopped { inbox: self.name() },
            source => AppendError::failed(self.name(), source),
        }
    }

    fn subscribe_error(&self, action: &'static str, source: impl Into<BoxError>) -> SubscribeError {
        SubscribeError::failed(self.name(), action, source)
    }
}

#[async_trait]
impl Append for SqliteInbox {
    async fn append(&self, events: Vec<NewEvent>) -> Result<(), AppendError> {
        let events: Vec<append::Prepared> = events.into_iter().map(Into::into).collect();
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
            list::list(transaction, &filter, Start::After(after), limit)
        })
        .await
    }

    async fn list_newest(
        &self,
        filter: &EventFilter,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, AdminError> {
        let filter = filter.clone();
        self.read("listing events", move |transaction| {
            list::list(transaction, &filter, Start::Before(before), limit)
        })
        .await
    }

    async fn newest(&self) -> Result<Option<Position>, AdminError> {
        let newest = self.read("finding the newest event", list::newest);
        newest.await
    }

    async fn stats(&self) -> Result<InboxStats, AdminError> {
        let mut stats = self.read("counting events", stats::stats).await?;
        stats.disk_free = reserve::Room::at(&self.shared.path).map(|room| room.free);
        Ok(stats)
    }

    async fn requeue(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        self.write("requeuing events", move |transaction| {
            admin::requeue(transaction, &ids)
        })
        .await
    }

    /// A few blocks at a time, so that appends hardly wait.
    async fn requeue_dead_letters(&self) -> Result<u64, AdminError> {
        let (mut count, mut next) = (0, Some(0));
        while let Some(block) = next {
            let step = self.write("requeuing dead letters", move |transaction| {
                admin::requeue_dead_letters(transaction, block)
            });
            let (requeued, rest) = step.await?;
            count += requeued;
            next = rest;
        }
        Ok(count)
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
        let found = self.delete_by("discarding an event", move |transaction| {
            admin::discard(transaction, id)
        });
        let found = found.await?;
        found.then_some(()).ok_or(AdminError::NoSuchEvent { id })
    }

    async fn discard_quarantined(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        self.delete_by("discarding quarantined events", move |transaction| {
            admin::discard_quarantined(transaction, &ids)
        })
        .await
    }

    async fn discard_dead_letters(
        &self,
        consumer: &ConsumerName,
        ids: Vec<Uuid>,
    ) -> Result<u64, AdminError> {
        let consumer = consumer.clone();
        self.delete_by("discarding dead letters", move |transaction| {
            admin::discard_dead_letters(transaction, &consumer, &ids)
        })
        .await
    }

    async fn erase(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        let mut erased = Pruned::default();
        for ids in ids.chunks(ERASE_BATCH) {
            let ids = ids.to_vec();
            let seqs = self.read("selecting what to erase", move |transaction| {
                let seqs = ids.iter().map(|id| rows::seq(transaction, *id));
                seqs.filter_map(Result::transpose).collect()
            });
            let mut seqs: Vec<i64> = seqs.await?;
            seqs.sort_unstable();
            for of_block in seqs.chunk_by(|a, b| block::of(*a) == block::of(*b)) {
                erased += self.delete(of_block.to_vec(), &Retention::all()).await?;
            }
        }
        self.empty_log().await?;
        Ok(erased.events)
    }

    async fn prune(&self, retention: &Retention) -> Result<Pruned, AdminError> {
        let mut pruned = Pruned::default();
        let mut search = self.read("selecting what to delete", Search::start).await?;
        loop {
            let wanted = retention.clone();
            let found = self.read("selecting what to delete", move |transaction| {
                search.next(transaction, &wanted)
            });
            let Some(found) = found.await? else {
                return Ok(pruned);
            };
            search = found.next;
            if retention.dry_run {
                pruned += found.total;
            } else {
                pruned += self.delete(found.seqs, retention).await?;
            }
        }
    }

    async fn pause_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        self.change_consumer("pausing a consumer", name, |transaction, name| {
            admin::set_paused(transaction, name, true)
        })
        .await
    }

    async fn resume_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        self.change_consumer("resuming a consumer", name, |transaction, name| {
            admin::set_paused(transaction, name, false)
        })
        .await
    }

    async fn remove_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        self.change_consumer("removing a consumer", name, admin::remove_consumer)
            .await
    }

    /// Also on a full disk: what made room is recorded.
    async fn record_action(&self, entry: AuditEntry) -> Result<(), AdminError> {
        self.delete_by("recording an action", move |transaction| {
            audit::record(transaction, &entry)
        })
        .await
    }

    async fn actions(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, AdminError> {
        self.read("listing actions", move |transaction| {
            audit::list(transaction, before, limit)
        })
        .await
    }
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
