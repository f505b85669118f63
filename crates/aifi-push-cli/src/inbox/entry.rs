//! An event of the inbox as it is shown: what the receiver knows about it, and nothing of its body.

use aifi_push_receiver::inbox::{DeliveryStatus, EventState, StoredEvent};
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::SecondsFormat;
use console::Color;
use serde::Serialize;
use serde_json::{Value, json};

use super::select::store;
use crate::{
    kind,
    listing::{Cell, Column, Listing},
};

/// For programs.
pub(super) fn json(entry: &StoredEvent) -> impl Serialize + use<> {
    let event = &entry.event;
    let deliveries: Vec<_> = entry.deliveries.iter().map(delivery).collect();
    json!({
        "id": event.id,
        "received_at": event.received_at,
        "kind": kind::name(event),
        "store": store(entry),
        "state": entry.state.as_str(),
        "bytes": event.body.len(),
        "sha256": event.digest.to_string(),
        "headers": event.headers,
        "problem": entry.problem,
        "deliveries": deliveries,
    })
}

fn delivery(delivery: &DeliveryStatus) -> Value {
    json!({
        "consumer": delivery.consumer,
        "attempts": delivery.attempts,
        "dead": delivery.is_dead,
        "problem": delivery.problem,
    })
}

/// A list for people.
pub(super) fn listing<'a>(entries: impl IntoIterator<Item = &'a StoredEvent>) -> Listing<7> {
    let mut listing = Listing::new([
        Column::long("ID"),
        Column::short("ARRIVED"),
        Column::short("KIND"),
        Column::short("STORE"),
        Column::short("STATE"),
        Column::short("BYTES"),
        Column::long("PROBLEM"),
    ]);
    for entry in entries {
        let [id, arrived, kind, store, state, bytes, problem] = row(entry).map(Cell::new);
        let state = state.color(color(entry.state));
        listing.add([id, arrived, kind, store, state, bytes, problem]);
    }
    listing
}

fn color(state: EventState) -> Color {
    match state {
        EventState::Quarantined => Color::Yellow,
        EventState::Dead => Color::Red,
        EventState::Done => Color::Green,
        _ => Color::Cyan,
    }
}

pub(super) fn row(entry: &StoredEvent) -> [String; 7] {
    let event = &entry.event;
    [
        event.id.to_string(),
        event
            .received_at
            .to_rfc3339_opts(SecondsFormat::Millis, true),
        kind::name(event).to_owned(),
        store(entry).map_or_else(|| "-".to_owned(), |store| store.to_string()),
        entry.state.to_string(),
        event.body.len().to_string(),
        problem(entry),
    ]
}

/// The body, under the name that says in which form it is.
pub(super) fn json_body(body: &[u8]) -> (&'static str, String) {
    match str::from_utf8(body) {
        Ok(text) => ("body", text.to_owned()),
        Err(_) => ("body_base64", BASE64_STANDARD.encode(body)),
    }
}

/// What is wrong with it, in one line.
pub(super) fn problem(entry: &StoredEvent) -> String {
    let deliveries = entry.deliveries.iter().filter_map(|delivery| {
        let problem = delivery.problem.as_deref()?;
        let (consumer, attempts) = (&delivery.consumer, delivery.attempts);
        Some(format!("{consumer}, attempt {attempts}: {problem}"))
    });
    let problems: Vec<_> = entry
        .problem
        .clone()
        .into_iter()
        .chain(deliveries)
        .collect();
    problems.join("; ")
}
