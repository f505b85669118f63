//! The events, newest first.

use std::sync::Arc;

use aifi_push::{Operation, operations};
use aifi_push_inbox::{
    EventAbout, EventFilter, EventState, Position, StoredEvent, Subject, SubjectKind,
};
use axum::{extract::State, response::Html};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::super::{
    AdminState,
    access::Visitor,
    error::PageError,
    escape::{Shown, plain},
    format,
    layout::Page,
    live::Change,
    reading,
    table::{self, Table},
    tail::Arrival,
};
use crate::admin::input::Query;

/// How many events are on a page.
const PAGE: usize = 50;

const COLUMNS: [&str; 6] = ["Arrived", "Kind", "Store", "Session", "State", "Problem"];

/// Which events are shown. What is empty selects all.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(in super::super) struct Selection {
    kind: String,
    state: String,
    store: String,
    session: String,
    since: String,
    until: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    before: String,
}

impl Selection {
    fn filter(&self) -> Result<EventFilter, PageError> {
        let time = |name: &str, text: &str| match text {
            "" => Ok(None),
            text => format::parse_time(text).map(Some).ok_or_else(|| {
                invalid(
                    name,
                    text,
                    "expected a time in UTC such as 2026-11-24T10:00",
                )
            }),
        };
        let subject = |kind, value: &str| (!value.is_empty()).then(|| Subject::new(kind, value));
        let subjects = [
            subject(SubjectKind::Store, self.store.trim()),
            subject(SubjectKind::Session, self.session.trim()),
        ];
        Ok(EventFilter {
            since: time("since", &self.since)?,
            until: time("until", &self.until)?,
            operation: self.operation()?.map(|operation| operation.id.to_owned()),
            state: self.state()?,
            subjects: subjects.into_iter().flatten().collect(),
            ..EventFilter::default()
        })
    }

    fn operation(&self) -> Result<Option<&'static Operation>, PageError> {
        match &*self.kind {
            "" => Ok(None),
            kind => {
                let operation = Operation::find(kind);
                let reason = "expected a kind of event such as left";
                Ok(Some(
                    operation.ok_or_else(|| invalid("kind", kind, reason))?,
                ))
            }
        }
    }

    fn state(&self) -> Result<Option<EventState>, PageError> {
        match &*self.state {
            "" => Ok(None),
            text => {
                let mut all = EventState::ALL.into_iter();
                let state = all.find(|state| state.as_str() == text);
                let reason = "expected quarantined, dead, pending or done";
                Ok(Some(state.ok_or_else(|| invalid("state", text, reason))?))
            }
        }
    }

    fn before(&self) -> Result<Option<Position>, PageError> {
        match &*self.before {
            "" => Ok(None),
            text => {
                let number = text.parse();
                let number = number.map_err(|_| invalid("before", text, "expected a position"))?;
                Ok(Some(Position::new(number)))
            }
        }
    }

    /// Whether an event that arrives is shown.
    fn selects(&self, Arrival { stored, about }: &Arrival) -> bool {
        let Ok(filter) = self.filter() else {
            return false;
        };
        let (store, session) = (self.store.trim(), self.session.trim());
        let is_of_store = about.store.as_ref().is_some_and(|known| known.is(store));
        let is_of_session = about.session.as_deref() == Some(session);
        (store.is_empty() || is_of_store)
            && (session.is_empty() || is_of_session)
            && EventFilter {
                subjects: Vec::new(),
                ..filter
            }
            .selects(&stored.event, stored.state)
    }

    fn query(&self) -> String {
        serde_urlencoded::to_string(self).unwrap_or_default()
    }
}

fn invalid(name: &str, value: &str, reason: &str) -> PageError {
    PageError::Invalid(format!(
        "{name}: invalid value {:?}: {reason}.",
        plain(value)
    ))
}

pub(super) async fn page(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Query(selection): Query<Selection>,
) -> Result<Html<String>, PageError> {
    let Listing { content, newest } = listing(&state, &selection).await?;
    let content = html! {
        (filters(&selection))
        p.visually-hidden #events-status role="status" aria-live="polite" {}
        div #events-live { (content) }
    };
    // Older pages stay as they are.
    let newest = newest.map_or(0, Position::get);
    let live = selection
        .before
        .is_empty()
        .then(|| format!("live?page=events&after={newest}&{}", selection.query()));
    Ok(Page {
        visitor: &visitor,
        title: "Events",
        nav: "events",
        live,
        notice: None,
    }
    .render(&content))
}

/// A page of events.
struct Listing {
    content: Markup,
    newest: Option<Position>,
}

async fn listing(state: &AdminState, selection: &Selection) -> Result<Listing, PageError> {
    let filter = selection.filter()?;
    let before = selection.before()?;
    let mut events = reading::list_newest(state, &filter, before, PAGE + 1).await?;
    let is_more = events.len() > PAGE;
    events.truncate(PAGE);
    let rows: Vec<_> = events
        .iter()
        .map(|(stored, about)| row(stored, about))
        .collect();
    let table = Table {
        id: "events",
        caption: "Events, newest first",
        columns: &COLUMNS,
        empty: "No event is selected.",
    };
    let older = events.last().filter(|_| is_more);
    let older = older.map(|(last, _)| Selection {
        before: last.position.get().to_string(),
        ..selection.clone()
    });
    let first = Selection {
        before: String::new(),
        ..selection.clone()
    };
    let content = html! {
        (table.render(&rows))
        nav.paging aria-label="Older and newer events" {
            @if before.is_some() {
                a #newest href=(format!("events?{}", first.query())) { "Newest" }
            }
            @if let Some(older) = older {
                a #older rel="next" href=(format!("events?{}", older.query())) { "Older" }
            }
        }
    };
    Ok(Listing {
        content,
        newest: events.first().map(|(newest, _)| newest.position),
    })
}

/// The page anew, for who missed more than is kept of what arrived, and the position of the newest event
/// on it.
pub(in super::super) async fn again(
    state: &AdminState,
    selection: &Selection,
) -> Result<(Change, Option<Position>), PageError> {
    let Listing { content, newest } = listing(state, selection).await?;
    Ok((Change::replace("events-live", content), newest))
}

/// The rows of what arrived, the newest first.
pub(in super::super) fn changes(arrived: &[Arc<Arrival>], selection: &Selection) -> Vec<Change> {
    let selected = arrived.iter().rev();
    let selected = selected.filter(|arrival| selection.selects(arrival));
    let rows = html! {
        @for arrival in selected { (row(&arrival.stored, &arrival.about)) }
    };
    if rows.0.is_empty() {
        return Vec::new();
    }
    vec![Change::prepend("events-rows", rows)]
}

/// An event in any table that lists some.
pub(super) fn row(stored: &StoredEvent, about: &EventAbout) -> Markup {
    let event = &stored.event;
    let session = about.session.as_deref();
    let cells = [
        html! { a href=(format!("event?id={}", event.id)) { (format::time(event.received_at)) } },
        html! { (Shown(format::kind(&event.operation))) },
        format::store(about.store.as_ref()),
        session.map_or_else(format::dash, |session| format::session(session, event.id)),
        format::state(stored.state),
        problem(stored).map_or_else(format::dash, |problem| html! { (Shown(problem)) }),
    ];
    table::row(&COLUMNS, &cells)
}

/// What went wrong with an event, if something did.
fn problem(stored: &StoredEvent) -> Option<&str> {
    let mut deliveries = stored.deliveries.iter();
    let of_delivery = deliveries.find_map(|delivery| delivery.problem.as_deref());
    stored.problem.as_deref().or(of_delivery)
}

fn filters(selection: &Selection) -> Markup {
    let field = |id: &str, name: &str, label: &str, kind: &str, value: &str| {
        html! {
            div.field {
                label for=(id) { (label) }
                input id=(id) name=(name) type=(kind) value=(value)
                    step=[(kind == "datetime-local").then_some("1")];
            }
        }
    };
    html! {
        form.filters #filters method="get" action="events" role="search" aria-label="Filter events" {
            div.field {
                label for="filter-kind" { "Kind" }
                select #filter-kind name="kind" {
                    option value="" { "all" }
                    @for operation in operations::ALL {
                        option value=(operation.kind) selected[operation.kind == selection.kind] {
                            (operation.kind)
                        }
                    }
                }
            }
            div.field {
                label for="filter-state" { "State" }
                select #filter-state name="state" {
                    option value="" { "all" }
                    @for state in EventState::ALL {
                        option value=(state.as_str()) selected[state.as_str() == selection.state] {
                            (state.as_str())
                        }
                    }
                }
            }
            (field("filter-store", "store", "Store", "text", &selection.store))
            (field("filter-session", "session", "Session", "text", &selection.session))
            (field("filter-since", "since", "Since", "datetime-local", &selection.since))
            (field("filter-until", "until", "Until", "datetime-local", &selection.until))
            div.actions {
                button.primary type="submit" { "Filter" }
                a.button href="events" { "Clear" }
            }
        }
    }
}
