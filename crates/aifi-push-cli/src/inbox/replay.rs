//! `inbox replay`

use std::num::NonZeroU32;

use aifi_push_receiver::inbox::{ConsumerName, Inbox, StoredEvent};
use anyhow::{Result, ensure};
use chrono::{TimeDelta, Utc};

use super::select::Selection;
use crate::{Outcome, output};

/// Deliver events to a consumer again that it acknowledged, and its dead letters, as they arrived.
///
/// Those that are quarantined, or that it has yet to acknowledge, are left as they are.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Consumer, such as `forward`: `inbox stats` lists them.
    #[arg(long)]
    consumer: ConsumerName,
    #[command(flatten)]
    selection: Selection,
    /// How many each second.
    #[arg(long, value_name = "EVENTS", default_value = "100")]
    rate: NonZeroU32,
    /// Report how many events are selected, and replay nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let consumer = &options.consumer;
    let consumers = inbox.stats().await?.consumers;
    let names: Vec<_> = consumers.iter().map(|known| known.name.as_str()).collect();
    ensure!(
        names.contains(&consumer.as_str()),
        "no consumer {:?} in this inbox: there are {names:?}",
        consumer.as_str()
    );
    let (mut selected, mut replayed) = (0, 0);
    let mut pages = options.selection.pages(inbox);
    while let Some(page) = pages.next().await? {
        if !options.dry_run {
            replayed += replay(inbox, options, &page, selected).await?;
        }
        selected += page.len();
    }
    output::line(if options.dry_run {
        format!("{selected} events selected; a dry run replays nothing")
    } else {
        format!("{replayed} of {selected} events are replayed to {consumer}")
    })?;
    Ok(true)
}

/// Spreads the events over the time that the rate asks for.
async fn replay(
    inbox: &dyn Inbox,
    options: &Options,
    page: &[StoredEvent],
    before: usize,
) -> Result<u64> {
    let start = Utc::now();
    let step = 1_000_000 / i64::from(options.rate.get());
    let events = page.iter().zip(before..).map(|(stored, nth)| {
        let nth = i64::try_from(nth).unwrap_or(i64::MAX);
        let delay = TimeDelta::microseconds(step.saturating_mul(nth));
        (stored.event.id, start + delay)
    });
    Ok(inbox.replay(&options.consumer, events.collect()).await?)
}
