//! The consumers, and what can be done to each.

use std::sync::Arc;

use aifi_push_inbox::ConsumerStats;
use axum::{extract::State, response::Html};
use maud::{Markup, html};

use super::{
    super::{
        AdminState,
        access::Visitor,
        error::PageError,
        escape::Shown,
        format,
        layout::{Page, form_token},
        table::{self, Table},
        within,
    },
    act::{self, Notice},
};
use crate::admin::input::Query;

const COLUMNS: [&str; 6] = [
    "Consumer",
    "State",
    "Pending",
    "Oldest pending",
    "Dead letters",
    "Actions",
];

pub(super) async fn page(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Query(notice): Query<Notice>,
) -> Result<Html<String>, PageError> {
    let stats = within(state.inbox().stats()).await?;
    let consumers = stats.consumers.iter();
    let rows: Vec<_> = consumers.map(|consumer| row(&visitor, consumer)).collect();
    let content = html! {
        p.hint { "A consumer keeps its own place in the inbox. While it is paused it receives nothing, and \
            what arrives waits for it." }
        (Table {
            id: "consumers",
            caption: "Consumers, by name",
            columns: &COLUMNS,
            empty: "The inbox has no consumer.",
        }
        .render(&rows))
    };
    Ok(Page {
        visitor: &visitor,
        title: "Consumers",
        nav: "consumers",
        live: None,
        notice: notice.text(),
    }
    .render(&content))
}

fn row(visitor: &Visitor, consumer: &ConsumerStats) -> Markup {
    let cells = [
        html! { (Shown(&consumer.name)) },
        state(consumer.is_paused),
        html! { (format::count(consumer.pending)) },
        consumer.oldest_pending.map_or_else(format::dash, |oldest| {
            html! { (format::time(oldest)) " " span.muted { (format::ago(oldest)) } }
        }),
        html! {
            @if consumer.dead == 0 { "0" }
            @else { a.problem href="problems" { (format::count(consumer.dead)) } }
        },
        actions(visitor, consumer),
    ];
    table::row(&COLUMNS, &cells)
}

pub(super) fn state(is_paused: bool) -> Markup {
    html! {
        @if is_paused { span.state.state-paused { "paused" } }
        @else { span.state.state-running { "running" } }
    }
}

fn actions(visitor: &Visitor, consumer: &ConsumerStats) -> Markup {
    let name = &consumer.name;
    let hidden = html! {
        (form_token(visitor))
        input type="hidden" name="consumer" value=(name);
    };
    let (action, label) = if consumer.is_paused {
        ("resume", "Resume")
    } else {
        ("pause", "Pause")
    };
    html! {
        @if visitor.may_act() {
            div.row-actions {
                form method="post" action=(action) {
                    (hidden)
                    button type="submit" aria-label=(format!("{label} {name}")) { (label) }
                }
                details {
                    summary aria-label=(format!("Replay {name}")) { "Replay…" }
                    form.inline method="post" action="replay" {
                        (hidden)
                        label { "Events since (UTC)"
                            input type="datetime-local" name="since" step="1" required;
                        }
                        label { "Events a second"
                            input type="number" name="rate" min="1" max="100000"
                                value=(act::DEFAULT_RATE);
                        }
                        button type="submit" { "Replay" }
                    }
                }
                details.danger-zone {
                    summary aria-label=(format!("Remove {name}")) { "Remove…" }
                    form.inline method="post" action="remove" {
                        (hidden)
                        p.hint { "Its place, its retries and its dead letters are deleted. A program that \
                            still runs it starts anew." }
                        label { span { "Type " strong { (name) } " to confirm" }
                            input name="confirm" required autocomplete="off" spellcheck="false";
                        }
                        button.danger type="submit" { "Remove for ever" }
                    }
                }
            }
        }
    }
}
