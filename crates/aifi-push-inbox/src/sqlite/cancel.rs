//! Stopping work on a thread that nobody waits for any more.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use rusqlite::Connection;

/// How many steps of a statement run between two looks whether to go on.
const STEPS: i32 = 10_000;

/// Whether to stop. A clone is the same.
#[derive(Clone, Default)]
pub(super) struct Cancel(Arc<AtomicBool>);

/// It was canceled.
#[derive(Debug)]
pub(super) struct Canceled;

impl Cancel {
    pub(super) fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_canceled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn check(&self) -> Result<(), Canceled> {
        match self.is_canceled() {
            true => Err(Canceled),
            false => Ok(()),
        }
    }

    /// Makes the statements of a connection end as well.
    pub(super) fn watch(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let cancel = self.clone();
        connection.progress_handler(STEPS, Some(move || cancel.is_canceled()))
    }
}

/// Lets the statements of a connection go on, whoever waits for them.
pub(super) fn unwatch(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.progress_handler(0, None::<fn() -> bool>)
}

/// Cancels the work when nobody waits for it any more.
pub(super) struct CancelOnDrop(pub(super) Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
