//! Which events of the inbox a command is about.

use aifi_push::Operation;
use aifi_push_receiver::inbox::{
    AdminError, EventFilter, EventState, Inbox, Position, StoredEvent,
};
use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::Value;
use uuid::Uuid;

use crate::{ago::ago, kind};

/// How many are read at once, so that no transaction is long.
const PAGE: usize = 256;

#[derive(clap::Args)]
pub(super) struct Selection {
    /// Events that arrived at this time or later: 2026-11-24T10:00:00Z, or 2h for two hours ago.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<DateTime<Utc>>,
    /// Events that arrived before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<DateTime<Utc>>,
    /// Events of this kind.
    #[arg(long, value_parser = kind::parser())]
    kind: Option<&'static Operation>,
    /// Events of this store, by its AiFi store id.
    #[arg(long, value_name = "ID")]
    store: Option<i64>,
    /// Events in this state.
    #[arg(long, value_parser = state())]
    state: Option<EventState>,
}

impl Selection {
    /// Returns the selected events, in the order of arrival.
    pub(super) fn pages<'a>(&self, inbox: &'a dyn Inbox) -> Pages<'a> {
        Pages {
            inbox,
            filter: EventFilter {
                id: None,
                since: self.since,
                until: self.until,
                operation: self.kind.map(|kind| kind.id.to_owned()),
                state: self.state,
            },
            store: self.store,
            after: None,
        }
    }

    /// The same, of one state.
    pub(super) fn pages_in_state<'a>(&self, inbox: &'a dyn Inbox, state: EventState) -> Pages<'a> {
        let mut pages = self.pages(inbox);
        pages.filter.state = Some(state);
        pages
    }

    /// Returns `true` if events of this state are selected.
    pub(super) fn includes(&self, state: EventState) -> bool {
        self.state.is_none_or(|wanted| wanted == state)
    }

    /// The same, but only what arrives from now on if no time was given.
    pub(super) fn pages_from_now<'a>(&self, inbox: &'a dyn Inbox) -> Pages<'a> {
        let mut pages = self.pages(inbox);
        pages.filter.since.get_or_insert_with(Utc::now);
        pages
    }
}

/// One event by its id.
pub(super) async fn by_id(inbox: &dyn Inbox, id: Uuid) -> Result<StoredEvent> {
    let filter = EventFilter {
        id: Some(id),
        ..EventFilter::default()
    };
    let found = inbox.list(&filter, None, 1).await?.pop();
    Ok(found.ok_or(AdminError::NoSuchEvent { id })?)
}

/// Selected events, page by page.
pub(super) struct Pages<'a> {
    inbox: &'a dyn Inbox,
    filter: EventFilter,
    store: Option<i64>,
    after: Option<Position>,
}

impl Pages<'_> {
    /// The next page; `None` after the last. It can be asked again when more may have arrived.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<StoredEvent>>> {
        let mut page = self.inbox.list(&self.filter, self.after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(None);
        };
        self.after = Some(last.position);
        if let Some(store) = self.store {
            page.retain(|entry| self::store(entry) == Some(store));
        }
        Ok(Some(page))
    }
}

/// Returns the store of an event, by the name that every operation of the document has for it.
pub(super) fn store(entry: &StoredEvent) -> Option<i64> {
    let body: Value = serde_json::from_slice(&entry.event.body).ok()?;
    body["storeId"].as_i64()
}

fn state() -> impl TypedValueParser<Value = EventState> {
    PossibleValuesParser::new(EventState::ALL.map(EventState::as_str)).try_map(|name| {
        let mut all = EventState::ALL.into_iter();
        all.find(|state| state.as_str() == name)
            .ok_or("no such state")
    })
}

/// Reads a time, or how long ago it was.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let duration = humantime::parse_duration(text).map_err(|_| {
        "expected a time with a zone, such as 2026-11-24T10:00:00Z, or how long ago, such as 2h"
            .to_owned()
    })?;
    ago(duration).ok_or_else(|| "that long ago there were no events".to_owned())
}
