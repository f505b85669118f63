//! The operator's page: what happens, what went wrong, and what to do about it.
//!
//! HTML is rendered here, and nothing is loaded from elsewhere. A script adds live updates and the choice
//! of a theme; everything else works without it.

mod access;
mod assets;
mod audit;
mod error;
mod escape;
mod format;
mod guard;
mod headers;
mod history;
mod input;
mod layout;
mod live;
mod pages;
mod plot;
mod reading;
mod rendered;
mod sessions;
mod settings;
mod sign_in_limit;
mod streams;
mod table;
mod tail;

use std::{future::Future, sync::Arc, time::Duration};

use aifi_push_inbox::{AdminError, Inbox};
use axum::{Router, middleware};
pub use settings::AdminSettings;
use tokio::time::timeout;

use self::{
    error::PageError, history::History, rendered::Rendered, sessions::Sessions,
    sign_in_limit::SignInLimit, streams::Streams, tail::Tail,
};
use crate::receiver::Receiver;

/// How long the inbox may take to answer somebody who waits.
const INBOX_TIMEOUT: Duration = Duration::from_secs(20);

/// What the requests of operators share.
struct AdminState {
    receiver: Receiver,
    settings: AdminSettings,
    sessions: Sessions,
    sign_in_limit: SignInLimit,
    tail: Tail,
    history: History,
    streams: Streams,
    rendered: Rendered,
}

impl AdminState {
    fn inbox(&self) -> &Arc<dyn Inbox> {
        &self.receiver.state.inbox
    }

    /// Notes that somebody looks, which what runs in the background does so for.
    fn look(&self) {
        self.tail.look();
        self.history.ensure_running(&self.receiver);
    }
}

pub(crate) fn router(receiver: &Receiver, settings: AdminSettings) -> Router {
    let state = Arc::new(AdminState {
        receiver: receiver.clone(),
        history: History::new(settings.history.clone()),
        settings,
        sessions: Sessions::new(),
        sign_in_limit: SignInLimit::default(),
        tail: Tail::new(Arc::clone(&receiver.state.inbox)),
        streams: Streams::default(),
        rendered: Rendered::default(),
    });
    Router::new()
        .merge(pages::router())
        .merge(live::router())
        .merge(assets::router())
        .fallback(error::not_found)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&state),
            guard::guard,
        ))
        .layer(middleware::map_response(headers::secure))
        .with_state(state)
}

/// Asks the inbox, for as long as somebody waits for the answer.
async fn within<T>(asked: impl Future<Output = Result<T, AdminError>>) -> Result<T, PageError> {
    let answered = timeout(INBOX_TIMEOUT, asked).await;
    Ok(answered.map_err(|_| PageError::InboxSilent)??)
}
