//! `inbox find`

use aifi_push_receiver::inbox::Inbox;

use super::{
    entry,
    subject::{Report, Subjects},
};
use crate::{Outcome, output};

/// Find the events about a customer, session, shopper or store, without their bodies.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    subjects: Subjects,
    /// Print JSON, one event on each line.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let mut report = Report::default();
    let mut entries = Vec::new();
    let mut pages = options.subjects.pages(inbox);
    while let Some(page) = pages.next().await? {
        for found in page {
            report.add(&found);
            if options.json {
                output::json(&entry::json(&found))?;
            } else {
                entries.push(found);
            }
        }
    }
    if !options.json {
        if report.events() > 0 {
            entry::listing(&entries).print()?;
        }
        report.print()?;
    }
    Ok(true)
}
