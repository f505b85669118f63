//! Events that are read while others are sent.

use std::{
    cell::RefCell,
    future::poll_fn,
    path::PathBuf,
    sync::Arc,
    task::{Context, Poll},
    thread,
    time::Duration,
};

use anyhow::{Result, bail};
use tokio::{sync::mpsc, time::timeout};

use crate::input::{self, Item, Waiting};

/// After an interruption, standard input that is quiet for this long has no more to list.
const QUIET: Duration = Duration::from_millis(100);

/// The events of files, read on a thread of its own, as standard input may keep it waiting.
pub(super) struct ReadAhead {
    items: RefCell<mpsc::Receiver<Result<Item>>>,
    waiting: Waiting,
    /// Where the last one was.
    last: RefCell<Option<(Arc<str>, usize)>>,
}

impl ReadAhead {
    /// Begins to read.
    pub(super) fn start(files: Vec<PathBuf>) -> Self {
        let waiting = Waiting::default();
        let (sender, items) = mpsc::channel(64);
        let reader = waiting.clone();
        thread::spawn(move || {
            for item in input::items(files, reader) {
                if sender.blocking_send(item).is_err() {
                    return;
                }
            }
        });
        Self {
            items: RefCell::new(items),
            waiting,
            last: RefCell::default(),
        }
    }

    /// Returns the next of what is left, without waiting for another process to write more.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub(super) async fn left(&self) -> Option<Result<Item>> {
        loop {
            match timeout(QUIET, poll_fn(|context| self.poll_next(context))).await {
                Ok(item) => return item,
                Err(_) if self.waiting.is_waiting() => return None,
                Err(_) => {}
            }
        }
    }

    /// Returns the next as soon as there is one.
    pub(super) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Result<Item>>> {
        let next = self.items.borrow_mut().poll_recv(context);
        if let Poll::Ready(Some(Ok(item))) = &next {
            self.last.replace(Some((Arc::clone(&item.file), item.line)));
        }
        next
    }

    /// Fails with the place from which on nothing was read.
    pub(super) fn ensure_read(&self) -> Result<()> {
        if self.items.borrow().is_closed() {
            return Ok(());
        }
        match self.last.take() {
            Some((file, line)) => bail!("interrupted: what follows {file}:{line} was not read"),
            None => bail!("interrupted before an event was read"),
        }
    }
}
