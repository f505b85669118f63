//! What every page has around its content.

use axum::response::Html;
use maud::{DOCTYPE, Markup, html};

use super::{
    access::{Role, Visitor},
    assets,
    escape::Shown,
};

/// A page of somebody who is signed in.
pub(super) struct Page<'a> {
    pub(super) visitor: &'a Visitor,
    /// Of the tab, and of the heading.
    pub(super) title: &'a str,
    /// The entry of the navigation that is current.
    pub(super) nav: &'a str,
    /// Where live updates come from, if the page has some.
    pub(super) live: Option<String>,
    /// What an action that led here did.
    pub(super) notice: Option<String>,
}

/// The pages, and whether readers see them.
const NAVIGATION: [(&str, &str, bool); 7] = [
    ("now", "Now", true),
    ("stores", "Stores", true),
    ("visits", "Visits", false),
    ("events", "Events", false),
    ("problems", "Problems", true),
    ("consumers", "Consumers", true),
    ("audit", "Audit", false),
];

/// The element that says when the receiver is not ready.
pub(super) const READINESS: &str = "readiness";

impl Page<'_> {
    pub(super) fn render(&self, content: &Markup) -> Html<String> {
        let body = html! {
            a.skip-link href="#content" { "Skip to content" }
            header.top {
                a.brand href="now" { span aria-hidden="true" { "◆" } " AiFi push" }
                nav aria-label="Pages" {
                    ul {
                        @for (path, name, is_for_readers) in NAVIGATION {
                            @if is_for_readers || self.visitor.may_act() { li {
                                a href=(path) aria-current=[(path == self.nav).then_some("page")] { (name) }
                            } }
                        }
                    }
                }
                div.tools {
                    @if self.visitor.role() == Role::Reader {
                        span.badge { "read-only" }
                    }
                    @if self.live.is_some() {
                        button #live-toggle type="button" hidden aria-pressed="false"
                            aria-label="Pause updates" { "Pause" }
                    }
                    button #theme-toggle type="button" hidden { "Dark" }
                    @if self.visitor.has_session {
                        form method="post" action="sign-out" {
                            (form_token(self.visitor))
                            button #sign-out type="submit" { "Sign out" }
                        }
                    }
                }
            }
            main #content tabindex="-1" data-live=[self.live.as_deref()] {
                div id=(READINESS) { (not_ready(self.visitor.not_ready.as_deref())) }
                h1 { (self.title) }
                @if let Some(notice) = &self.notice {
                    p.notice #notice role="status" { (notice) }
                }
                (content)
            }
            footer {
                p { "Times are UTC. "
                    @if self.live.is_some() { span #live-state role="status" {} }
                }
            }
        };
        Html(document(self.title, &body).into_string())
    }
}

/// Says that the receiver is not ready, and why.
pub(super) fn not_ready(reason: Option<&str>) -> Markup {
    html! {
        @if let Some(reason) = reason {
            p.banner role="alert" { "Not ready to receive events: " (Shown(reason)) }
        }
    }
}

/// A page of nobody in particular.
pub(super) fn bare(title: &str, content: &Markup) -> Markup {
    let body = html! {
        main.bare #content { (content) }
    };
    document(title, &body)
}

/// What proves that a form came from a page of this visitor.
pub(super) fn form_token(visitor: &Visitor) -> Markup {
    html! {
        @if let Some(csrf) = &visitor.csrf {
            input type="hidden" name="csrf" value=(csrf);
        }
    }
}

fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · AiFi push" }
                link rel="icon" href=(assets::icon()) type="image/svg+xml";
                link rel="stylesheet" href=(assets::style());
                script src=(assets::script()) {}
            }
            body { (body) }
        }
    }
}
