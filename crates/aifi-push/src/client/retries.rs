//! When to send again, and how long to wait before.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use super::{Error, Rejection};

/// How often, and after how long, a failed call is sent again.
///
/// Only an error that [is retryable](Error::is_retryable) leads to another attempt. An event whose
/// answer got lost is then sent twice, and a receiver can't tell that from two events; losing it
/// would be worse.
///
/// The wait before the second attempt is `first_delay`, and doubles from attempt to attempt up to
/// `max_delay`. Each wait is shortened at random by up to a half, so that many senders don't come
/// back at once. A server that asks for a longer wait by `Retry-After` gets it; where it asks for
/// more than `max_delay`, the call ends with its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    max_attempts: u32,
    first_delay: Duration,
    max_delay: Duration,
}

impl Default for Retries {
    /// Five attempts in all, the first wait half a second, none longer than 30 seconds.
    fn default() -> Self {
        Self {
            max_attempts: 5,
            first_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(30),
        }
    }
}

impl Retries {
    pub(super) const OFF: Self = Self {
        max_attempts: 1,
        first_delay: Duration::ZERO,
        max_delay: Duration::ZERO,
    };

    /// How often a call is sent in all, the first time included.
    pub fn max_attempts(mut self, max_attempts: u32) -> Self {
        self.max_attempts = max_attempts;
        self
    }

    /// The wait before the second attempt.
    pub fn first_delay(mut self, first_delay: Duration) -> Self {
        self.first_delay = first_delay;
        self
    }

    /// The longest wait between two attempts.
    pub fn max_delay(mut self, max_delay: Duration) -> Self {
        self.max_delay = max_delay;
        self
    }

    /// The wait before each further attempt.
    pub(super) fn delays(self) -> Delays {
        // Backon adds up to as much again at random: with half of each wait for its base, the
        // whole is the bound.
        let backoff = ExponentialBuilder::new()
            .with_min_delay(self.first_delay.min(self.max_delay) / 2)
            .with_max_delay(self.max_delay / 2)
            .with_max_times(self.max_attempts.saturating_sub(1) as usize)
            .with_jitter()
            .build();
        Delays {
            backoff,
            max_delay: self.max_delay,
        }
    }
}

pub(super) struct Delays {
    backoff: backon::ExponentialBackoff,
    max_delay: Duration,
}

impl Delays {
    /// How long to wait before sending again after `error`; `None` to give up.
    pub(super) fn after(&mut self, error: &Error) -> Option<Duration> {
        if !error.is_retryable() {
            return None;
        }
        let rejection = error.rejection();
        let wanted = rejection
            .and_then(Rejection::retry_after)
            .unwrap_or_default();
        let delay = self.backoff.next()?;
        (wanted <= self.max_delay).then(|| delay.max(wanted))
    }
}
