//! The stores: what each sent last, and which are silent.

use std::{cmp::Reverse, sync::Arc};

use axum::{extract::State, response::Html};
use chrono::{TimeDelta, Utc};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::super::{
    AdminState,
    access::Visitor,
    escape::Shown,
    format,
    layout::Page,
    live::Change,
    table::{self, Table},
    tail::Seen,
};
use crate::admin::input::Query;

const COLUMNS: [&str; 5] = [
    "Store",
    "Last event",
    "Silent for",
    "Last kind",
    "Events today",
];

/// How many stores are shown.
const SHOWN: usize = 1000;

/// How long a store is silent before it is marked.
const SILENT: [(&str, &str, i64); 4] = [
    ("15m", "15 minutes", 15),
    ("1h", "1 hour", 60),
    ("6h", "6 hours", 360),
    ("24h", "24 hours", 1440),
];

/// How the stores are shown.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(in super::super) struct Selection {
    sort: String,
    silent: String,
}

impl Selection {
    fn silent_after(&self) -> TimeDelta {
        let chosen = SILENT.iter().find(|(value, _, _)| *value == self.silent);
        TimeDelta::minutes(chosen.map_or(60, |(_, _, minutes)| *minutes))
    }

    fn query(&self) -> String {
        serde_urlencoded::to_string(self).unwrap_or_default()
    }
}

pub(super) async fn page(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Query(selection): Query<Selection>,
) -> Html<String> {
    let content = html! {
        (choices(&selection))
        div #stores-live { (stores(&state, &selection, &visitor).await) }
    };
    Page {
        visitor: &visitor,
        title: "Stores",
        nav: "stores",
        live: Some(format!("live?page=stores&{}", selection.query())),
        notice: None,
    }
    .render(&content)
}

pub(in super::super) async fn changes(
    state: &Arc<AdminState>,
    selection: &Selection,
    visitor: &Visitor,
) -> Vec<Change> {
    let stores = stores(state, selection, visitor).await;
    vec![Change::replace("stores-live", stores)]
}

async fn stores(state: &Arc<AdminState>, selection: &Selection, visitor: &Visitor) -> Markup {
    let may_act = visitor.may_act();
    let render = {
        let (state, selection) = (Arc::clone(state), selection.clone());
        move || render(&state, &selection, may_act)
    };
    let selection = format!("stores {may_act} {}", selection.query());
    state.rendered.get(selection, render).await
}

fn render(state: &AdminState, selection: &Selection, may_see_events: bool) -> Markup {
    let (mut stores, looked) = {
        let seen = state.tail.seen();
        let stores: Vec<_> = seen.stores.rows().cloned().collect();
        (stores, looked(&seen))
    };
    match &*selection.sort {
        "events" => stores.sort_by_key(|row| Reverse(row.today())),
        "store" => {}
        _ => stores.sort_by_key(|row| row.last_at),
    }
    let silent_since = Utc::now() - selection.silent_after();
    let silent = stores.iter().filter(|row| row.last_at < silent_since);
    let silent = silent.count() as u64;
    let rows = stores.iter().take(SHOWN).map(|row| {
        let is_silent = row.last_at < silent_since;
        let passed = Utc::now() - row.last_at;
        let cells = [
            format::named_store(&row.store, may_see_events),
            html! {
                @if may_see_events {
                    a href=(format!("event?id={}", row.last_event)) { (format::time(row.last_at)) }
                } @else { (format::time(row.last_at)) }
            },
            html! {
                @if is_silent { span.state.state-silent { (in_minutes(passed)) } }
                @else { (in_minutes(passed)) }
            },
            html! { (Shown(format::kind(&row.last_operation))) },
            html! { (format::count(row.today())) },
        ];
        table::row(&COLUMNS, &cells)
    });
    html! {
        p #stores-summary {
            (format::counted(stores.len() as u64, "store", "stores")) ", "
            (format::count(silent)) " silent. " (looked)
            @if stores.len() > SHOWN { " The first " (format::count(SHOWN as u64)) " are shown." }
        }
        (Table {
            id: "stores",
            caption: "Stores",
            columns: &COLUMNS,
            empty: "No store sent an event since.",
        }
        .render(&rows.collect::<Vec<_>>()))
    }
}

/// How many stores are silent, of how many.
pub(super) fn silent(seen: &Seen) -> String {
    let since = Utc::now() - Selection::default().silent_after();
    let silent = seen.stores.rows().filter(|row| row.last_at < since).count();
    let all = seen.stores.rows().count() as u64;
    let all = format::counted(all, "store", "stores");
    format!("{} of {all}", format::count(silent as u64))
}

/// A second more changes nothing, so that the page stays as it is.
fn in_minutes(passed: TimeDelta) -> String {
    match passed.num_minutes() {
        ..1 => "less than a minute".to_owned(),
        minutes if minutes < 60 => format!("{minutes} min"),
        _ => format::duration(passed.to_std().unwrap_or_default()),
    }
}

/// Since when events were looked at.
pub(super) fn looked(seen: &Seen) -> Markup {
    html! {
        @match seen.since {
            None => "Nothing was read yet.",
            Some(since) => {
                "From events since " (format::time(since)) "."
                @if seen.is_looking_back { " Older ones are being read." }
            }
        }
        @if seen.is_failing { " " span.problem { "The inbox does not answer." } }
    }
}

fn choices(selection: &Selection) -> Markup {
    let orders = [
        ("silent", "silent for longest"),
        ("store", "store"),
        ("events", "events today"),
    ];
    let chosen = if selection.silent.is_empty() {
        "1h"
    } else {
        &selection.silent
    };
    html! {
        form.filters #choices method="get" action="stores" aria-label="Show stores" {
            div.field {
                label for="sort" { "First" }
                select #sort name="sort" {
                    @for (value, name) in orders {
                        option value=(value) selected[value == selection.sort] { (name) }
                    }
                }
            }
            div.field {
                label for="silent" { "Silent after" }
                select #silent name="silent" {
                    @for (value, name, _) in SILENT {
                        option value=(value) selected[value == chosen] { (name) }
                    }
                }
            }
            div.actions { button.primary type="submit" { "Show" } }
        }
    }
}
