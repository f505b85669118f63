//! The way of events into the inbox: where one append at a time is best, those that wait together
//! are stored together.

use std::{sync::Arc, time::Instant};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Event, Inbox, chain::Chain, metrics::Metrics};

/// The most events of one commit. More would make the first of them wait for no gain.
const BATCH: usize = 1024;

/// Events on their way into the inbox, bounded in number and bytes.
#[derive(Clone)]
pub(crate) struct Queue {
    sender: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    closing: CancellationToken,
    writer: TaskTracker,
    metrics: Arc<Metrics>,
}

/// Why an event is not, or not known to be, in the inbox.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NotStored {
    Overloaded,
    Closing,
    /// The inbox failed; the error is in the log.
    Failed,
}

struct Waiting {
    event: Event,
    stored: Stored,
    room: OwnedSemaphorePermit,
}

type Stored = oneshot::Sender<Result<(), NotStored>>;

impl Waiting {
    fn split(self) -> (Event, (Stored, OwnedSemaphorePermit)) {
        (self.event, (self.stored, self.room))
    }
}

impl Queue {
    /// Starts the one writer.
    pub(crate) fn start(
        inbox: Arc<dyn Inbox>,
        max_events: usize,
        max_bytes: usize,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (sender, waiting) = mpsc::channel(max_events);
        let closing = CancellationToken::new();
        let writer = TaskTracker::new();
        writer.spawn(write(inbox, waiting, closing.clone(), Arc::clone(&metrics)));
        writer.close();
        Self {
            sender,
            room: Arc::new(Semaphore::new(max_bytes)),
            closing,
            writer,
            metrics,
        }
    }

    /// Stores an event. Once the queue has taken it, it is stored even if nobody awaits the result.
    pub(crate) async fn append(&self, event: Event) -> Result<(), NotStored> {
        let bytes = u32::try_from(event.body.len()).map_err(|_| NotStored::Overloaded)?;
        let room = Arc::clone(&self.room)
            .try_acquire_many_owned(bytes)
            .map_err(|_| NotStored::Overloaded)?;
        let (stored, result) = oneshot::channel();
        let waiting = Waiting {
            event,
            stored,
            room,
        };
        self.sender.try_send(waiting).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotStored::Overloaded,
            mpsc::error::TrySendError::Closed(_) => NotStored::Closing,
        })?;
        self.metrics.queued.inc();
        result.await.unwrap_or(Err(NotStored::Closing))
    }

    /// Takes no more events, and returns when those it has are stored.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.writer.wait().await;
    }
}

async fn write(
    inbox: Arc<dyn Inbox>,
    mut waiting: mpsc::Receiver<Waiting>,
    closing: CancellationToken,
    metrics: Arc<Metrics>,
) {
    let mut batch = Vec::new();
    let mut commits = FuturesUnordered::new();
    loop {
        let at_once = inbox.appends_at_once();
        let together = if at_once > 1 { 1 } else { BATCH };
        tokio::select! {
            biased;
            () = closing.cancelled(), if !waiting.is_closed() => waiting.close(),
            Some(()) = commits.next() => {}
            received = waiting.recv_many(&mut batch, together), if commits.len() < at_once => {
                if received == 0 {
                    break;
                }
                commits.push(commit(&*inbox, std::mem::take(&mut batch), &metrics));
            }
        }
    }
    while commits.next().await.is_some() {}
}

async fn commit(inbox: &dyn Inbox, batch: Vec<Waiting>, metrics: &Metrics) {
    let (events, senders): (Vec<_>, Vec<_>) = batch.into_iter().map(Waiting::split).unzip();
    let count = events.len();
    metrics.batch_events.observe(count as f64);
    let start = Instant::now();
    let result = inbox.append(events).await.map_err(|error| {
        tracing::error!(error = %Chain(&error), events = count, "events not stored");
        NotStored::Failed
    });
    metrics
        .commit_seconds
        .observe(start.elapsed().as_secs_f64());
    for (stored, _room) in senders {
        metrics.queued.dec();
        // Whoever hung up has no answer to get; the event is stored all the same.
        let _ = stored.send(result);
    }
}
