//! Times in the past.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// The time so long ago; `None` if no calendar reaches back to it, so that nothing can be older.
pub(crate) fn ago(duration: Duration) -> Option<DateTime<Utc>> {
    let delta = TimeDelta::from_std(duration).ok()?;
    Utc::now().checked_sub_signed(delta)
}
