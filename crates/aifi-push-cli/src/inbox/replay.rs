//! `inbox replay`

use aifi_push_receiver::inbox::{ConsumerName, Inbox, StoredEvent};
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

use super::{audit, choice::Choice, consumers};
use crate::{Outcome, output, rate::Rate};

/// Deliver events to a consumer again that it acknowledged, and its dead letters, as they arrived.
///
/// Those that are quarantined, or that it has yet to acknowledge, are left as they are.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Consumer, such as `forward`: `inbox consumers` lists them.
    #[arg(long)]
    consumer: ConsumerName,
    #[command(flatten)]
    choice: Choice,
    /// How many are delivered in which time: 100/s, 100/m or 100/h.
    #[arg(long, value_name = "RATE", default_value = "100/s")]
    rate: Rate,
    /// Report how many events are selected, and replay nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let consumer = &options.consumer;
    consumers::find(inbox, consumer).await?;
    let question = format!("replay every event to {consumer}?");
    if !options.dry_run && !options.choice.is_meant(inbox, &question).await? {
        output::line("nothing replayed")?;
        return Ok(false);
    }
    let (mut selected, mut replayed) = (0, 0);
    let done = replay_all(inbox, options, &mut selected, &mut replayed).await;
    if !options.dry_run {
        let target = format!("{consumer}: {}", options.choice.describe());
        let action = audit::entry("replay", target).count(replayed);
        audit::record(inbox, action).await?;
    }
    done?;
    output::line(if options.dry_run {
        format!("{selected} events selected; a dry run replays nothing")
    } else {
        format!("{replayed} of {selected} events are replayed to {consumer}")
    })?;
    Ok(true)
}

async fn replay_all(
    inbox: &dyn Inbox,
    options: &Options,
    selected: &mut usize,
    replayed: &mut u64,
) -> Result<()> {
    let start = Utc::now();
    let mut pages = options.choice.pages(inbox);
    while let Some(page) = pages.next().await? {
        if !options.dry_run {
            *replayed += replay(inbox, options, &page, start, *selected).await?;
        }
        *selected += page.len();
    }
    Ok(())
}

/// Spreads the events over the time that the rate asks for.
async fn replay(
    inbox: &dyn Inbox,
    options: &Options,
    page: &[StoredEvent],
    start: DateTime<Utc>,
    before: usize,
) -> Result<u64> {
    let step = TimeDelta::from_std(options.rate.step())?;
    let events = page.iter().zip(before..).map(|(stored, nth)| {
        let delay = i32::try_from(nth)
            .ok()
            .and_then(|nth| step.checked_mul(nth));
        let not_before = delay.and_then(|delay| start.checked_add_signed(delay));
        (
            stored.event.id,
            not_before.unwrap_or(DateTime::<Utc>::MAX_UTC),
        )
    });
    Ok(inbox.replay(&options.consumer, events.collect()).await?)
}
