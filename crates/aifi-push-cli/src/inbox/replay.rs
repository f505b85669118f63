//! `inbox replay`

use std::num::NonZeroU32;

use aifi_push_receiver::{Entry, Inbox};
use anyhow::{Result, ensure};
use chrono::{TimeDelta, Utc};

use super::select::Selection;
use crate::{Outcome, output};

/// Hand events to a consumer again that it is done with or gave up, as they arrived.
///
/// Those that are quarantined, or that it has yet to be done with, are left as they are.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The consumer, such as `forward`: `inbox stats` lists them.
    #[arg(long)]
    consumer: String,
    #[command(flatten)]
    selection: Selection,
    /// How many each second.
    #[arg(long, value_name = "EVENTS", default_value = "100")]
    rate: NonZeroU32,
    /// Only tell how many are selected.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let consumer = &options.consumer;
    let consumers = inbox.stats().await?.consumers;
    let names: Vec<_> = consumers.iter().map(|known| known.name.as_str()).collect();
    ensure!(
        names.contains(&consumer.as_str()),
        "no consumer {consumer:?} in this inbox: there are {names:?}"
    );
    let (mut selected, mut replayed) = (0, 0);
    let mut pages = options.selection.pages(inbox);
    while let Some(page) = pages.next().await? {
        selected += page.len();
        if !options.dry_run {
            replayed += replay(inbox, options, &page, replayed).await?;
        }
    }
    output::line(if options.dry_run {
        format!("{selected} events selected; nothing is handed out by a dry run")
    } else {
        format!("{replayed} of {selected} events are handed to {consumer} again")
    })?;
    Ok(true)
}

/// Spreads the events over the time that the rate asks for.
async fn replay(
    inbox: &dyn Inbox,
    options: &Options,
    page: &[Entry],
    before: usize,
) -> Result<usize> {
    let start = Utc::now();
    let step = 1_000_000 / i64::from(options.rate.get());
    let events = page.iter().zip(before..).map(|(entry, nth)| {
        let nth = i64::try_from(nth).unwrap_or(i64::MAX);
        let delay = TimeDelta::microseconds(step.saturating_mul(nth));
        (entry.event.id, start + delay)
    });
    let consumer = &options.consumer;
    Ok(inbox.redeliver(consumer, events.collect()).await?)
}
