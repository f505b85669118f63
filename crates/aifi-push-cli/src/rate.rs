//! How many events in which time, as a choice of the command line.

use std::{num::NonZeroU32, str::FromStr, time::Duration};

/// So many events in a time: `100/s`, or 100 for the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    events: NonZeroU32,
    per: Duration,
}

impl Rate {
    /// Returns the time from one event to the next.
    pub(crate) fn step(self) -> Duration {
        self.per / self.events.get()
    }

    /// Returns how many events there are within a time, but at least one.
    pub(crate) fn within(self, time: Duration) -> usize {
        let events = time.as_nanos() * u128::from(self.events.get()) / self.per.as_nanos();
        usize::try_from(events).unwrap_or(usize::MAX).max(1)
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str =
            "expected a number of events each second, such as 100/s, or 100/m or 100/h";
        let (events, unit) = text.split_once('/').unwrap_or((text, "s"));
        let per = match unit.trim() {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            _ => return Err(EXPECTED),
        };
        Ok(Self {
            events: events.trim().parse().map_err(|_| EXPECTED)?,
            per: Duration::from_secs(per),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read() {
        let step = |text: &str| text.parse().map(Rate::step).ok();
        assert_eq!(step("100"), Some(Duration::from_millis(10)));
        assert_eq!(step("100/s"), Some(Duration::from_millis(10)));
        let within = |text: &str| {
            text.parse()
                .map(|rate: Rate| rate.within(Duration::from_millis(100)))
        };
        assert_eq!((within("1000/s"), within("2/h")), (Ok(100), Ok(1)));
        assert_eq!(step("60/m"), Some(Duration::from_secs(1)));
        assert_eq!(step("2/h"), Some(Duration::from_secs(1800)));
        for invalid in ["", "0", "0/s", "-1", "1.5", "many", "1/", "1/d"] {
            assert_eq!(step(invalid), None, "{invalid}");
        }
    }
}
