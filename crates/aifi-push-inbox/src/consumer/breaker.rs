//! Whether what the handlers depend on is up: a consumer pauses while it is down, and then tries one
//! event at a time.

use std::{collections::HashSet, time::Duration};

use aifi_push::RetryPolicy;
use tokio::time::Instant;
use uuid::Uuid;

/// How many events in a row must find it down before the consumer pauses. With fewer, it may be about
/// the events, and their own delays do.
const FAILURES: usize = 5;

/// What a handler found.
#[derive(Clone, Copy)]
pub(super) enum Dependency {
    Up,
    Down {
        /// How long it asked to be left alone.
        wait: Option<Duration>,
    },
    /// The handler ended otherwise.
    Unknown,
}

#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// The first events that found it down since it was last up.
    failed: HashSet<Uuid>,
    /// Since it was last up; with 0 the consumer is not paused.
    pauses: u32,
    /// When the pause ends. After it, one event is tried.
    until: Option<Instant>,
}

/// What changed.
pub(super) enum Change {
    Paused(Duration),
    Resumed,
}

impl Breaker {
    /// Returns how many events may be handled beside those that are.
    pub(super) fn free(&self, concurrency: usize, running: usize) -> usize {
        if self.pauses == 0 {
            return concurrency.saturating_sub(running);
        }
        usize::from(self.until.is_none() && running == 0)
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// The pause is over.
    pub(super) fn may_probe(&mut self) {
        self.until = None;
    }

    pub(super) fn found(&mut self, id: Uuid, dependency: Dependency) -> Option<Change> {
        match dependency {
            Dependency::Unknown => None,
            Dependency::Up => {
                let was_paused = self.pauses > 0;
                *self = Self::default();
                was_paused.then_some(Change::Resumed)
            }
            Dependency::Down { wait } => self.pause(id, wait),
        }
    }

    fn pause(&mut self, id: Uuid, wait: Option<Duration>) -> Option<Change> {
        if self.failed.len() < FAILURES {
            self.failed.insert(id);
        }
        let now = Instant::now();
        if let Some(until) = self.until {
            // It was in flight when the pause began.
            self.until = Some(until.max(now + wait.unwrap_or_default()));
            return None;
        }
        if self.pauses == 0 && self.failed.len() < FAILURES && wait.is_none() {
            return None;
        }
        self.pauses = self.pauses.saturating_add(1);
        let pause = pauses().delay_after(self.pauses).unwrap_or_default();
        let pause = pause.max(wait.unwrap_or_default());
        self.until = Some(now + pause);
        Some(Change::Paused(pause))
    }
}

/// From a second to a minute.
fn pauses() -> RetryPolicy {
    RetryPolicy::default()
        .max_attempts(u32::MAX)
        .first_delay(Duration::from_secs(1))
        .max_delay(Duration::from_secs(60))
}
