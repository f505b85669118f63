//! The delays of a policy keep within its bounds.

use std::time::Duration;

use aifi_push::RetryPolicy;
use proptest::prelude::*;

#[test]
fn no_retries() {
    assert_eq!(RetryPolicy::none().attempts(), 1);
    assert_eq!(RetryPolicy::none().delay_after(1), None);
    assert_eq!(RetryPolicy::default().max_attempts(0), RetryPolicy::none());
}

#[test]
fn the_default_makes_five_attempts() {
    let policy = RetryPolicy::default();
    assert_eq!(policy.attempts(), 5);
    for (attempt, longest) in [(1, 500), (2, 1000), (3, 2000), (4, 4000)] {
        let longest = Duration::from_millis(longest);
        let delay = policy.delay_after(attempt).unwrap();
        assert!(longest / 2 <= delay && delay <= longest, "{delay:?}");
    }
    assert_eq!(policy.delay_after(5), None);
}

#[test]
fn a_delay_of_zero_stays_zero() {
    let policy = RetryPolicy::default()
        .max_attempts(u32::MAX)
        .first_delay(Duration::ZERO);
    assert_eq!(policy.delay_after(u32::MAX - 1), Some(Duration::ZERO));
}

#[test]
fn delays_differ_at_random() {
    let delays = [(); 8].map(|()| RetryPolicy::default().delay_after(1));
    assert!(delays.iter().any(|delay| *delay != delays[0]), "{delays:?}");
}

/// Durations of any length, the longest and the shortest included.
fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::MAX),
        (0..100_000_u64).prop_map(Duration::from_micros),
        (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(secs, nanos)| Duration::new(secs, nanos)),
    ]
}

proptest! {
    #[test]
    fn delays_are_bounded(
        attempts in prop_oneof![0..10_u32, any::<u32>()],
        attempt in prop_oneof![0..10_u32, any::<u32>()],
        first in durations(),
        longest in durations(),
    ) {
        let policy = RetryPolicy::default()
            .max_attempts(attempts)
            .first_delay(first)
            .max_delay(longest);
        let delay = policy.delay_after(attempt);
        prop_assert_eq!(delay.is_some(), attempt < attempts.max(1));
        if let Some(delay) = delay {
            prop_assert!(delay <= longest);
            prop_assert!(delay >= first.min(longest) / 2);
            if attempt <= 1 {
                prop_assert!(delay <= first);
            }
        }
    }
}
