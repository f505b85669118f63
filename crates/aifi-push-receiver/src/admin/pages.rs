//! The pages, one module each.

mod act;
mod audit;
mod consumers;
mod event;
pub(super) mod events;
pub(super) mod now;
mod problems;
pub(super) mod sign_in;
pub(super) mod stores;
mod visit;
pub(super) mod visits;

use std::sync::Arc;

use axum::{
    Router,
    extract::OriginalUri,
    response::Redirect,
    routing::{get, post},
};

use super::{AdminState, access::Visitor, guard};

pub(super) fn router() -> Router<Arc<AdminState>> {
    Router::new()
        .route("/", get(first))
        .route(guard::SIGN_IN, get(to_now).post(sign_in::sign_in))
        .route(guard::SIGN_OUT, get(to_now).post(sign_in::sign_out))
        .route("/now", get(now::page))
        .route("/figures", get(now::figures))
        .route("/stores", get(stores::page))
        .route("/visits", get(visits::page))
        .route("/visit", get(visit::page))
        .route("/events", get(events::page))
        .route("/event", get(event::page))
        .route("/problems", get(problems::page))
        .route("/consumers", get(consumers::page))
        .route("/audit", get(audit::page))
        .route("/show-body", post(event::show_body))
        .route("/requeue", post(act::requeue))
        .route("/discard", post(act::discard))
        .route("/requeue-cause", post(act::requeue_cause))
        .route("/discard-cause", post(act::discard_cause))
        .route("/pause", post(act::pause))
        .route("/resume", post(act::resume))
        .route("/remove", post(act::remove))
        .route("/replay", post(act::replay))
}

/// The page has no address of its own: the links of all pages are relative to the directory that they
/// are in, so that they can be nested, and be behind a proxy that takes a part of the path away.
async fn first(_: Visitor, OriginalUri(uri): OriginalUri) -> Redirect {
    match uri.path().rsplit_once('/') {
        Some((_, last)) if !last.is_empty() => Redirect::to(&format!("{last}/now")),
        _ => Redirect::to("now"),
    }
}

async fn to_now(_: Visitor) -> Redirect {
    Redirect::to("now")
}
