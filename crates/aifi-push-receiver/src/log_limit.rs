//! Log lines that anyone can cause, written now and then.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often a line of the same kind is written.
const INTERVAL: Duration = Duration::from_secs(10);

/// Limits the lines of each kind to one in ten seconds.
#[derive(Debug, Default)]
pub(crate) struct LogLimit {
    kinds: Mutex<HashMap<&'static str, Written>>,
}

#[derive(Debug)]
struct Written {
    at: Instant,
    unlogged: u64,
}

impl LogLimit {
    /// Returns whether to write a line now, as the number of those that were not written since the
    /// last.
    pub(crate) fn admit(&self, kind: &'static str) -> Option<u64> {
        let now = Instant::now();
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(written) = kinds.get_mut(kind) else {
            let first = Written {
                at: now,
                unlogged: 0,
            };
            kinds.insert(kind, first);
            return Some(0);
        };
        if now.duration_since(written.at) < INTERVAL {
            written.unlogged += 1;
            return None;
        }
        written.at = now;
        Some(std::mem::take(&mut written.unlogged))
    }
}
