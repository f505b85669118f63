//! Times in the past.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

/// The time so long ago; `None` if no calendar reaches back to it, so that nothing can be older.
pub(crate) fn ago(duration: Duration) -> Option<DateTime<Utc>> {
    let delta = TimeDelta::from_std(duration).ok()?;
    Utc::now().checked_sub_signed(delta)
}

/// Reads a time, the beginning of a day in UTC, or how long ago it was.
pub(crate) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    let duration = humantime::parse_duration(text).map_err(|_| {
        "expected a time with a zone, such as 2026-11-24T10:00:00Z, a day in UTC, such as \
         2026-11-24, or how long ago, such as 2h"
            .to_owned()
    })?;
    ago(duration).ok_or_else(|| "that long ago there were no events".to_owned())
}
