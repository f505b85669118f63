//! How often to try again, and how long to wait before.

use std::time::Duration;

/// Limits how often something is attempted, and spaces the attempts.
///
/// The wait after the first attempt is `first_delay`; it doubles from attempt to attempt up to
/// `max_delay`. Each wait is shortened at random by up to a half, so that many senders that failed
/// together don't retry together.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use aifi_push::RetryPolicy;
///
/// let policy = RetryPolicy::default()
///     .max_attempts(3)
///     .first_delay(Duration::from_secs(1));
///
/// let delay = policy.delay_after(1).unwrap();
/// assert!(delay >= Duration::from_millis(500) && delay <= Duration::from_secs(1));
/// assert_eq!(policy.delay_after(3), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: u32,
    first_delay: Duration,
    max_delay: Duration,
}

impl Default for RetryPolicy {
    /// Returns a policy of five attempts, with a first delay of 500 milliseconds and a longest one
    /// of 30 seconds.
    fn default() -> Self {
        Self {
            attempts: 5,
            first_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// Returns a policy of one attempt: no retries.
    pub fn none() -> Self {
        Self::default().max_attempts(1)
    }

    /// Sets the number of attempts, the first included. Defaults to 5. 0 is the same as 1.
    #[must_use]
    pub fn max_attempts(mut self, max_attempts: u32) -> Self {
        self.attempts = max_attempts.max(1);
        self
    }

    /// Sets the delay after the first attempt. Defaults to 500 milliseconds.
    #[must_use]
    pub fn first_delay(mut self, first_delay: Duration) -> Self {
        self.first_delay = first_delay;
        self
    }

    /// Sets the longest delay between two attempts. Defaults to 30 seconds.
    #[must_use]
    pub fn max_delay(mut self, max_delay: Duration) -> Self {
        self.max_delay = max_delay;
        self
    }

    /// Returns the number of attempts, the first included.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Returns the longest delay between two attempts.
    pub fn longest_delay(&self) -> Duration {
        self.max_delay
    }

    /// Returns how long to wait after the attempt with this number failed, or `None` if it was the
    /// last. The first attempt has number 1.
    pub fn delay_after(&self, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(MAX_DOUBLINGS);
        let delay = (0..doublings)
            .fold(self.first_delay, |delay, _| delay.saturating_mul(2))
            .min(self.max_delay);
        Some(delay - (delay / 2).mul_f64(fastrand::f64()))
    }
}

/// Enough to get from a nanosecond past the longest [`Duration`].
const MAX_DOUBLINGS: u32 = 94;
