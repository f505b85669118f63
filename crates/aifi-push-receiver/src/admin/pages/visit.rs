//! The story of one session.

use std::sync::Arc;

use aifi_push_inbox::{
    EventAbout, EventFilter, Subject, SubjectKind, Visit, VisitEvent, VisitReader,
};
use axum::{extract::State, response::Html};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    super::{
        AdminState,
        access::Visitor,
        error::PageError,
        escape::Shown,
        format,
        layout::Page,
        table::{self, Table},
        within,
    },
    event::find,
};
use crate::admin::input::Query;

/// How many events of one session are read.
const MAX_EVENTS: usize = 2000;

const COLUMNS: [&str; 5] = ["Time", "Kind", "Zone", "Order", "State"];

/// The session, or an event of it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Session {
    session: String,
    event: String,
}

pub(super) async fn page(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Query(Session { mut session, event }): Query<Session>,
) -> Result<Html<String>, PageError> {
    if !event.is_empty() {
        let stored = find(&state, &event).await?;
        let of_event = EventAbout::of(&stored.event).session;
        session = of_event
            .ok_or_else(|| PageError::Invalid("event: its body names no session.".to_owned()))?;
    }
    let session = session.trim();
    let visit = read(&state, session).await?;
    let content = match &visit {
        Some(visit) => story(visit),
        None => html! { p.empty { "There is no event of the session " (Shown(session)) "." } },
    };
    Ok(Page {
        visitor: &visitor,
        title: "Visit",
        nav: "visits",
        live: None,
        notice: None,
    }
    .render(&content))
}

async fn read(state: &AdminState, session: &str) -> Result<Option<Visit>, PageError> {
    let filter = EventFilter {
        subjects: vec![Subject::new(SubjectKind::Session, session)],
        ..EventFilter::default()
    };
    let mut visits = VisitReader::new(&**state.inbox(), filter).max_events(MAX_EVENTS);
    // A session may have several names, of which the visit has one.
    let mut other = None;
    while let Some(visit) = within(visits.next()).await? {
        if visit.session == session {
            return Ok(Some(visit));
        }
        other.get_or_insert(visit);
    }
    Ok(other)
}

fn story(visit: &Visit) -> Markup {
    let rows: Vec<_> = visit.events.iter().map(row).collect();
    html! {
        dl.facts #visit-facts {
            div { dt { "Session" } dd.id { (Shown(&visit.session)) } }
            @for store in &visit.stores {
                div { dt { "Store" } dd { (format::store(Some(store))) } }
            }
            div { dt { "Entered" } dd { (format::time_or_dash(visit.entered_at)) } }
            div { dt { "Left" } dd { (format::time_or_dash(visit.exited_at)) } }
            @if let Some(stay) = visit.stay() {
                div { dt { "Stay" } dd { (format::duration(stay)) } }
            }
            div { dt { "People" } dd {
                (visit.people_entered) " entered, " (visit.people_left) " left"
            } }
            @if visit.is_fraud_suspected {
                div { dt { "Fraud" } dd.problem { "suspected" } }
            }
            @for zone in &visit.zones {
                div { dt { "Zone " (Shown(&zone.zone)) } dd {
                    (format::time_or_dash(zone.entered_at)) " to " (format::time_or_dash(zone.left_at))
                    @if let (Some(from), Some(to)) = (zone.entered_at, zone.left_at) {
                        " (" (format::delta(Some(to - from))) ")"
                    }
                } }
            }
            @for order in &visit.orders {
                div { dt { "Order " (order.id) } dd {
                    (Shown(order.status.as_deref().unwrap_or("no status")))
                    @if let Some(total) = &order.total_price { ", total " (Shown(total)) }
                    @if let Some(tax) = &order.total_tax { ", tax " (Shown(tax)) }
                } }
            }
        }
        section aria-labelledby="events-heading" {
            h2 #events-heading { "Events" }
            (Table {
                id: "visit-events",
                caption: "Events of the session, in the order of time",
                columns: &COLUMNS,
                empty: "",
            }
            .render(&rows))
        }
    }
}

fn row(event: &VisitEvent) -> Markup {
    let zone = event.zone.as_deref();
    let cells = [
        html! { a href=(format!("event?id={}", event.id)) { (format::time(event.time)) } },
        html! { (Shown(format::kind(&event.operation))) },
        zone.map_or_else(format::dash, |zone| html! { (Shown(zone)) }),
        match &event.order {
            None => format::dash(),
            Some(order) => html! {
                (order.id)
                @if let Some(status) = &order.status { " " (Shown(status)) }
                @if let Some(total) = &order.total_price { ", " (Shown(total)) }
            },
        },
        format::state(event.state),
    ];
    table::row(&COLUMNS, &cells)
}
