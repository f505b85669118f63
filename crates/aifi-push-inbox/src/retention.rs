//! What may be deleted.

use std::ops::AddAssign;

use chrono::{DateTime, Utc};

/// Which events to [prune](crate::Admin::prune). The default selects none.
///
/// Whatever it says, events that a consumer has yet to acknowledge stay, and so do dead letters and
/// quarantined events, and all events while there is no consumer, unless
/// [`include_unconsumed`](Self::include_unconsumed) is set.
#[derive(Clone, Debug, Default)]
pub struct Retention {
    /// Deletes events that arrived before this time.
    pub before: Option<DateTime<Utc>>,
    /// Deletes the oldest events until the rest takes at most this many bytes.
    pub max_bytes: Option<u64>,
    /// Deletes events also if a consumer has yet to acknowledge them.
    pub include_unconsumed: bool,
    /// Reports what would be deleted, and deletes nothing.
    pub dry_run: bool,
}

#[cfg(feature = "sqlite")]
impl Retention {
    /// Whatever is asked for, also if a consumer has yet to acknowledge it.
    pub(crate) fn all() -> Self {
        Self {
            include_unconsumed: true,
            ..Self::default()
        }
    }
}

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The number of events.
    pub events: u64,
    /// The bytes that they took: of their bodies, or including what the inbox adds to each.
    pub bytes: u64,
}

impl AddAssign for Pruned {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.bytes += other.bytes;
    }
}
