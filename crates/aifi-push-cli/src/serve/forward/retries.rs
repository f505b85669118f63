//! How often, and over which time, an event is redelivered that a target does not accept.

use std::time::Duration;

use aifi_push::RetryPolicy;

/// The longest that an event waits for the next attempt, and that a target may ask to wait.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What is covered if nothing else is asked for: a weekend.
const SPAN: Duration = Duration::from_secs(3 * 24 * 3600);

const FIRST_WAIT: Duration = Duration::from_secs(1);

pub(super) fn policy(attempts: Option<u32>, span: Option<Duration>) -> RetryPolicy {
    let attempts = match (attempts, span) {
        (Some(attempts), None) => attempts,
        (None, span) => needed(span.unwrap_or(SPAN)),
        (Some(attempts), Some(span)) => attempts.min(needed(span)),
    };
    RetryPolicy::default()
        .max_attempts(attempts)
        .first_delay(FIRST_WAIT)
        .max_delay(LONGEST_WAIT)
}

/// How many attempts cover a time even if each wait is as short as it may be: half of the longest.
fn needed(span: Duration) -> u32 {
    let mut attempts = 1;
    let mut wait = FIRST_WAIT;
    let mut left = span;
    while !left.is_zero() && attempts < u32::MAX {
        if wait == LONGEST_WAIT {
            let more = left.as_secs().div_ceil(LONGEST_WAIT.as_secs() / 2);
            return u32::try_from(more)
                .unwrap_or(u32::MAX)
                .saturating_add(attempts);
        }
        attempts += 1;
        left = left.saturating_sub(wait / 2);
        wait = (wait * 2).min(LONGEST_WAIT);
    }
    attempts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(policy: RetryPolicy) -> Duration {
        let attempts = 1..;
        attempts
            .map_while(|attempt| policy.delay_after(attempt))
            .sum()
    }

    #[test]
    fn three_days_are_covered() {
        let covered = covered(policy(None, None));
        assert!((SPAN..3 * SPAN).contains(&covered), "{covered:?}");
    }

    #[test]
    fn the_span_and_the_attempts_are_settable() {
        let minute = Duration::from_secs(60);
        assert_eq!(policy(None, Some(Duration::ZERO)).attempts(), 1);
        assert!(covered(policy(None, Some(minute))) >= minute);
        assert_eq!(policy(Some(400), None).attempts(), 400);
        assert_eq!(policy(Some(3), Some(minute)).attempts(), 3);
        assert!(policy(Some(400), Some(minute)).attempts() < 20);
        assert_eq!(policy(None, Some(Duration::MAX)).attempts(), u32::MAX);
    }
}
