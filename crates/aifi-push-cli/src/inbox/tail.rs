//! `inbox tail`

use std::time::Duration;

use aifi_push_receiver::inbox::Inbox;

use super::{entry, select::Selection};
use crate::{Outcome, output};

/// How often to look for more.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// List events as they arrive, until Ctrl-C.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    selection: Selection,
    /// Print JSON, one event on each line.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let follow = async {
        let mut pages = options.selection.pages_from_now(inbox).await?;
        loop {
            let Some(page) = pages.next().await? else {
                tokio::time::sleep(POLL_INTERVAL).await;
                continue;
            };
            for found in &page {
                if options.json {
                    output::json(&entry::json(found))?;
                } else {
                    output::line(entry::row(found).join("  "))?;
                }
            }
        }
    };
    tokio::select! {
        failed = follow => failed,
        stopped = tokio::signal::ctrl_c() => Ok(stopped.map(|()| true)?),
    }
}
