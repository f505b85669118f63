//! What went wrong, by cause.

use std::sync::Arc;

use aifi_push_inbox::{Cause, EventAbout, EventFilter, EventState, Problem, StoredEvent};
use axum::{extract::State, response::Html};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        AdminState,
        access::Visitor,
        error::PageError,
        escape::{Shown, plain},
        format,
        layout::{Page, form_token},
        reading::without_body,
        table::{self, Table},
        within,
    },
    act::{self, Notice},
};
use crate::admin::input::Query;

/// How many events of each state are looked at, the newest first.
const LOOKED_AT: usize = 5000;

/// How many events of a cause are listed.
const LISTED: usize = 100;

const CAUSES: [&str; 6] = ["Cause", "State", "Consumer", "Events", "Newest", "Actions"];

const EVENTS: [&str; 6] = ["Arrived", "Kind", "Store", "Session", "Problem", "Actions"];

/// A cause in forms and in URLs.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct CauseFields {
    consumer: String,
    cause: String,
}

impl CauseFields {
    fn of(cause: &Cause) -> Self {
        let consumer = cause.consumer.as_ref();
        Self {
            consumer: consumer.map(ToString::to_string).unwrap_or_default(),
            cause: cause.text.clone(),
        }
    }

    pub(super) fn parse(self) -> Result<Cause, PageError> {
        let consumer = match &*self.consumer {
            "" => None,
            name => Some(name.parse().map_err(|_| {
                PageError::Invalid("consumer: there is none of this name.".to_owned())
            })?),
        };
        Ok(Cause::new(consumer, &self.cause))
    }
}

/// Why an event has a cause, in full, if it does.
fn problem_of<'a>(stored: &'a StoredEvent, cause: &Cause) -> Option<&'a str> {
    let problem = match &cause.consumer {
        None => stored.problem.as_deref()?,
        Some(consumer) => {
            let mut deliveries = stored.deliveries.iter().filter(|delivery| delivery.is_dead);
            let delivery = deliveries.find(|delivery| delivery.consumer == consumer.as_str())?;
            delivery.problem.as_deref().unwrap_or_default()
        }
    };
    (Cause::normalize(problem) == cause.text).then_some(problem)
}

fn state_of(cause: &Cause) -> EventState {
    match cause.consumer {
        None => EventState::Quarantined,
        Some(_) => EventState::Dead,
    }
}

/// What is shown in detail.
#[derive(Deserialize)]
pub(super) struct Selection {
    cause: Option<String>,
    #[serde(default)]
    consumer: String,
}

pub(super) async fn page(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Query(Selection { cause, consumer }): Query<Selection>,
    Query(notice): Query<Notice>,
) -> Result<Html<String>, PageError> {
    let content = match cause {
        Some(_) if !visitor.may_act() => return Err(PageError::OperatorsOnly),
        None => {
            let problems = within(state.inbox().problems(LOOKED_AT)).await?;
            overview(&visitor, &problems)
        }
        Some(cause) => {
            let cause = CauseFields { consumer, cause }.parse()?;
            let events = events(&state, &cause).await?;
            one_cause(&visitor, &cause, &events)
        }
    };
    Ok(Page {
        visitor: &visitor,
        title: "Problems",
        nav: "problems",
        live: None,
        notice: notice.text(),
    }
    .render(&content))
}

fn overview(visitor: &Visitor, problems: &[Problem]) -> Markup {
    let rows = problems.iter().map(|problem| {
        let cause = &problem.cause;
        let query = serde_urlencoded::to_string(CauseFields::of(cause)).unwrap_or_default();
        let consumer = cause.consumer.as_ref();
        let cells = [
            html! {
                @if visitor.may_act() { a href=(format!("problems?{query}")) { (title(cause)) } }
                @else { (title(cause)) }
            },
            format::state(state_of(cause)),
            consumer.map_or_else(format::dash, |consumer| html! { (consumer) }),
            html! { (format::count(problem.count)) },
            html! { (format::time(problem.latest)) },
            actions(visitor, cause, "Discard"),
        ];
        table::row(&CAUSES, &cells)
    });
    html! {
        p.hint { "Quarantined events, whose body failed to decode, and dead letters, which a consumer gave \
            up. When the cause is fixed, requeue them. The newest " (format::count(LOOKED_AT as u64))
            " of each are counted; an action is for all events of a cause. To discard dead letters is to give \
            them up for their consumer: the events stay for others." }
        (Table {
            id: "causes",
            caption: "Causes, those of most events first",
            columns: &CAUSES,
            empty: "Nothing is quarantined, and there is no dead letter.",
        }
        .render(&rows.collect::<Vec<_>>()))
    }
}

/// The newest events of a cause.
async fn events(
    state: &AdminState,
    cause: &Cause,
) -> Result<Vec<(StoredEvent, EventAbout)>, PageError> {
    let mut filter = EventFilter {
        state: Some(state_of(cause)),
        without_bodies: true,
        ..EventFilter::default()
    };
    let mut events = within(state.inbox().list_newest(&filter, None, LOOKED_AT)).await?;
    events.retain(|stored| problem_of(stored, cause).is_some());
    events.truncate(LISTED);
    // Store and session are in the body.
    filter = EventFilter::default();
    let mut read = Vec::with_capacity(events.len());
    for stored in events {
        filter.id = Some(stored.event.id);
        let found = within(state.inbox().list(&filter, None, 1)).await?.pop();
        read.push(without_body(found.unwrap_or(stored)));
    }
    Ok(read)
}

fn one_cause(visitor: &Visitor, cause: &Cause, events: &[(StoredEvent, EventAbout)]) -> Markup {
    let rows = events.iter().map(|(stored, about)| {
        let event = &stored.event;
        let session = about.session.as_deref();
        let problem = problem_of(stored, cause).unwrap_or_default();
        let cells = [
            html! { a href=(format!("event?id={}", event.id)) { (format::time(event.received_at)) } },
            html! { (Shown(format::kind(&event.operation))) },
            format::store(about.store.as_ref()),
            session.map_or_else(format::dash, |session| format::session(session, event.id)),
            html! { (Shown(problem)) },
            one_by_one(visitor, stored),
        ];
        table::row(&EVENTS, &cells)
    });
    html! {
        p { a href="problems" { "All problems" } }
        h2 #cause-heading { (title(cause)) }
        p {
            (format::state(state_of(cause)))
            @if let Some(consumer) = &cause.consumer { ", consumer " (consumer) }
        }
        @if !events.is_empty() { (actions(visitor, cause, "Discard all")) }
        @if events.len() == LISTED { p.hint { "The newest " (LISTED) " are listed." } }
        (Table {
            id: "cause-events",
            caption: "Events of this cause, newest first",
            columns: &EVENTS,
            empty: "There is no event of this cause any more.",
        }
        .render(&rows.collect::<Vec<_>>()))
    }
}

fn title(cause: &Cause) -> Markup {
    html! {
        @if cause.text.is_empty() { "The last attempt reported no outcome" }
        @else { (Shown(&cause.text)) }
    }
}

fn actions(visitor: &Visitor, cause: &Cause, discard: &str) -> Markup {
    let CauseFields {
        consumer,
        cause: text,
    } = CauseFields::of(cause);
    let hidden = html! {
        input type="hidden" name="consumer" value=(consumer);
        input type="hidden" name="cause" value=(text);
    };
    let button = match cause.consumer {
        Some(_) => "Give up for this consumer",
        None => act::FOR_EVER,
    };
    html! {
        @if visitor.may_act() {
            div.row-actions {
                form method="post" action="requeue-cause" {
                    (form_token(visitor))
                    (hidden)
                    button type="submit" aria-label=(format!("Requeue all: {}", plain(&text))) {
                        "Requeue all"
                    }
                }
                (act::discard_form(visitor, "discard-cause", discard, button, &hidden))
            }
        }
    }
}

fn one_by_one(visitor: &Visitor, stored: &StoredEvent) -> Markup {
    let id = stored.event.id;
    let hidden = html! { input type="hidden" name="id" value=(id); };
    html! {
        @if visitor.may_act() {
            div.row-actions {
                form method="post" action="requeue" {
                    (form_token(visitor))
                    (hidden)
                    button type="submit" aria-label=(format!("Requeue event {id}")) { "Requeue" }
                }
                (act::discard_form(visitor, "discard", "Discard", act::FOR_EVER, &hidden))
            }
        }
    }
}
