//! One event: what is known of it, its deliveries, and its body for those who ask.

mod indent;

use std::sync::Arc;

use aifi_push_inbox::{
    AdminError, DeliveryStatus, EventAbout, EventFilter, EventState, StoredEvent,
};
use axum::{extract::State, response::Html};
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    super::{
        AdminState,
        access::Visitor,
        audit::Action,
        error::PageError,
        escape::{Lines, Shown},
        format,
        layout::{Page, form_token},
        table::{self, Table},
        within,
    },
    act::{self, Notice},
};
use crate::admin::input::{Form, Query};

const DELIVERIES: [&str; 4] = ["Consumer", "Attempts", "State", "Last problem"];

/// An event by its id.
#[derive(Deserialize)]
pub(super) struct Id {
    id: String,
}

pub(super) async fn page(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Query(Id { id }): Query<Id>,
    Query(notice): Query<Notice>,
) -> Result<Html<String>, PageError> {
    let stored = find(&state, &id).await?;
    Ok(render(&visitor, &stored, notice.text(), None))
}

/// Shows the body once. Who asked is recorded before, or it is not shown.
pub(super) async fn show_body(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Form(Id { id }): Form<Id>,
) -> Result<Html<String>, PageError> {
    let stored = find(&state, &id).await?;
    let show = Action::new("show body", stored.event.id.to_string());
    let nothing = std::future::ready((1, Ok::<_, PageError>(())));
    show.perform(&state, &visitor, nothing).await?;
    let body = String::from_utf8_lossy(&stored.event.body);
    Ok(render(&visitor, &stored, None, Some(&body)))
}

/// Returns the id of an event in a form or in a URL.
pub(super) fn parse_id(id: &str) -> Result<Uuid, PageError> {
    let reason = "id: expected the id of an event.";
    id.parse()
        .map_err(|_| PageError::Invalid(reason.to_owned()))
}

/// Returns an event by its id in a form or in a URL.
pub(super) async fn find(state: &AdminState, id: &str) -> Result<StoredEvent, PageError> {
    let id = parse_id(id)?;
    let filter = EventFilter {
        id: Some(id),
        ..EventFilter::default()
    };
    let found = within(state.inbox().list(&filter, None, 1)).await?.pop();
    Ok(found.ok_or(AdminError::NoSuchEvent { id })?)
}

fn render(
    visitor: &Visitor,
    stored: &StoredEvent,
    notice: Option<String>,
    body: Option<&str>,
) -> Html<String> {
    let content = html! {
        (facts(stored))
        section aria-labelledby="deliveries-heading" {
            h2 #deliveries-heading { "Deliveries" }
            (deliveries(stored))
        }
        section aria-labelledby="body-heading" {
            h2 #body-heading { "Body" }
            (body_part(visitor, stored, body))
        }
        @if visitor.may_act() {
            (actions(visitor, stored))
        }
    };
    Page {
        visitor,
        title: "Event",
        nav: "events",
        live: None,
        notice,
    }
    .render(&content)
}

fn facts(stored: &StoredEvent) -> Markup {
    let event = &stored.event;
    let about = EventAbout::of(event);
    html! {
        dl.facts #event-facts {
            div { dt { "Id" } dd.id { (event.id) } }
            div { dt { "Arrived" } dd { (format::time(event.received_at)) } }
            div { dt { "Kind" } dd { (Shown(format::kind(&event.operation))) } }
            div { dt { "State" } dd #event-state { (format::state(stored.state)) } }
            div { dt { "Store" } dd { (format::store(about.store.as_ref())) } }
            div { dt { "Session" } dd {
                @match about.session.as_deref() {
                    Some(session) => (format::session(session, event.id)),
                    None => (format::dash()),
                }
            } }
            div { dt { "Size" } dd { (format::bytes(event.body.len() as u64)) } }
            div { dt { "SHA-256" } dd.id { (event.digest) } }
            @for (name, value) in &event.headers {
                div { dt { "Header " (Shown(name)) } dd { (Shown(value)) } }
            }
            @if let Some(problem) = &stored.problem {
                div { dt { "Problem" } dd.problem { (Shown(problem)) } }
            }
        }
    }
}

fn deliveries(stored: &StoredEvent) -> Markup {
    let state = |delivery: &DeliveryStatus| {
        let (class, name) = if delivery.is_dead {
            ("state state-dead", "dead")
        } else {
            ("state state-pending", "to be acknowledged")
        };
        html! { span class=(class) { (name) } }
    };
    let rows = stored.deliveries.iter().map(|delivery| {
        let problem = delivery.problem.as_deref();
        let cells = [
            html! { (Shown(&delivery.consumer)) },
            html! { (delivery.attempts) },
            state(delivery),
            problem.map_or_else(format::dash, |problem| html! { (Shown(problem)) }),
        ];
        table::row(&DELIVERIES, &cells)
    });
    Table {
        id: "deliveries",
        caption: "Consumers that have yet to acknowledge a delivery",
        columns: &DELIVERIES,
        empty: match stored.state {
            EventState::Quarantined => "It is delivered to nobody while it is quarantined.",
            EventState::Done => "Every consumer acknowledged it.",
            _ => "It was delivered to nobody yet.",
        },
    }
    .render(&rows.collect::<Vec<_>>())
}

fn body_part(visitor: &Visitor, stored: &StoredEvent, body: Option<&str>) -> Markup {
    html! {
        @match body {
            Some(body) => {
                p.hint {
                    "That you saw it is in the audit."
                    @if body.contains(char::REPLACEMENT_CHARACTER) {
                        " Bytes that are not UTF-8 are shown as " (char::REPLACEMENT_CHARACTER) "."
                    }
                }
                pre.body #event-body tabindex="0" aria-label="Body" { (Lines(&indent::indented(body))) }
            }
            None => {
                p #event-masked { "It may contain personal data, so it is not shown." }
                @if visitor.may_act() {
                    form method="post" action="show-body" {
                        (form_token(visitor))
                        input type="hidden" name="id" value=(stored.event.id);
                        button #show-body type="submit" { "Show body" }
                        span.hint { " The audit will say that you did." }
                    }
                }
            }
        }
    }
}

fn actions(visitor: &Visitor, stored: &StoredEvent) -> Markup {
    let can_requeue = matches!(stored.state, EventState::Quarantined | EventState::Dead);
    html! {
        section aria-labelledby="actions-heading" {
            h2 #actions-heading { "Actions" }
            @if can_requeue {
                form #requeue-form method="post" action="requeue" {
                    (form_token(visitor))
                    input type="hidden" name="id" value=(stored.event.id);
                    button #requeue type="submit" { "Requeue" }
                    span.hint {
                        @if stored.state == EventState::Dead { " Its attempts are counted anew." }
                        @else { " It stays quarantined if its body still fails to decode." }
                    }
                }
            }
            (act::discard_form(visitor, "discard", "Discard this event", act::FOR_EVER, &html! {
                input type="hidden" name="id" value=(stored.event.id);
            }))
        }
    }
}
