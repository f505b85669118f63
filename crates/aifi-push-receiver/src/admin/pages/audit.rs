//! What operators did.

use std::sync::Arc;

use aifi_push_inbox::AuditEntry;
use axum::{extract::State, response::Html};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::{
    AdminState,
    access::Visitor,
    error::PageError,
    escape::Shown,
    format,
    layout::Page,
    table::{self, Table},
    within,
};
use crate::admin::input::Query;

const PAGE: usize = 50;

const COLUMNS: [&str; 6] = ["Time", "Who", "Action", "Target", "Events", "Reason"];

/// Where the page begins.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Selection {
    before: Option<u64>,
}

pub(super) async fn page(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Query(Selection { before }): Query<Selection>,
) -> Result<Html<String>, PageError> {
    let mut actions = within(state.inbox().actions(before, PAGE + 1)).await?;
    let is_more = actions.len() > PAGE;
    actions.truncate(PAGE);
    let rows: Vec<_> = actions.iter().map(row).collect();
    let content = html! {
        p.hint { "Every action of an operator, on this page and by the command line, and every body that \
            somebody looked at here." }
        (Table {
            id: "audit",
            caption: "Actions, newest first",
            columns: &COLUMNS,
            empty: "Nobody did anything yet.",
        }
        .render(&rows))
        nav.paging aria-label="Older and newer actions" {
            @if before.is_some() { a href="audit" { "Newest" } }
            @if let Some(last) = actions.last().filter(|_| is_more) {
                a rel="next" href=(format!("audit?before={}", last.number)) { "Older" }
            }
        }
    };
    Ok(Page {
        visitor: &visitor,
        title: "Audit",
        nav: "audit",
        live: None,
        notice: None,
    }
    .render(&content))
}

fn row(entry: &AuditEntry) -> Markup {
    let reason = entry.reason.as_deref();
    let is_event = entry.target.len() == 36 && entry.target.parse::<uuid::Uuid>().is_ok();
    let cells = [
        format::time(entry.at),
        html! { (Shown(&entry.actor)) },
        html! { (Shown(&entry.action)) },
        html! {
            @if is_event { a.id href=(format!("event?id={}", entry.target)) { (entry.target) } }
            @else { (Shown(&entry.target)) }
        },
        html! { (format::count(entry.count)) },
        reason.map_or_else(format::dash, |reason| html! { (Shown(reason)) }),
    ];
    table::row(&COLUMNS, &cells)
}
