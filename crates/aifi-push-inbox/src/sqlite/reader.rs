//! The thread that reads for operators, so that a long query neither waits for a commit nor delays one.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
};

use rusqlite::{Connection, Transaction};
use tokio::sync::oneshot;

use crate::error::BoxError;

/// A handle of the thread, which ends when it is dropped.
pub(super) struct Reader {
    jobs: mpsc::Sender<Job>,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

impl Reader {
    pub(super) fn start(mut connection: Connection) -> std::io::Result<Self> {
        let (sender, jobs) = mpsc::channel::<Job>();
        thread::Builder::new()
            .name("aifi-push-reader".to_owned())
            .spawn(move || {
                for job in jobs {
                    // The next job begins a transaction of its own; whoever waits for this one sees
                    // that it is dropped.
                    let _ = catch_unwind(AssertUnwindSafe(|| job(&mut connection)));
                }
            })?;
        Ok(Self { jobs: sender })
    }

    /// Runs a short transaction that only reads, so that the log can be shortened soon.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, BoxError> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let read = connection
                .transaction()
                .and_then(|transaction| work(&transaction));
            // Whoever no longer waits has no result to get.
            let _ = done.send(read);
        });
        let stopped = "the reader stopped after an internal error";
        self.jobs.send(job).map_err(|_| stopped)?;
        Ok(result.await.map_err(|_| stopped)??)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}
