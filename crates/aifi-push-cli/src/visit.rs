//! A visit as a person and as a program reads it.

use std::{fmt, time::Duration};

use aifi_push_receiver::inbox::{EventState, Visit, VisitEvent, VisitOrder, VisitStore, VisitZone};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{escape, kind};

/// For programs.
pub(crate) fn json(visit: &Visit) -> Value {
    let stores: Vec<_> = visit.stores.iter().map(json_store).collect();
    let zones: Vec<_> = visit.zones.iter().map(json_zone).collect();
    let orders: Vec<_> = visit.orders.iter().map(json_order).collect();
    let events: Vec<_> = visit.events.iter().map(json_event).collect();
    json!({
        "session": visit.session,
        "stores": stores,
        "customer": {
            "id": visit.customer_id,
            "external_id": visit.customer_external_id,
        },
        "entered_at": visit.entered_at,
        "exited_at": visit.exited_at,
        "stay_seconds": visit.stay().map(|stay| stay.as_secs()),
        "people_entered": visit.people_entered,
        "people_left": visit.people_left,
        "zones": zones,
        "orders": orders,
        "fraud_suspected": visit.is_fraud_suspected,
        "events": events,
    })
}

pub(crate) fn json_store(store: &VisitStore) -> Value {
    json!({
        "id": store.id,
        "external_id": store.external_id,
        "unique_id": store.unique_id,
    })
}

fn json_zone(zone: &VisitZone) -> Value {
    json!({
        "zone": zone.zone,
        "entered_at": zone.entered_at,
        "left_at": zone.left_at,
    })
}

fn json_order(order: &VisitOrder) -> Value {
    json!({
        "id": order.id,
        "status": order.status,
        "total_price": order.total_price,
        "total_tax": order.total_tax,
        "subtotal_price": order.subtotal_price,
    })
}

fn json_event(event: &VisitEvent) -> Value {
    json!({
        "id": event.id,
        "kind": kind::of_operation(&event.operation),
        "time": event.time,
        "state": event.state.as_str(),
        "zone": event.zone,
        "order": event.order.as_ref().map(json_order),
    })
}

/// For people: who was where from when to when, and what happened, line by line.
pub(crate) struct Story<'a>(pub(crate) &'a Visit);

impl fmt::Display for Story<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let visit = self.0;
        for (name, value) in facts(visit) {
            writeln!(f, "  {name:<9} {}", escape::line(&value))?;
        }
        writeln!(f)?;
        for event in &visit.events {
            let time = event.time.format("%F %T");
            let kind = kind::of_operation(&event.operation);
            let line = format!("{time}  {kind:<21}  {}", about(event));
            writeln!(f, "  {}", escape::line(line.trim_end()))?;
        }
        Ok(())
    }
}

/// What is known of a visit, each with its name.
fn facts(visit: &Visit) -> Vec<(&'static str, String)> {
    let mut facts = vec![("session", visit.session.clone())];
    if let Some(customer) = customer(visit) {
        facts.push(("customer", customer));
    }
    facts.extend(visit.stores.iter().map(|store| ("store", name_both(store))));
    let times = [("entered", visit.entered_at), ("left", visit.exited_at)];
    facts.extend(times.into_iter().filter_map(|(name, time)| {
        let time = time?.format("%F %T UTC");
        Some((name, time.to_string()))
    }));
    if let Some(stay) = visit.stay() {
        facts.push(("stay", seconds(stay)));
    }
    let (entered, left) = (visit.people_entered, visit.people_left);
    if entered + left > 0 {
        facts.push(("people", format!("{entered} entered, {left} left")));
    }
    facts.extend(visit.zones.iter().map(|stay| ("zone", zone(stay))));
    facts.extend(visit.orders.iter().map(|it| ("order", order(it))));
    if visit.is_fraud_suspected {
        facts.push(("fraud", "suspected".to_owned()));
    }
    facts
}

fn customer(visit: &Visit) -> Option<String> {
    match (&visit.customer_external_id, &visit.customer_id) {
        (Some(external), Some(id)) => Some(format!("{external} (AiFi's id: {id})")),
        (external, id) => external.clone().or_else(|| id.clone()),
    }
}

fn name_both(store: &VisitStore) -> String {
    match (store.id, &store.external_id) {
        (Some(id), Some(external)) => format!("{id} (retailer's id: {external})"),
        _ => store_name(store),
    }
}

/// The shortest name of a store that is known.
pub(crate) fn store_name(store: &VisitStore) -> String {
    let text = store.external_id.as_ref().or(store.unique_id.as_ref());
    let id = store.id.map(|id| id.to_string());
    id.or_else(|| text.cloned()).unwrap_or_default()
}

fn zone(stay: &VisitZone) -> String {
    let time = |time: Option<DateTime<Utc>>| match time {
        Some(time) => time.format("%T").to_string(),
        None => "?".to_owned(),
    };
    let (from, to) = (time(stay.entered_at), time(stay.left_at));
    let length = stay.left_at.zip(stay.entered_at);
    let length = length.and_then(|(left, entered)| (left - entered).to_std().ok());
    let length = length.map_or_else(String::new, |length| format!(" ({})", seconds(length)));
    format!("{}, {from} to {to}{length}", stay.zone)
}

fn order(order: &VisitOrder) -> String {
    let mut text = order_line(order);
    let parts = [
        ("tax", &order.total_tax),
        ("subtotal", &order.subtotal_price),
    ];
    let parts = parts.into_iter().filter_map(|(name, price)| {
        let price = price.as_ref()?;
        Some(format!("{name} {price}"))
    });
    let parts: Vec<_> = parts.collect();
    if !parts.is_empty() {
        text += &format!(" ({})", parts.join(", "));
    }
    text
}

fn order_line(order: &VisitOrder) -> String {
    let mut text = order.id.to_string();
    if let Some(status) = &order.status {
        text += &format!(" {status}");
    }
    if let Some(total) = &order.total_price {
        text += &format!(", total {total}");
    }
    text
}

/// What an event is about, beside its visit.
fn about(event: &VisitEvent) -> String {
    let zone = event.zone.as_ref().map(|zone| format!("zone {zone}"));
    let order = event.order.as_ref();
    let order = order.map(|order| format!("order {}", order_line(order)));
    let is_odd = matches!(event.state, EventState::Quarantined | EventState::Dead);
    let state = is_odd.then(|| event.state.to_string());
    let parts: Vec<_> = [zone, order, state].into_iter().flatten().collect();
    parts.join(", ")
}

/// A length of time in whole seconds.
pub(crate) fn seconds(length: Duration) -> String {
    humantime::format_duration(Duration::from_secs(length.as_secs())).to_string()
}

/// The same in minutes, if it is hours.
pub(crate) fn about_as_long(length: Duration) -> String {
    let is_long = length >= Duration::from_secs(3600);
    let unit = if is_long { 60 } else { 1 };
    seconds(Duration::from_secs(length.as_secs() / unit * unit))
}
