//! The figures with their names, for people.

use std::time::Duration;

use aifi_push_receiver::{ConsumerFigures, Figures};
use bytesize::ByteSize;
use chrono::TimeDelta;

use crate::escape;

/// A figure that has a past.
pub(super) struct Figure {
    pub(super) name: &'static str,
    /// For a plot.
    pub(super) of: fn(&Figures) -> Option<f64>,
    pub(super) text: fn(&Figures) -> String,
    /// Whether somebody should look.
    pub(super) is_bad: fn(&Figures) -> bool,
}

const SOON: TimeDelta = TimeDelta::days(Figures::LOW_CERTIFICATE_DAYS);
const LONG: f64 = 900.0;

pub(super) const FIGURES: [Figure; 10] = [
    Figure {
        name: "events/s",
        of: |figures| Some(figures.events_per_second),
        text: |figures| format!("{:.1}", figures.events_per_second),
        is_bad: |_| false,
    },
    Figure {
        name: "commit p50",
        of: |figures| figures.commit_p50,
        text: |figures| seconds(figures.commit_p50),
        is_bad: |_| false,
    },
    Figure {
        name: "commit p99",
        of: |figures| figures.commit_p99,
        text: |figures| seconds(figures.commit_p99),
        is_bad: |figures| figures.commit_p99.is_some_and(|seconds| seconds > 0.5),
    },
    Figure {
        name: "queued",
        of: |figures| Some(figures.queued as f64),
        text: |figures| figures.queued.to_string(),
        is_bad: |_| false,
    },
    Figure {
        name: "refused 5min",
        of: |figures| Some(figures.refused as f64),
        text: refused,
        is_bad: |figures| figures.refused > 0,
    },
    Figure {
        name: "quarantined",
        of: |figures| Some(figures.quarantined as f64),
        text: |figures| figures.quarantined.to_string(),
        is_bad: |figures| figures.quarantined > 0,
    },
    Figure {
        name: "dead letters",
        of: |figures| Some(dead(figures) as f64),
        text: |figures| dead(figures).to_string(),
        is_bad: |figures| dead(figures) > 0,
    },
    Figure {
        name: "in the inbox",
        of: |figures| Some(figures.events as f64),
        text: |figures| figures.events.to_string(),
        is_bad: |_| false,
    },
    Figure {
        name: "disk left",
        of: |figures| figures.disk_free.map(|free| free as f64),
        text: |figures| figures.disk_free.map_or_else(none, bytes),
        is_bad: |figures| {
            figures
                .disk_free
                .is_some_and(|free| free < Figures::LOW_DISK)
        },
    },
    Figure {
        name: "certificate",
        of: |_| None,
        text: |figures| certificate_left(figures).map_or_else(none, time_left),
        is_bad: |figures| certificate_left(figures).is_some_and(|left| left < SOON),
    },
];

/// Why no events can be stored, if so.
pub(super) fn not_ready(figures: &Figures) -> Option<String> {
    let reason = figures.not_ready_reason.as_deref()?;
    Some(escape::line(reason).into_owned())
}

/// The columns of the table of consumers.
pub(super) const CONSUMER: [&str; 5] = ["CONSUMER", "PENDING", "OLDEST", "DEAD", ""];

/// The cells of a consumer.
pub(super) fn consumer(consumer: &ConsumerFigures) -> [String; 5] {
    let oldest = consumer.oldest_pending_age_seconds;
    let oldest = oldest.and_then(|age| Duration::try_from_secs_f64(age).ok());
    [
        escape::line(&consumer.name).into_owned(),
        consumer.pending.to_string(),
        oldest.map_or_else(none, short),
        consumer.dead.to_string(),
        if consumer.is_paused { "paused" } else { "" }.to_owned(),
    ]
}

/// Whether somebody should look at a consumer.
pub(super) fn is_behind(consumer: &ConsumerFigures) -> bool {
    let oldest = consumer.oldest_pending_age_seconds;
    consumer.dead > 0 || consumer.is_paused || oldest.is_some_and(|age| age > LONG)
}

fn refused(figures: &Figures) -> String {
    let reasons = figures.refused_by_reason.iter();
    let reasons: Vec<_> = reasons
        .map(|(reason, count)| format!("{} {count}", escape::line(reason)))
        .collect();
    if reasons.is_empty() {
        return figures.refused.to_string();
    }
    format!("{}: {}", figures.refused, reasons.join(", "))
}

fn dead(figures: &Figures) -> u64 {
    figures.consumers.iter().map(|consumer| consumer.dead).sum()
}

fn certificate_left(figures: &Figures) -> Option<TimeDelta> {
    Some(figures.certificate_valid_until? - figures.at)
}

fn time_left(left: TimeDelta) -> String {
    match left.num_days() {
        _ if left < TimeDelta::zero() => "expired".to_owned(),
        0..2 => short(left.to_std().unwrap_or_default()),
        days => format!("{days} days"),
    }
}

fn seconds(seconds: Option<f64>) -> String {
    match seconds {
        None => none(),
        Some(seconds) if seconds < 1.0 => format!("{:.1} ms", seconds * 1000.0),
        Some(seconds) => format!("{seconds:.1} s"),
    }
}

/// A time in the two largest of its units.
fn short(time: Duration) -> String {
    let text = humantime::format_duration(Duration::from_secs(time.as_secs())).to_string();
    let units: Vec<_> = text.split(' ').take(2).collect();
    units.join(" ")
}

fn bytes(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}

fn none() -> String {
    "-".to_owned()
}
