//! The newest visits.

use std::collections::BTreeMap;

use aifi_push_receiver::inbox::Visit;
use chrono::{DateTime, Utc};

/// The newest visits of those that are added, by when they began.
pub(super) struct Last {
    limit: usize,
    /// Those that began at the same time are told apart by their number.
    visits: BTreeMap<(Option<DateTime<Utc>>, usize), Visit>,
    added: usize,
}

impl Last {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            visits: BTreeMap::new(),
            added: 0,
        }
    }

    pub(super) fn add(&mut self, visit: Visit) {
        let first = visit.events.first().map(|event| event.time);
        let began = visit.entered_at.or(first);
        self.visits.insert((began, self.added), visit);
        self.added += 1;
        if self.visits.len() > self.limit {
            self.visits.pop_first();
        }
    }

    pub(super) fn added(&self) -> usize {
        self.added
    }

    /// Returns `true` if older ones are left out.
    pub(super) fn is_more(&self) -> bool {
        self.added > self.limit
    }

    /// Returns the visits, the newest last.
    pub(super) fn visits(self) -> impl Iterator<Item = Visit> {
        self.visits.into_values()
    }
}
