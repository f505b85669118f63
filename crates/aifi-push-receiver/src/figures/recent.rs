//! How many events were stored lately, and how long it took.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Over how many seconds events are counted.
const RATE_SECONDS: u64 = 10;

/// Over how many seconds the times of commits are.
const COMMIT_SECONDS: u64 = 60;

/// One for each second, and one that is being filled.
const SLOTS: usize = 61;

/// The upper bound of the first bucket, in seconds.
const FIRST_BOUND: f64 = 50e-6;

/// Each bucket ends at so many times the bound before: a quantile is at most a fifth too high.
const GROWTH: f64 = 1.2;

/// The last one contains everything above 85 seconds.
const BUCKETS: usize = 80;

/// What was stored lately: a fixed amount of memory, whatever arrives.
#[derive(Debug)]
pub(crate) struct Recent {
    start: Instant,
    window: Mutex<Window>,
}

impl Default for Recent {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            window: Mutex::new(Window::new()),
        }
    }
}

impl Recent {
    /// Adds an attempt to store an event.
    pub(crate) fn add(&self, took: Duration, is_stored: bool) {
        let second = self.second();
        let bucket = bucket(took.as_secs_f64());
        self.with(|window| {
            window.slot(second).commits[bucket] += 1;
            if is_stored {
                window.add_stored(second);
            }
        });
    }

    pub(crate) fn stored(&self) -> u64 {
        self.with(|window| window.stored)
    }

    pub(crate) fn events_per_second(&self) -> f64 {
        let second = self.second();
        self.with(|window| window.events_per_second(second))
    }

    /// Returns the time in seconds within which this part of the commits ended, if there were any.
    pub(crate) fn commit_quantile(&self, part: f64) -> Option<f64> {
        let second = self.second();
        self.with(|window| window.commit_quantile(second, part))
    }

    fn second(&self) -> u64 {
        self.start.elapsed().as_secs()
    }

    fn with<T>(&self, f: impl FnOnce(&mut Window) -> T) -> T {
        f(&mut self.window.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Debug)]
struct Window {
    stored: u64,
    slots: Vec<Slot>,
}

/// What happened in one second since the start.
#[derive(Clone, Debug)]
struct Slot {
    second: u64,
    stored: u32,
    commits: [u32; BUCKETS],
}

impl Slot {
    fn new(second: u64) -> Self {
        Self {
            second,
            stored: 0,
            commits: [0; BUCKETS],
        }
    }
}

impl Window {
    fn new() -> Self {
        Self {
            stored: 0,
            slots: vec![Slot::new(0); SLOTS],
        }
    }

    fn add_stored(&mut self, second: u64) {
        self.stored += 1;
        self.slot(second).stored += 1;
    }

    /// Returns the slot of a second, in the place of the one a minute before.
    fn slot(&mut self, second: u64) -> &mut Slot {
        let index = usize::try_from(second % SLOTS as u64).unwrap_or_default();
        let slot = &mut self.slots[index];
        if slot.second != second {
            *slot = Slot::new(second);
        }
        slot
    }

    /// Over the seconds that have ended, so that the current one does not look like a pause.
    fn events_per_second(&self, now: u64) -> f64 {
        let seconds = now.saturating_sub(RATE_SECONDS)..now;
        let slots = self.slots.iter();
        let stored: u32 = slots
            .filter(|slot| seconds.contains(&slot.second))
            .map(|slot| slot.stored)
            .sum();
        // Soon after the start there are fewer.
        let passed = now.clamp(1, RATE_SECONDS);
        f64::from(stored) / passed as f64
    }

    fn commit_quantile(&self, now: u64, part: f64) -> Option<f64> {
        let seconds = now.saturating_sub(COMMIT_SECONDS)..=now;
        let mut commits = [0; BUCKETS];
        for slot in self
            .slots
            .iter()
            .filter(|slot| seconds.contains(&slot.second))
        {
            for (sum, count) in commits.iter_mut().zip(slot.commits) {
                *sum += u64::from(count);
            }
        }
        let all: u64 = commits.iter().sum();
        let rank = all as f64 * part;
        let mut below = 0;
        let bucket = commits.iter().position(|count| {
            below += count;
            below > 0 && below as f64 >= rank
        })?;
        Some(FIRST_BOUND * GROWTH.powf(bucket as f64))
    }
}

/// Returns the first bucket whose bound is not below a time.
fn bucket(seconds: f64) -> usize {
    if seconds <= FIRST_BOUND {
        return 0;
    }
    // A float too large for the type becomes its largest value.
    let bucket = ((seconds / FIRST_BOUND).ln() / GROWTH.ln()).ceil() as usize;
    bucket.min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use proptest::proptest;

    use super::{BUCKETS, FIRST_BOUND, GROWTH, Window, bucket};

    #[test]
    fn the_rate_is_of_the_last_10_seconds() {
        let mut window = Window::new();
        assert!(window.events_per_second(0).abs() < f64::EPSILON);
        for _ in 0..30 {
            window.add_stored(0);
        }
        // The current second has not ended.
        assert!(window.events_per_second(0).abs() < f64::EPSILON);
        for (now, expected) in [(1, 30.0), (2, 15.0), (10, 3.0), (11, 0.0), (70, 0.0)] {
            let rate = window.events_per_second(now);
            assert!((rate - expected).abs() < 1e-9, "{now}: {rate}");
        }
        // In the slot of the first.
        window.add_stored(61);
        assert!((window.events_per_second(62) - 0.1).abs() < 1e-9);
        assert_eq!(window.stored, 31);
    }

    #[test]
    fn quantiles_are_of_the_last_minute() {
        let mut window = Window::new();
        assert_eq!(window.commit_quantile(0, 0.5), None);
        window.slot(0).commits[bucket(0.002)] = 98;
        window.slot(5).commits[bucket(1.0)] = 2;
        let is_about = |found: Option<f64>, expected: f64| {
            let found = found.unwrap_or_default();
            assert!(found >= expected && found <= expected * GROWTH, "{found}");
        };
        is_about(window.commit_quantile(6, 0.5), 0.002);
        is_about(window.commit_quantile(6, 0.99), 1.0);
        is_about(window.commit_quantile(61, 0.5), 1.0);
        assert_eq!(window.commit_quantile(66, 0.5), None);
    }

    proptest! {
        #[test]
        fn a_time_is_in_the_bucket_that_ends_next(seconds in 0.0..80.0_f64) {
            let bound = FIRST_BOUND * GROWTH.powf(bucket(seconds) as f64);
            assert!(seconds <= bound * (1.0 + 1e-9));
            assert!(bound <= FIRST_BOUND || bound <= seconds * GROWTH * (1.0 + 1e-9));
        }
    }

    #[test]
    fn no_time_is_too_long() {
        assert_eq!(bucket(f64::INFINITY), BUCKETS - 1);
        assert_eq!(bucket(1e9), BUCKETS - 1);
    }
}
