//! The newest visits.

use std::sync::Arc;

use aifi_push_inbox::Visit;
use axum::{extract::State, response::Html};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        AdminState,
        access::Visitor,
        escape::{Shown, plain},
        format,
        layout::Page,
        live::Change,
        table::{self, Table},
    },
    stores::looked,
};
use crate::admin::input::Query;

/// How many visits are shown.
const SHOWN: usize = 100;

const COLUMNS: [&str; 8] = [
    "Session", "Store", "Entered", "Left", "Stay", "In/out", "Orders", "Events",
];

/// Which visits are shown. What is empty selects all.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(in super::super) struct Selection {
    store: String,
}

pub(super) async fn page(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Query(selection): Query<Selection>,
) -> Html<String> {
    let content = html! {
        div.forms {
            form.filters #filters method="get" action="visits" role="search" aria-label="Filter visits" {
                div.field {
                    label for="filter-store" { "Store" }
                    input #filter-store name="store" type="text" value=(selection.store);
                }
                div.actions {
                    button.primary type="submit" { "Filter" }
                    a.button href="visits" { "Clear" }
                }
            }
            form.filters method="get" action="visit" role="search" aria-label="Find a visit" {
                div.field {
                    label for="session" { "Session" }
                    input #session name="session" type="text" required;
                }
                div.actions { button type="submit" { "Show its visit" } }
            }
        }
        div #visits-live { (visits(&state, &selection).await) }
    };
    let query = serde_urlencoded::to_string(&selection).unwrap_or_default();
    Page {
        visitor: &visitor,
        title: "Visits",
        nav: "visits",
        live: Some(format!("live?page=visits&{query}")),
        notice: None,
    }
    .render(&content)
}

pub(in super::super) async fn changes(
    state: &Arc<AdminState>,
    selection: &Selection,
) -> Vec<Change> {
    let visits = visits(state, selection).await;
    vec![Change::replace("visits-live", visits)]
}

async fn visits(state: &Arc<AdminState>, selection: &Selection) -> Markup {
    let store = selection.store.trim().to_owned();
    let render = {
        let (state, store) = (Arc::clone(state), store.clone());
        move || render(&state, &store)
    };
    state.rendered.get(format!("visits {store}"), render).await
}

fn render(state: &AdminState, store: &str) -> Markup {
    let (visits, without, looked) = {
        let seen = state.tail.seen();
        let visits: Vec<_> = match store {
            "" => seen.visits.newest().take(SHOWN).collect(),
            store => seen.visits.newest_in(store).take(SHOWN).collect(),
        };
        let without = seen.visits.without_session().values().sum::<u64>();
        (visits, without, looked(&seen))
    };
    let rows: Vec<_> = visits.iter().map(row).collect();
    html! {
        p #visits-summary {
            "The newest " (rows.len()) " visits. " (looked)
            @if without > 0 {
                " " (format::counted(without, "event", "events")) " without a session."
            }
        }
        (Table {
            id: "visits",
            caption: "Visits, the one with the newest event first",
            columns: &COLUMNS,
            empty: "No visit is selected.",
        }
        .render(&rows))
    }
}

fn row(visit: &Visit) -> Markup {
    let cells = [
        html! {
            @if let Some(event) = visit.events.first() { (format::session(&visit.session, event.id)) }
            @if visit.is_fraud_suspected { " " span.state.state-dead { "fraud suspected" } }
        },
        html! {
            @for (index, store) in visit.stores.iter().enumerate() {
                @if index > 0 { ", " }
                (format::store(Some(store)))
            }
        },
        format::time_or_dash(visit.entered_at),
        format::time_or_dash(visit.exited_at),
        visit
            .stay()
            .map_or_else(format::dash, |stay| html! { (format::duration(stay)) }),
        html! { (visit.people_entered) "/" (visit.people_left) },
        orders(visit),
        html! { (visit.events.len()) },
    ];
    table::row(&COLUMNS, &cells)
}

fn orders(visit: &Visit) -> Markup {
    if visit.orders.is_empty() {
        return format::dash();
    }
    let status = |status: &Option<String>| plain(status.as_deref().unwrap_or("?"));
    html! {
        @for (index, order) in visit.orders.iter().enumerate() {
            @if index > 0 { ", " }
            (status(&order.status))
            @if let Some(total) = &order.total_price { " " (Shown(total)) }
        }
    }
}
