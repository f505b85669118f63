//! `inbox audit`, and recording what other commands did.

use aifi_push_receiver::inbox::{AuditEntry, Inbox};
use anyhow::{Context, Result};
use chrono::SecondsFormat;
use uuid::Uuid;

use crate::{
    Outcome,
    listing::{Cell, Column, Listing},
    output,
};

/// How many are read at a time.
const PAGE: usize = 1000;

/// How many ids the target of an action names.
const IDS: usize = 3;

/// List what operators did to the inbox, the newest first.
///
/// Commands that change something are recorded with the name of the user. The newest 100,000 actions are
/// kept; brokers forget them after a year.
#[derive(clap::Args)]
pub(super) struct Options {
    /// How many actions to list at most: the newest.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    last: usize,
    /// Print JSON, one action on each line.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let (mut entries, mut before) = (Vec::new(), None);
    while entries.len() < options.last {
        let limit = PAGE.min(options.last - entries.len());
        let page = inbox.actions(before, limit).await?;
        let Some(oldest) = page.last() else {
            break;
        };
        before = Some(oldest.number);
        entries.extend(page);
    }
    if options.json {
        entries.iter().try_for_each(output::json)?;
        return Ok(true);
    }
    let mut listing = Listing::new([
        Column::short("AT"),
        Column::short("ACTOR"),
        Column::short("ACTION"),
        Column::short("EVENTS"),
        Column::long("TARGET"),
        Column::long("REASON"),
    ]);
    for entry in entries {
        let cells = [
            entry.at.to_rfc3339_opts(SecondsFormat::Millis, true),
            entry.actor,
            entry.action,
            entry.count.to_string(),
            entry.target,
            entry.reason.unwrap_or_default(),
        ];
        listing.add(cells.map(Cell::new));
    }
    listing.print()?;
    Ok(true)
}

/// An action of the user who runs this program.
pub(super) fn entry(action: &str, target: impl Into<String>) -> AuditEntry {
    let user = whoami::username().unwrap_or_else(|_| "unknown".to_owned());
    AuditEntry::new(format!("cli:{user}"), action, target)
}

/// Records what was done, whether or not all of it succeeded.
pub(super) async fn record(inbox: &dyn Inbox, entry: AuditEntry) -> Result<()> {
    let recorded = inbox.record_action(entry).await;
    recorded.context("it was done, but is not in the audit")
}

/// Ids as the target of an action.
pub(super) fn list(ids: &[Uuid]) -> String {
    let (named, others) = ids.split_at(ids.len().min(IDS));
    let mut names: Vec<_> = named.iter().map(Uuid::to_string).collect();
    if !others.is_empty() {
        names.push(format!("and {} more", others.len()));
    }
    names.join(" ")
}
