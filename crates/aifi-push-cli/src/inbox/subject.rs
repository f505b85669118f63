//! Which events a request of a person is about, and what is said about them.

use std::collections::BTreeMap;

use aifi_push_receiver::inbox::{
    EventFilter, EventState, Inbox, StoredEvent, Subject, SubjectKind,
};
use anyhow::Result;
use serde::de::IgnoredAny;
use uuid::Uuid;

use super::select::Pages;
use crate::{kind, output};

/// At least one; an event must match all that are given.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
pub(super) struct Subjects {
    /// Events about this customer, by AiFi's id or the retailer's.
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// Events about this session, by its token or its number.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Events about this shopper.
    #[arg(long, value_name = "ID")]
    shopper: Option<String>,
    /// Events of this store, by AiFi's id or the retailer's.
    #[arg(long, value_name = "ID")]
    store: Option<String>,
    /// The event of this id, as `inbox list` shows it.
    #[arg(long)]
    id: Option<Uuid>,
}

impl Subjects {
    /// Says which options select events, without the values, which are about persons.
    pub(super) fn describe(&self) -> String {
        let given = [
            ("--customer", self.customer.is_some()),
            ("--session", self.session.is_some()),
            ("--shopper", self.shopper.is_some()),
            ("--store", self.store.is_some()),
        ];
        let options = given.iter().filter(|(_, is_given)| *is_given);
        let mut parts: Vec<_> = options.map(|(option, _)| (*option).to_owned()).collect();
        parts.extend(self.id.map(|id| format!("--id {id}")));
        parts.join(" ")
    }

    pub(super) fn pages<'a>(&self, inbox: &'a dyn Inbox) -> Pages<'a> {
        let subjects = [
            (SubjectKind::Customer, &self.customer),
            (SubjectKind::Session, &self.session),
            (SubjectKind::Shopper, &self.shopper),
            (SubjectKind::Store, &self.store),
        ];
        let subjects = subjects.into_iter().filter_map(|(kind, value)| {
            let value = value.as_ref()?;
            Some(Subject::new(kind, value))
        });
        Pages::of(
            inbox,
            EventFilter {
                id: self.id,
                subjects: subjects.collect(),
                ..EventFilter::default()
            },
        )
    }
}

/// What was found.
#[derive(Default)]
pub(super) struct Report {
    events: usize,
    by_kind: BTreeMap<String, usize>,
    quarantined: usize,
    dead: usize,
    not_json: usize,
}

impl Report {
    pub(super) fn add(&mut self, entry: &StoredEvent) {
        self.events += 1;
        let kind = kind::name(&entry.event).to_owned();
        *self.by_kind.entry(kind).or_default() += 1;
        self.quarantined += usize::from(entry.state == EventState::Quarantined);
        self.dead += usize::from(entry.state == EventState::Dead);
        self.not_json += usize::from(json(&entry.event.body).is_none());
    }

    pub(super) fn events(&self) -> usize {
        self.events
    }

    /// Prints it for a person.
    pub(super) fn print(&self) -> Result<()> {
        let kinds = self.by_kind.iter();
        let kinds: Vec<_> = kinds
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        let kinds = if kinds.is_empty() {
            String::new()
        } else {
            format!(" ({})", kinds.join(", "))
        };
        output::line(format_args!(
            "{} events{kinds}, {} quarantined, {} dead letters",
            self.events, self.quarantined, self.dead
        ))?;
        if self.not_json > 0 {
            output::line(format_args!(
                "{} bodies are not JSON: their text contains what was asked for; look at each with \
                 `inbox show`",
                self.not_json
            ))?;
        }
        Ok(())
    }
}

/// Returns the JSON of a body without the mark that may precede it, or `None` if it is not JSON.
pub(super) fn json(body: &[u8]) -> Option<&[u8]> {
    let json = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice::<IgnoredAny>(json)
        .ok()
        .map(|_| json)
}
