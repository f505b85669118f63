//! The connections of a server, of which silent ones are closed where there are too many.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::activity::Activity;

/// How many connections more there may be while all are in the middle of a request, so that probes get
/// an answer.
const RESERVED: usize = 64;

/// How often to look for a connection that can be closed, while there is none.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A connection that has just been opened, or answered, is about to bring a request.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Connections {
    limit: usize,
    open: Mutex<Open>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Arc<Activity>>,
}

/// A connection among the others, until it is dropped.
#[derive(Debug)]
pub(super) struct Opened {
    connections: Arc<Connections>,
    number: u64,
    pub(super) activity: Arc<Activity>,
}

impl Connections {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            open: Mutex::default(),
            ended: Notify::new(),
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection. If there are too many, one that is silent ends.
    pub(super) fn add(self: &Arc<Self>, cut: CancellationToken) -> Opened {
        let activity = Arc::new(Activity::new(cut));
        let mut open = self.open();
        if open.connections.len() >= self.limit {
            open.end_one();
        }
        let number = open.next;
        open.next += 1;
        open.connections.insert(number, Arc::clone(&activity));
        Opened {
            connections: Arc::clone(self),
            number,
            activity,
        }
    }

    /// Returns when there is room for another connection.
    pub(super) async fn room(&self) {
        loop {
            let ended = self.ended.notified();
            {
                let mut open = self.open();
                if open.connections.len() < self.limit.saturating_add(RESERVED) {
                    return;
                }
                open.end_one();
            }
            // A connection may fall silent without an end.
            let _ = timeout(LOOK_AGAIN, ended).await;
        }
    }

    /// Makes room where the system has none.
    pub(super) fn end_one(&self) {
        self.open().end_one();
    }
}

impl Open {
    fn end_one(&mut self) {
        let silent = self
            .connections
            .iter()
            .filter(|(_, one)| !one.cut.is_cancelled());
        let silent = silent.filter_map(|(_, one)| Some((one.dispensability()?, one)));
        if let Some(((_, since), one)) = silent.min_by_key(|(dispensability, _)| *dispensability)
            && since.elapsed() >= GRACE
        {
            one.cut.cancel();
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.connections.open().connections.remove(&self.number);
        self.connections.ended.notify_one();
    }
}
