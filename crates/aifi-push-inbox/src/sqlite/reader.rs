//! The thread that reads for operators, so that a long query neither waits for a commit nor delays one.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, Transaction};
use tokio::sync::oneshot;

use super::{
    cancel::{self, Cancel, CancelOnDrop},
    file::Paths,
    read_only,
};
use crate::{error::BoxError, error_chain::ErrorChain};

/// A handle of the thread. When it is dropped, the file is closed.
pub(super) struct Reader {
    /// `None` while it is dropped.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

struct Job {
    cancel: Cancel,
    work: Box<Work>,
}

type Work = dyn FnOnce(Result<&mut Connection, BoxError>) + Send;

/// What the thread reads from.
pub(super) enum Source {
    /// A connection beside one that writes.
    Beside(ReadConnection),
    /// A file that is not to be changed, opened for each job.
    Untouched(Paths),
}

/// The connection, which the writer replaces together with its own.
#[derive(Clone, Default)]
pub(super) struct ReadConnection(Arc<Mutex<Option<Connection>>>);

impl ReadConnection {
    pub(super) fn new(connection: Connection) -> Self {
        Self(Arc::new(Mutex::new(Some(connection))))
    }

    /// Waits for the job that uses it.
    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        // After a panic, the transaction of the job was rolled back.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    fn run(&self, job: Job) {
        match self {
            Self::Beside(connection) => {
                let mut connection = connection.lock();
                let closed = || "the file is not open".into();
                (job.work)(connection.as_mut().ok_or_else(closed));
            }
            Self::Untouched(paths) => match read_only::open(paths) {
                Ok(mut opened) => (job.work)(Ok(&mut opened.connection)),
                Err(error) => (job.work)(Err(ErrorChain(&error).to_string().into())),
            },
        }
    }
}

impl Reader {
    pub(super) fn start(source: Source) -> std::io::Result<Self> {
        let (sender, jobs) = mpsc::channel::<Job>();
        let thread = thread::Builder::new()
            .name("aifi-push-reader".to_owned())
            .spawn(move || {
                for job in jobs {
                    if job.cancel.check().is_err() {
                        continue;
                    }
                    // The next job begins a transaction of its own; whoever waits for this one sees
                    // that it is dropped.
                    let _ = catch_unwind(AssertUnwindSafe(|| source.run(job)));
                }
            })?;
        Ok(Self {
            jobs: Some(sender),
            thread: Some(thread),
        })
    }

    /// Runs a short transaction that only reads, so that the log can be shortened soon.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, BoxError> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            work(&transaction)
        })
        .await
    }

    /// Writes the log into the file, as far as that keeps nobody waiting.
    pub(super) async fn checkpoint(&self) -> Result<(), BoxError> {
        self.run(|connection| checkpoint(connection, "PASSIVE").map(drop))
            .await
    }

    /// Writes the log into the file, and leaves nothing of it. Returns `false` if another connection
    /// reads what is in it.
    pub(super) async fn empty_log(&self) -> Result<bool, BoxError> {
        self.run(|connection| {
            // Most of it while others write.
            checkpoint(connection, "PASSIVE")?;
            checkpoint(connection, "TRUNCATE")
        })
        .await
    }

    /// Does some work after what others asked for. If nobody waits for it any more, it is left out, or
    /// ends soon.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, BoxError> {
        let (done, result) = oneshot::channel();
        let cancel = Cancel::default();
        let _guard = CancelOnDrop(cancel.clone());
        let watching = cancel.clone();
        let work = Box::new(move |connection: Result<&mut Connection, BoxError>| {
            let result = connection.and_then(|connection| run(connection, work, &watching));
            // Whoever no longer waits has no result to get.
            let _ = done.send(result);
        });
        let job = Job { cancel, work };
        let stopped = "the reader stopped after an internal error";
        let jobs = self.jobs.as_ref().ok_or(stopped)?;
        jobs.send(job).map_err(|_| stopped)?;
        result.await.map_err(|_| stopped)?
    }
}

fn run<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    cancel: &Cancel,
) -> Result<T, BoxError> {
    cancel.watch(connection)?;
    let result = work(connection);
    cancel::unwatch(connection)?;
    // The end of its transaction may have been stopped as well.
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    Ok(result?)
}

/// Returns whether nobody was in the way.
fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<bool> {
    let pragma = format!("PRAGMA wal_checkpoint({mode})");
    let is_busy: bool = connection.query_row(&pragma, [], |row| row.get(0))?;
    Ok(!is_busy)
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // It does not panic.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_read_that_nobody_waits_for_ends() {
        let connection = Connection::open_in_memory().unwrap();
        let reader = Reader::start(Source::Beside(ReadConnection::new(connection))).unwrap();
        let (starts, started) = oneshot::channel();
        let endless = reader.read(|transaction| {
            let _ = starts.send(());
            let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                 SELECT count(*) FROM n";
            transaction.query_row(endless, [], |row| row.get::<_, i64>(0))
        });
        tokio::select! {
            ended = endless => panic!("it ended: {ended:?}"),
            started = started => started.unwrap(),
        }
        let one = reader
            .read(|transaction| transaction.query_row("SELECT 1", [], |row| row.get::<_, i64>(0)));
        assert_eq!(one.await.unwrap(), 1);
    }
}
