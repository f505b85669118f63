//! `inbox list`

use aifi_push_receiver::inbox::Inbox;

use super::{entry, select::Selection};
use crate::{Outcome, output};

/// List events in the order of arrival.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    selection: Selection,
    /// How many events to list at most.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Print JSON, one event on each line.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    // One more, to know whether there are more.
    let mut pages = options.selection.pages(inbox).of_at_most(options.limit + 1);
    let mut entries = Vec::new();
    while entries.len() <= options.limit
        && let Some(page) = pages.next().await?
    {
        entries.extend(page);
    }
    let is_more = entries.len() > options.limit;
    entries.truncate(options.limit);
    if options.json {
        for found in &entries {
            output::json(&entry::json(found))?;
        }
        return Ok(true);
    }
    let mut table = entry::table();
    table.add_rows(entries.iter().map(entry::row));
    output::table(&table)?;
    if is_more {
        output::line("there are more: raise --limit, or set --since")?;
    }
    Ok(true)
}
