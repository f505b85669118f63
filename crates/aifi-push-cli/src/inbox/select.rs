//! Which events of the inbox a command is about.

use std::collections::VecDeque;

use aifi_push::{Number, Operation, from_slice};
use aifi_push_receiver::inbox::{
    AdminError, EventFilter, EventState, Inbox, Position, StoredEvent, Subject, SubjectKind,
};
use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Deserialize;
use uuid::Uuid;

use crate::{ago::time, kind};

/// How many are read at once, so that no transaction is long.
const PAGE: usize = 256;

const PAGE_WITHOUT_BODIES: usize = 1024;

#[derive(clap::Args, Clone, Copy)]
pub(super) struct Period {
    /// Events that arrived at this time or later: 2026-11-24T10:00:00Z, 2026-11-24 for the beginning of
    /// that day in UTC, or 2h for two hours ago.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) since: Option<DateTime<Utc>>,
    /// Events that arrived before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) until: Option<DateTime<Utc>>,
}

#[derive(clap::Args)]
pub(super) struct Selection {
    #[command(flatten)]
    period: Period,
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
        // The inbox finds these quickly, with others that have the number as another id of a store.
        let store = self.store.map(|store| store.to_string());
        let store = store.map(|store| Subject::new(SubjectKind::Store, store));
        let filter = EventFilter {
            since: self.period.since,
            until: self.period.until,
            operation: self.kind.map(|kind| kind.id.to_owned()),
            state: self.state,
            subjects: store.into_iter().collect(),
            ..EventFilter::default()
        };
        Pages {
            store: self.store,
            ..Pages::of(inbox, filter)
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

    /// Returns `true` if nothing restricts the selection.
    pub(super) fn is_everything(&self) -> bool {
        self.state.is_none() && self.is_restricted_by_state_alone()
    }

    /// Returns `true` if all events of this state are selected.
    pub(super) fn is_all_in_state(&self, state: EventState) -> bool {
        self.includes(state) && self.is_restricted_by_state_alone()
    }

    fn is_restricted_by_state_alone(&self) -> bool {
        let Self {
            period: Period { since, until },
            kind,
            store,
            state: _,
        } = self;
        let is_timed = since.is_some() || until.is_some();
        !is_timed && kind.is_none() && store.is_none()
    }

    /// Says what is selected, but for whom it is about.
    pub(super) fn describe(&self) -> String {
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let Self {
            period: Period { since, until },
            kind,
            store,
            state,
        } = self;
        let parts = [
            since.map(|since| format!("--since {}", time(since))),
            until.map(|until| format!("--until {}", time(until))),
            kind.map(|kind| format!("--kind {}", kind.kind)),
            store.map(|_| "--store *".to_owned()),
            state.map(|state| format!("--state {state}")),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            "all".to_owned()
        } else {
            parts.join(" ")
        }
    }

    /// The same, but only what arrives from now on if no time was given. The clock of the receiver may
    /// be another, so that it begins at a position.
    pub(super) async fn pages_from_now<'a>(&self, inbox: &'a dyn Inbox) -> Result<Pages<'a>> {
        let mut pages = self.pages(inbox);
        if self.period.since.is_none() {
            pages.from = inbox.newest().await?;
        }
        Ok(pages)
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
    /// Where the next page begins.
    from: Option<Position>,
    is_newest_first: bool,
    page: usize,
    /// Only these, one on each page.
    ids: Option<VecDeque<Uuid>>,
}

impl<'a> Pages<'a> {
    pub(super) fn of(inbox: &'a dyn Inbox, filter: EventFilter) -> Self {
        Self {
            inbox,
            filter,
            store: None,
            from: None,
            is_newest_first: false,
            page: PAGE,
            ids: None,
        }
    }

    /// Begins with the newest.
    pub(super) fn newest_first(mut self) -> Self {
        self.is_newest_first = true;
        self
    }

    /// Limits the pages to the events of these ids, unless there are none.
    pub(super) fn of_ids(mut self, ids: &[Uuid]) -> Self {
        self.ids = (!ids.is_empty()).then(|| ids.iter().copied().collect());
        self
    }

    /// Leaves out the bodies, and reads more at once. The store of an event is in its body.
    pub(super) fn without_bodies(mut self) -> Self {
        if self.store.is_none() {
            self.filter.without_bodies = true;
            self.page = PAGE_WITHOUT_BODIES;
        }
        self
    }

    /// Limits how many are read at once, for those who need no more.
    pub(super) fn of_at_most(mut self, events: usize) -> Self {
        self.page = self.page.min(events);
        self
    }

    /// The next page; `None` after the last. It can be asked again when more may have arrived.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<StoredEvent>>> {
        let mut page = if let Some(ids) = &mut self.ids {
            let Some(id) = ids.pop_front() else {
                return Ok(None);
            };
            self.filter.id = Some(id);
            self.inbox.list(&self.filter, None, 1).await?
        } else {
            let (filter, from, limit) = (&self.filter, self.from, self.page);
            let page = if self.is_newest_first {
                self.inbox.list_newest(filter, from, limit).await?
            } else {
                self.inbox.list(filter, from, limit).await?
            };
            let Some(last) = page.last() else {
                return Ok(None);
            };
            self.from = Some(last.position);
            page
        };
        if let Some(store) = self.store {
            page.retain(|entry| self::store(entry) == Some(store));
        }
        Ok(Some(page))
    }
}

/// Returns the store of an event, by the name that every operation of the document has for it.
pub(super) fn store(entry: &StoredEvent) -> Option<i64> {
    #[derive(Deserialize)]
    struct OfStore {
        #[serde(rename = "storeId")]
        store_id: Number,
    }
    let body: OfStore = from_slice(&entry.event.body).ok()?;
    body.store_id.as_i64()
}

fn state() -> impl TypedValueParser<Value = EventState> {
    PossibleValuesParser::new(EventState::ALL.map(EventState::as_str)).try_map(|name| {
        let mut all = EventState::ALL.into_iter();
        all.find(|state| state.as_str() == name)
            .ok_or("no such state")
    })
}
