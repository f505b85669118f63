//! `inbox list`

use aifi_push_receiver::inbox::{Inbox, StoredEvent};
use anyhow::Result;

use super::{
    entry,
    select::{Pages, Selection},
};
use crate::{Outcome, output};

/// List events, the newest first.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    selection: Selection,
    /// How many events to list at most: the newest.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    last: usize,
    /// List the oldest instead, at most this many, in the order of arrival.
    #[arg(long, value_name = "COUNT", conflicts_with = "last")]
    limit: Option<usize>,
    /// Print JSON, one event on each line.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let pages = options.selection.pages(inbox);
    let (limit, pages) = match options.limit {
        Some(limit) => (limit, pages),
        None => (options.last, pages.newest_first()),
    };
    // One more, to know whether there are more.
    let mut entries = read(pages, limit.saturating_add(1)).await?;
    let is_more = entries.len() > limit;
    entries.truncate(limit);
    if options.json {
        for found in &entries {
            output::json(&entry::json(found))?;
        }
        return Ok(true);
    }
    entry::listing(&entries).print()?;
    if is_more {
        output::line(match options.limit {
            Some(_) => "there are more: raise --limit, or set --since",
            None => "there are more: raise --last, or set --until",
        })?;
    }
    Ok(true)
}

async fn read(pages: Pages<'_>, limit: usize) -> Result<Vec<StoredEvent>> {
    let mut pages = pages.of_at_most(limit);
    let mut entries = Vec::new();
    while entries.len() < limit
        && let Some(page) = pages.next().await?
    {
        entries.extend(page);
    }
    Ok(entries)
}
