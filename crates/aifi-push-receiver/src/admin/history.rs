//! The figures of the last hour.

use std::sync::{Mutex, PoisonError};

use tokio_util::task::AbortOnDropHandle;

use crate::{FiguresHistory, Receiver};

/// A history that somebody else records, or that is recorded in the background.
pub(super) struct History {
    pub(super) figures: FiguresHistory,
    is_recorded: bool,
    task: Mutex<Option<AbortOnDropHandle<()>>>,
}

impl History {
    pub(super) fn new(recorded: Option<FiguresHistory>) -> Self {
        Self {
            is_recorded: recorded.is_some(),
            figures: recorded.unwrap_or_default(),
            task: Mutex::default(),
        }
    }

    /// Records it, unless that is done.
    pub(super) fn ensure_running(&self, receiver: &Receiver) {
        if self.is_recorded {
            return;
        }
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        let is_running = task.as_ref().is_some_and(|task| !task.is_finished());
        if !is_running {
            let (figures, receiver) = (self.figures.clone(), receiver.clone());
            *task = Some(AbortOnDropHandle::new(tokio::spawn(async move {
                figures.record(&receiver, std::future::pending()).await;
            })));
        }
    }
}
