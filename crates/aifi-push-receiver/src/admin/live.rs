//! Pages that change while somebody looks at them, by server-sent events.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use aifi_push_inbox::Position;
use axum::{
    Router,
    extract::State,
    http::{Extensions, HeaderMap, HeaderName},
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
    routing::get,
};
use futures_util::{Stream, stream};
use maud::Markup;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::{
    AdminState,
    access::{self, Peer, Visitor},
    error::PageError,
    guard, layout, pages,
    streams::OpenStream,
    tail::Arrived,
};
use crate::admin::input::Query;
use crate::status;

/// How often a page changes, and how often one whose table is replaced as a whole.
const INTERVAL: Duration = Duration::from_secs(1);
const TABLE_INTERVAL: Duration = Duration::from_secs(3);

pub(super) fn router() -> Router<Arc<AdminState>> {
    Router::new().route("/live", get(get_live))
}

/// A change of a page.
#[derive(Serialize)]
pub(super) struct Change {
    /// The id of the element.
    target: String,
    how: How,
    html: String,
    /// Of a frame: what it consists of.
    #[serde(skip)]
    shape: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum How {
    Replace,
    Prepend,
}

impl Change {
    /// The content of an element is another.
    pub(super) fn replace(target: impl Into<String>, html: Markup) -> Self {
        Self {
            target: target.into(),
            how: How::Replace,
            html: html.into_string(),
            shape: None,
        }
    }

    /// The same of an element with parts that change by themselves: it is sent when it has another shape.
    pub(super) fn frame(target: impl Into<String>, html: Markup, shape: String) -> Self {
        Self {
            shape: Some(shape),
            ..Self::replace(target, html)
        }
    }

    /// Something comes before the content of an element.
    pub(super) fn prepend(target: impl Into<String>, html: Markup) -> Self {
        Self {
            how: How::Prepend,
            ..Self::replace(target, html)
        }
    }
}

/// What somebody looks at, with what the page selects.
#[derive(Deserialize)]
#[serde(tag = "page", rename_all = "lowercase")]
enum Watched {
    Now,
    Stores(pages::stores::Selection),
    Visits(pages::visits::Selection),
    Events(pages::events::Selection),
}

impl Watched {
    fn interval(&self) -> Duration {
        match self {
            Self::Now | Self::Events(_) => INTERVAL,
            Self::Stores(_) | Self::Visits(_) => TABLE_INTERVAL,
        }
    }

    fn is_for_readers(&self) -> bool {
        matches!(self, Self::Now | Self::Stores(_))
    }
}

/// The position of the newest event that the page shows.
#[derive(Deserialize)]
struct After {
    after: Option<u64>,
}

/// A page that is open.
struct Live {
    state: Arc<AdminState>,
    watched: Watched,
    visitor: Visitor,
    headers: HeaderMap,
    peer: Peer,
    after: u64,
    /// The content of each element that was replaced.
    shown: HashMap<String, String>,
    is_new: bool,
    open: OpenStream,
}

async fn get_live(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Query(watched): Query<Watched>,
    Query(After { after }): Query<After>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, PageError> {
    if state.receiver.state.is_draining() {
        return Err(PageError::Stopping);
    }
    if !visitor.may_act() && !watched.is_for_readers() {
        return Err(PageError::OperatorsOnly);
    }
    let open = state.streams.open(visitor.whose());
    let open = open.ok_or(PageError::TooManyStreams)?;
    // A browser that lost the connection says what it has seen.
    let seen = headers.get(HeaderName::from_static("last-event-id"));
    let seen = seen.and_then(|id| id.to_str().ok()?.parse().ok());
    let live = Live {
        state,
        watched,
        visitor,
        peer: access::peer(&extensions),
        headers,
        after: seen.or(after).unwrap_or_default(),
        shown: HashMap::new(),
        is_new: true,
        open,
    };
    let events = stream::unfold(live, |mut live| async move {
        let event = live.next().await?;
        Some((Ok(event), live))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

impl Live {
    /// Waits for changes. The end is when nobody may see them any more, or the receiver stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if !std::mem::take(&mut self.is_new) {
                sleep(self.watched.interval()).await;
            }
            let state = &self.state;
            let is_over = state.receiver.state.is_draining() || self.open.is_ended();
            if is_over || guard::visitor(state, &self.headers, self.peer).is_err() {
                return None;
            }
            state.look();
            // What can't be read now can be later.
            let changes = self.changes().await.unwrap_or_default();
            let mut changes = self.unseen(changes);
            changes.extend(self.readiness().await);
            if changes.is_empty() {
                continue;
            }
            let event = Event::default().id(self.after.to_string());
            return event.json_data(changes).ok();
        }
    }

    /// Returns whether the receiver is ready, if that changed.
    async fn readiness(&mut self) -> Vec<Change> {
        let reason = status::not_ready(&self.state.receiver.state).await;
        let banner = layout::not_ready(reason.as_deref());
        self.unseen(vec![Change::replace(layout::READINESS, banner)])
    }

    /// Leaves out what is on the page as it is.
    fn unseen(&mut self, mut changes: Vec<Change>) -> Vec<Change> {
        if changes.iter().any(|change| change.shape.is_some()) {
            // Its parts come with it.
            self.shown.clear();
        }
        changes.retain(|change| {
            if change.how == How::Prepend {
                return true;
            }
            let content = change.shape.as_ref().unwrap_or(&change.html);
            let shown = self.shown.insert(change.target.clone(), content.clone());
            shown.as_ref() != Some(content)
        });
        changes
    }

    async fn changes(&mut self) -> Result<Vec<Change>, PageError> {
        let state = &self.state;
        match &self.watched {
            Watched::Now => {
                let shown = self.shown.get(pages::now::FRAME);
                pages::now::changes(state, &self.visitor, shown).await
            }
            Watched::Stores(selection) => {
                Ok(pages::stores::changes(state, selection, &self.visitor).await)
            }
            Watched::Visits(selection) => Ok(pages::visits::changes(state, selection).await),
            Watched::Events(selection) => {
                let arrived = state.tail.seen().arrived_after(Position::new(self.after));
                match arrived {
                    None => Ok(Vec::new()),
                    Some(Arrived::All(arrived)) => {
                        if let Some(last) = arrived.last() {
                            self.after = last.stored.position.get();
                        }
                        Ok(pages::events::changes(&arrived, selection))
                    }
                    Some(Arrived::More(newest)) => {
                        let (change, listed) = pages::events::again(state, selection).await?;
                        let newest = listed.map_or(newest, |listed| listed.max(newest));
                        self.after = newest.get();
                        // What came on top of it is gone.
                        self.shown.clear();
                        Ok(vec![change])
                    }
                }
            }
        }
    }
}
