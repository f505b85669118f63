//! `inbox erase`

use aifi_push_receiver::inbox::Inbox;

use super::{
    audit,
    subject::{Report, Subjects},
};
use crate::{Outcome, confirm::confirm, output};

/// Erase the events about a customer, session, shopper or store, whatever their state.
///
/// Their bytes are gone from the inbox and its log. Backups, events that were forwarded, and spools of
/// other machines are not touched. Asks before it erases.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    subjects: Subjects,
    /// Report what would be erased, and erase nothing.
    #[arg(long)]
    dry_run: bool,
    /// Erase without asking.
    #[arg(long, short)]
    yes: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let mut report = Report::default();
    let mut ids = Vec::new();
    let mut pages = options.subjects.pages(inbox);
    while let Some(page) = pages.next().await? {
        for found in &page {
            report.add(found);
            ids.push(found.event.id);
        }
    }
    report.print()?;
    if options.dry_run {
        output::line("a dry run erases nothing")?;
        return Ok(true);
    }
    if ids.is_empty() {
        return Ok(true);
    }
    if !options.yes && !confirm("erase them for good?")? {
        output::line("nothing erased")?;
        return Ok(false);
    }
    let selected = ids.len() as u64;
    let erased = inbox.erase(ids).await;
    // Some may be erased if it failed.
    let count = *erased.as_ref().unwrap_or(&selected);
    let action = audit::entry("erase", options.subjects.describe()).count(count);
    audit::record(inbox, action).await?;
    let erased = erased?;
    output::lines(format_args!(
        "{erased} events erased\nnot touched: backups, events that were forwarded, and spools of other \
         machines"
    ))?;
    Ok(true)
}
