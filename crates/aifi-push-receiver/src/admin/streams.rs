//! How many pages may be open that are live.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Of everybody. Beyond, further ones are refused.
const MAX: usize = 100;

/// Of one session or token. Beyond, the oldest one ends: it is mostly of a page that was left, which is
/// noticed only when something is sent to it.
const MAX_OF_ONE: usize = 10;

type Ended = Arc<AtomicBool>;

/// The pages that are open, by whose they are, the oldest first.
#[derive(Clone, Default)]
pub(super) struct Streams(Arc<Mutex<HashMap<String, VecDeque<Ended>>>>);

/// A page that is open, until this is dropped.
pub(super) struct OpenStream {
    streams: Streams,
    whose: String,
    ended: Ended,
}

impl Streams {
    fn open_streams(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Ended>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more, or returns `None` if there are too many.
    pub(super) fn open(&self, whose: String) -> Option<OpenStream> {
        let mut open = self.open_streams();
        if open.values().map(VecDeque::len).sum::<usize>() >= MAX {
            return None;
        }
        let of_one = open.entry(whose.clone()).or_default();
        if of_one.len() >= MAX_OF_ONE
            && let Some(oldest) = of_one.pop_front()
        {
            oldest.store(true, Ordering::Relaxed);
        }
        let ended = Ended::default();
        of_one.push_back(Arc::clone(&ended));
        Some(OpenStream {
            streams: self.clone(),
            whose,
            ended,
        })
    }
}

impl OpenStream {
    /// Returns `true` if it gave way to a newer one.
    pub(super) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = self.streams.open_streams();
        if let Some(of_one) = open.get_mut(&self.whose) {
            of_one.retain(|ended| !Arc::ptr_eq(ended, &self.ended));
            if of_one.is_empty() {
                open.remove(&self.whose);
            }
        }
    }
}
