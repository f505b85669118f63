//! How many events may wait.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio_util::task::TaskTracker;

use crate::refusal::Refusal;

/// Limits what waits, in number and bytes: events to be stored, or questions to be answered.
pub(crate) struct Admission {
    events: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    /// The tasks that store an event.
    pub(crate) tasks: TaskTracker,
}

/// Room for an event, until it is dropped.
pub(crate) struct Admitted {
    _event: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

impl Admission {
    pub(crate) fn new(max_events: usize, max_bytes: usize) -> Self {
        Self {
            events: Arc::new(Semaphore::new(max_events)),
            bytes: Arc::new(Semaphore::new(max_bytes)),
            tasks: TaskTracker::new(),
        }
    }

    /// Takes room for an event of a size.
    pub(crate) fn admit(&self, bytes: usize) -> Result<Admitted, Refusal> {
        let bytes = u32::try_from(bytes).map_err(|_| Refusal::Overloaded)?;
        let event = Arc::clone(&self.events).try_acquire_owned();
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(bytes);
        match (event, bytes) {
            (Ok(event), Ok(bytes)) => Ok(Admitted {
                _event: event,
                _bytes: bytes,
            }),
            (Err(TryAcquireError::Closed), _) => Err(Refusal::Closing),
            _ => Err(Refusal::Overloaded),
        }
    }

    /// Admits no more events, and returns when those that wait are stored.
    pub(crate) async fn close(&self) {
        self.events.close();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
