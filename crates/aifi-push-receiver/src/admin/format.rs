//! Times, sizes and names as people read them.

use std::time::Duration;

use aifi_push::operations;
use aifi_push_inbox::{EventState, VisitStore};
use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, Utc};
use maud::{Markup, html};
use uuid::Uuid;

use super::escape::{Shown, plain};

/// A time, exact for programs.
pub(super) fn time(time: DateTime<Utc>) -> Markup {
    html! {
        time datetime=(time.to_rfc3339_opts(SecondsFormat::AutoSi, true)) {
            (time.format("%F %T").to_string())
        }
    }
}

pub(super) fn time_or_dash(of: Option<DateTime<Utc>>) -> Markup {
    of.map_or_else(dash, time)
}

pub(super) fn dash() -> Markup {
    html! { span.muted.nothing { "–" } }
}

/// How long ago something was.
pub(super) fn ago(time: DateTime<Utc>) -> String {
    let passed = (Utc::now() - time).to_std().unwrap_or_default();
    format!("{} ago", duration(passed))
}

/// A length of time in its two largest units.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// A time that took a fraction of a second.
pub(super) fn short_duration(seconds: Option<f64>) -> String {
    match seconds {
        None => "–".to_owned(),
        Some(seconds) if seconds < 1.0 => format!("{:.1} ms", seconds * 1000.0),
        Some(seconds) => format!("{seconds:.2} s"),
    }
}

pub(super) fn bytes(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    // Exact enough to be read.
    #[allow(clippy::cast_precision_loss)]
    let mut size = bytes as f64;
    let mut unit = "B";
    for larger in units {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    if unit == "B" {
        format!("{bytes} B")
    } else {
        format!("{size:.1} {unit}")
    }
}

/// A count with its digits in groups.
pub(super) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count of things: one has another form than many.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    let what = if number == 1 { one } else { many };
    format!("{} {what}", count(number))
}

/// What a person calls the kind of the events of an operation, by its id.
pub(super) fn kind(operation: &str) -> &str {
    let mut operations = operations::ALL.iter();
    operations
        .find(|known| known.id == operation)
        .map_or(operation, |known| known.kind)
}

pub(super) fn state(state: EventState) -> Markup {
    html! { span.{ "state state-" (state.as_str()) } { (state.as_str()) } }
}

/// The shortest name of a store that is known.
pub(super) fn store_name(store: &VisitStore) -> String {
    let text = store.external_id.as_ref().or(store.unique_id.as_ref());
    let id = store.id.map(|id| id.to_string());
    id.or_else(|| text.cloned()).unwrap_or_default()
}

/// A store with the retailer's id of it, as a link to its events.
pub(super) fn store(store: Option<&VisitStore>) -> Markup {
    store.map_or_else(dash, |store| named_store(store, true))
}

/// The same, with the link for those who may see events.
pub(super) fn named_store(store: &VisitStore, is_link: bool) -> Markup {
    let name = store_name(store);
    html! {
        @if is_link { a href=(format!("events?store={}", query(&name))) { (Shown(&name)) } }
        @else { (Shown(&name)) }
        @if let (Some(_), Some(external)) = (store.id, &store.external_id) {
            " " span.muted { (Shown(external)) }
        }
    }
}

/// The beginning of a session's id, as a link to the visit. That names an event of it: logs of proxies
/// have URLs, and whoever knows the id of a session can look up the visit at the platform.
pub(super) fn session(session: &str, event: Uuid) -> Markup {
    let short: String = session.chars().take(8).collect();
    html! {
        a.id href=(format!("visit?event={event}")) title=(plain(session)) { (Shown(&short)) }
    }
}

/// A value of a query.
pub(super) fn query(value: &str) -> String {
    percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Reads a time of a form, in UTC: `2026-11-24T10:00`, with or without seconds, a date, or RFC 3339.
pub(super) fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let of_day = |day: NaiveDate| day.and_hms_opt(0, 0, 0);
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let mut times = formats
        .iter()
        .filter_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let time = times
        .next()
        .or_else(|| of_day(NaiveDate::parse_from_str(text, "%F").ok()?));
    match time {
        Some(time) => Some(time.and_utc()),
        None => Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc()),
    }
}

/// How long something lasted, or a dash.
pub(super) fn delta(delta: Option<TimeDelta>) -> Markup {
    match delta.and_then(|delta| delta.to_std().ok()) {
        Some(length) => html! { (duration(length)) },
        None => dash(),
    }
}
