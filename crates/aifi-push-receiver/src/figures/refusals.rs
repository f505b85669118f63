//! How many requests were refused lately, and why.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use crate::refusal::REASONS;

/// How long a slot is.
const SLOT_SECONDS: u64 = 10;

/// Five minutes, with the slot that is being filled.
const SLOTS: usize = 30;

/// What was refused lately: a fixed amount of memory, whatever arrives.
#[derive(Debug)]
pub(crate) struct RecentRefusals {
    start: Instant,
    window: Mutex<[Slot; SLOTS]>,
}

/// What was refused in the 10 seconds of this number since the start.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    number: u64,
    counts: [u32; REASONS.len()],
}

impl Default for RecentRefusals {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            window: Mutex::new([Slot::default(); SLOTS]),
        }
    }
}

impl RecentRefusals {
    pub(crate) fn add(&self, reason: &'static str) {
        let number = self.number();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        add(&mut window, number, reason);
    }

    /// Returns the reasons that there were, with their counts.
    pub(crate) fn by_reason(&self) -> BTreeMap<String, u64> {
        let number = self.number();
        let window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        by_reason(&window, number)
    }

    fn number(&self) -> u64 {
        self.start.elapsed().as_secs() / SLOT_SECONDS
    }
}

fn add(window: &mut [Slot; SLOTS], number: u64, reason: &str) {
    let Some(reason) = REASONS.iter().position(|known| *known == reason) else {
        return;
    };
    let slot = &mut window[usize::try_from(number % SLOTS as u64).unwrap_or_default()];
    if slot.number != number {
        *slot = Slot {
            number,
            ..Slot::default()
        };
    }
    slot.counts[reason] = slot.counts[reason].saturating_add(1);
}

fn by_reason(window: &[Slot; SLOTS], now: u64) -> BTreeMap<String, u64> {
    let recent = || {
        let slots = window.iter();
        slots.filter(|slot| slot.number + SLOTS as u64 > now)
    };
    let counts = REASONS.iter().enumerate().map(|(index, reason)| {
        let counts = recent().map(|slot| u64::from(slot.counts[index]));
        ((*reason).to_owned(), counts.sum())
    });
    counts.filter(|(_, count)| *count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::{SLOTS, Slot, add, by_reason};

    #[test]
    fn refusals_are_of_the_last_5_minutes() {
        let mut window = [Slot::default(); SLOTS];
        let counted = |window: &[Slot; SLOTS], now| {
            let counts = by_reason(window, now).into_iter();
            let counts = counts.map(|(reason, count)| format!("{reason} {count}"));
            counts.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(counted(&window, 0), "");
        add(&mut window, 0, "too_large");
        add(&mut window, 0, "too_large");
        add(&mut window, 29, "slow");
        assert_eq!(counted(&window, 29), "slow 1, too_large 2");
        assert_eq!(counted(&window, 30), "slow 1");
        // In the slot of the first.
        add(&mut window, 30, "slow");
        assert_eq!(counted(&window, 30), "slow 2");
        assert_eq!(counted(&window, 59), "slow 1");
        assert_eq!(counted(&window, 60), "");
    }
}
