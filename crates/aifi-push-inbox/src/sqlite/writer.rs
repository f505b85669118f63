//! The one thread that writes: it commits together what waits together.
//!
//! A commit takes as long as the disk needs to sync, so what arrives during one shares the next. No
//! lock is held and no task waits for another; whoever submitted a job awaits its result.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rusqlite::Transaction;
use tokio::sync::{Notify, oneshot, watch};

use super::{
    database::{Database, Unusable},
    reserve,
};

/// The most jobs of one commit. More would make the first of them wait for no gain.
const MAX_JOBS: usize = 1024;

/// How often to look for the files and the disk while nothing is written.
const MAINTAIN_INTERVAL: Duration = Duration::from_secs(1);

/// Whether a commit must be on disk before its jobs are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// It survives a crash of the machine.
    Synced,
    /// The same, of what deletes, for which some room is kept on a full disk.
    Reclaiming,
    /// It survives a crash of the process. A crash of the machine may undo it, with the order kept:
    /// for what is then only done again, as a delivery.
    Written,
}

impl Durability {
    pub(super) fn pragma(self) -> &'static str {
        match self {
            Self::Synced | Self::Reclaiming => "PRAGMA synchronous = FULL",
            Self::Written => "PRAGMA synchronous = NORMAL",
        }
    }
}

/// Why a job was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error(transparent)]
    Sqlite(#[from] Arc<rusqlite::Error>),
    /// What is committed would be gone after a restart.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    #[error("the writer stopped after an internal error")]
    Stopped,
    #[error("it is open to be read only")]
    ReadOnly,
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

/// A handle of the thread. When it is dropped, what was submitted is committed and the file closed.
pub(super) struct Writer {
    /// `None` while it is dropped.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    stopped: watch::Receiver<bool>,
}

impl Writer {
    /// Starts the thread. `committed` is notified of every commit that is synced.
    pub(super) fn start(database: Database, committed: Arc<Notify>) -> std::io::Result<Self> {
        let (sender, jobs) = mpsc::channel();
        let (stop, stopped) = watch::channel(false);
        let thread = thread::Builder::new()
            .name("aifi-push-writer".to_owned())
            .spawn(move || {
                let commits = Commits {
                    database,
                    committed,
                };
                let ran = catch_unwind(AssertUnwindSafe(|| commits.run(&jobs)));
                if let Err(panic) = ran {
                    let panic = crate::consumer::panic_text(panic.as_ref());
                    tracing::error!(panic, "the writer of the inbox panicked");
                    // Nobody listens where the inbox is gone.
                    let _ = stop.send(true);
                }
                // Whoever waits for a job that was not done sees that it is dropped.
                drop(jobs);
            })?;
        Ok(Self {
            jobs: Some(sender),
            thread: Some(thread),
            stopped,
        })
    }

    /// A writer of an inbox that is only read: it refuses everything.
    pub(super) fn read_only() -> Self {
        Self {
            jobs: None,
            thread: None,
            stopped: watch::channel(false).1,
        }
    }

    /// Runs a job in a transaction and returns its result when it is committed. The job runs even if
    /// nobody awaits the result, and again if another job of the same commit failed.
    pub(super) async fn submit<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, WriteError> {
        let (done, result) = oneshot::channel();
        let job = Job {
            durability,
            work: Box::new(Pending {
                work,
                result: None,
                done,
            }),
        };
        let jobs = self.jobs.as_ref().ok_or(WriteError::ReadOnly)?;
        jobs.send(job).map_err(|_| WriteError::Stopped)?;
        result.await.map_err(|_| WriteError::Stopped)?
    }

    /// Completes when the thread has panicked.
    pub(super) async fn stopped(&self) {
        let mut stopped = self.stopped.clone();
        if stopped.wait_for(|is_stopped| *is_stopped).await.is_err() {
            // It ended without a panic, as the inbox is dropped.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic was reported.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

struct Job {
    durability: Durability,
    work: Box<dyn Work>,
}

impl Job {
    fn reclaims(&self) -> bool {
        self.durability == Durability::Reclaiming
    }
}

/// What is done in a transaction, and who is told.
trait Work: Send {
    fn run(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()>;
    fn finish(self: Box<Self>, committed: Result<(), WriteError>);
}

struct Pending<T, F> {
    work: F,
    result: Option<T>,
    done: oneshot::Sender<Result<T, WriteError>>,
}

impl<T, F> Work for Pending<T, F>
where
    T: Send,
    F: FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        self.result = Some((self.work)(transaction)?);
        Ok(())
    }

    fn finish(self: Box<Self>, committed: Result<(), WriteError>) {
        let result = match (committed, self.result) {
            (Ok(()), Some(result)) => Ok(result),
            (Ok(()), None) => Err(WriteError::Stopped),
            (Err(error), _) => Err(error),
        };
        // Whoever no longer waits has no result to get; it is committed all the same.
        let _ = self.done.send(result);
    }
}

struct Commits {
    database: Database,
    committed: Arc<Notify>,
}

impl Commits {
    fn run(mut self, jobs: &mpsc::Receiver<Job>) {
        let mut maintained = Instant::now();
        loop {
            match jobs.recv_timeout(MAINTAIN_INTERVAL) {
                Ok(first) => {
                    let mut batch = vec![first];
                    batch.extend(jobs.try_iter().take(MAX_JOBS - 1));
                    self.commit(batch);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if maintained.elapsed() >= MAINTAIN_INTERVAL {
                self.database.maintain();
                maintained = Instant::now();
            }
        }
        self.database.close();
    }

    fn commit(&mut self, mut batch: Vec<Job>) {
        match self.try_commit(&mut batch) {
            Ok(()) => finish(batch, &Ok(())),
            Err(
                Failed::Job(WriteError::Sqlite(error)) | Failed::Commit(WriteError::Sqlite(error)),
            ) if reserve::is_full(&error) && batch.iter().any(Job::reclaims) => {
                // What deletes comes first, before the others take the room.
                let (deleting, others): (Vec<_>, Vec<_>) =
                    batch.into_iter().partition(Job::reclaims);
                self.database.release_reserve();
                for job in deleting {
                    let mut alone = vec![job];
                    let committed = self.try_commit(&mut alone).map_err(Failed::into_error);
                    finish(alone, &committed);
                }
                finish(others, &Err(WriteError::Sqlite(error)));
            }
            // One job may be why: each gets a commit of its own, so that it takes no other with it.
            Err(Failed::Job(_)) if batch.len() > 1 => {
                for job in batch {
                    let mut alone = vec![job];
                    let committed = self.try_commit(&mut alone).map_err(Failed::into_error);
                    finish(alone, &committed);
                }
            }
            Err(failed) => finish(batch, &Err(failed.into_error())),
        }
    }

    fn try_commit(&mut self, batch: &mut [Job]) -> Result<(), Failed> {
        let is_synced = batch
            .iter()
            .any(|job| job.durability != Durability::Written);
        let durability = if is_synced {
            Durability::Synced
        } else {
            Durability::Written
        };
        let transaction = self.database.transaction(durability)?;
        for job in batch {
            let done = job.work.run(&transaction);
            done.map_err(|error| Failed::Job(error.into()))?;
        }
        transaction.commit()?;
        self.database.check()?;
        if is_synced {
            self.committed.notify_waiters();
        }
        Ok(())
    }
}

fn finish(batch: Vec<Job>, committed: &Result<(), WriteError>) {
    for job in batch {
        job.work.finish(committed.clone());
    }
}

/// What of a commit failed. Nothing of it was done.
enum Failed {
    Job(WriteError),
    Commit(WriteError),
}

impl Failed {
    fn into_error(self) -> WriteError {
        let (Self::Job(error) | Self::Commit(error)) = self;
        error
    }
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Commit(Arc::new(error).into())
    }
}

impl From<WriteError> for Failed {
    fn from(error: WriteError) -> Self {
        Self::Commit(error)
    }
}

impl From<Unusable> for Failed {
    fn from(unusable: Unusable) -> Self {
        Self::Commit(unusable.into())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn writer(committed: &Arc<Notify>) -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE number (n INTEGER PRIMARY KEY)")
            .unwrap();
        Writer::start(Database::in_memory(connection), Arc::clone(committed)).unwrap()
    }

    async fn insert(writer: &Writer, n: i64) -> Result<usize, WriteError> {
        writer
            .submit(Durability::Synced, move |transaction| {
                transaction.execute("INSERT INTO number VALUES (?)", [n])
            })
            .await
    }

    async fn count(writer: &Writer) -> i64 {
        let count = writer.submit(Durability::Written, |transaction| {
            transaction.query_row("SELECT count(*) FROM number", [], |row| row.get(0))
        });
        count.await.unwrap()
    }

    #[tokio::test]
    async fn a_panic_in_a_commit_is_reported_to_everyone_for_ever() {
        let writer = writer(&Arc::default());
        assert_eq!(insert(&writer, 1).await.unwrap(), 1);
        let panicked = writer.submit(Durability::Synced, |_| -> rusqlite::Result<()> {
            panic!("forced")
        });
        let (panicked, ()) = tokio::join!(panicked, writer.stopped());
        assert!(matches!(panicked, Err(WriteError::Stopped)));
        let later = tokio::time::timeout(Duration::from_secs(60), insert(&writer, 2));
        assert!(matches!(later.await.unwrap(), Err(WriteError::Stopped)));
    }

    #[tokio::test]
    async fn a_job_that_fails_takes_no_other_with_it() {
        let writer = writer(&Arc::default());
        insert(&writer, 1).await.unwrap();
        // The gate keeps the writer busy, so that those behind it share a commit.
        let (open, gate) = mpsc::channel();
        let mut gate = Some(gate);
        let held = writer.submit(Durability::Written, move |_| {
            Ok(gate.take().map(|gate| gate.recv()))
        });
        let jobs = async {
            let release = async { open.send(()).unwrap() };
            tokio::join!(
                insert(&writer, 2),
                insert(&writer, 1),
                insert(&writer, 3),
                release
            )
        };
        let (_, (before, twice, after, ())) = tokio::join!(held, jobs);
        assert!(before.is_ok() && after.is_ok());
        assert!(matches!(twice, Err(WriteError::Sqlite(_))));
        assert_eq!(count(&writer).await, 3);
    }

    #[tokio::test]
    async fn a_commit_is_announced() {
        let committed = Arc::new(Notify::new());
        let writer = writer(&committed);
        let announced = committed.notified();
        insert(&writer, 1).await.unwrap();
        announced.await;
    }
}
