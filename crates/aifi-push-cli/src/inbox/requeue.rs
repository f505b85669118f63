//! `inbox requeue`

use std::time::Duration;

use aifi_push_receiver::inbox::{Cause, EventState, Inbox, Requeued, StoredEvent};
use anyhow::{Result, ensure};
use tokio::time::sleep;
use uuid::Uuid;

use super::{audit, by_cause::ByCause, choice::Choice, entry};
use crate::{Outcome, output, rate::Rate};

/// How long to wait between batches where a rate is asked for.
const BATCH_TIME: Duration = Duration::from_millis(100);

/// Put quarantined events that decode now, and dead letters, back into the queue.
///
/// For after an upgrade, or when what failed is fixed. The exit code is 1 if some still fail to
/// decode.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    by_cause: ByCause,
    /// Requeue no more in a time: 100/s, 100/m or 100/h. Defaults to all at once.
    #[arg(long, value_name = "RATE")]
    rate: Option<Rate>,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let choice = &options.choice;
    if let Some(cause) = options.by_cause.cause() {
        ensure!(
            choice.is_everything() && options.rate.is_none(),
            "--cause selects by itself: leave out --kind, --since, --rate and others"
        );
        return of_cause(inbox, &cause).await;
    }
    let question = "requeue every quarantined event that decodes now, and every dead letter?";
    if !choice.is_meant(inbox, question).await? {
        output::line("nothing requeued")?;
        return Ok(false);
    }
    let mut counts = Counts::default();
    let done = requeue_all(inbox, options, &mut counts).await;
    let Counts {
        quarantined,
        undecodable,
        dead,
    } = counts;
    let action = audit::entry("requeue", choice.describe()).count(quarantined + dead);
    audit::record(inbox, action).await?;
    done?;
    output::line(format_args!(
        "{quarantined} quarantined events and {dead} dead letters requeued; {undecodable} still fail \
         to decode"
    ))?;
    Ok(undecodable == 0)
}

async fn of_cause(inbox: &dyn Inbox, cause: &Cause) -> Outcome {
    let mut requeued = Requeued::default();
    let done = inbox.requeue_cause(cause, &mut requeued).await;
    let action = audit::entry("requeue", cause.to_string()).count(requeued.events);
    audit::record(inbox, action).await?;
    done?;
    let Requeued {
        events,
        undecodable,
        ..
    } = requeued;
    output::line(format_args!(
        "{events} events requeued; {undecodable} still fail to decode"
    ))?;
    Ok(undecodable == 0)
}

#[derive(Default)]
struct Counts {
    quarantined: u64,
    undecodable: usize,
    dead: u64,
}

async fn requeue_all(inbox: &dyn Inbox, options: &Options, counts: &mut Counts) -> Result<()> {
    let choice = &options.choice;
    if choice.includes(EventState::Quarantined) {
        let mut pages = choice.pages_in_state(inbox, EventState::Quarantined);
        while let Some(page) = pages.next().await? {
            let decodes = |stored: &StoredEvent| stored.event.decodes();
            let (decode, fail): (Vec<_>, Vec<_>) = page.into_iter().partition(decodes);
            for stored in &fail {
                output::line(format_args!(
                    "{}: {}",
                    stored.event.id,
                    entry::problem(stored)
                ))?;
            }
            counts.undecodable += fail.len();
            let ids = decode.iter().map(|stored| stored.event.id);
            requeue(inbox, ids.collect(), options.rate, &mut counts.quarantined).await?;
        }
    }
    if choice.is_all_in_state(EventState::Dead) && options.rate.is_none() {
        counts.dead = inbox.requeue_dead_letters().await?;
    } else if choice.includes(EventState::Dead) {
        let pages = choice.pages_in_state(inbox, EventState::Dead);
        let mut pages = pages.without_bodies();
        while let Some(page) = pages.next().await? {
            let ids = page.iter().map(|stored| stored.event.id);
            requeue(inbox, ids.collect(), options.rate, &mut counts.dead).await?;
        }
    }
    Ok(())
}

/// Requeues events, and takes as long as the rate asks for.
async fn requeue(
    inbox: &dyn Inbox,
    ids: Vec<Uuid>,
    rate: Option<Rate>,
    requeued: &mut u64,
) -> Result<()> {
    let Some(rate) = rate else {
        *requeued += inbox.requeue(ids).await?;
        return Ok(());
    };
    for batch in ids.chunks(rate.within(BATCH_TIME)) {
        *requeued += inbox.requeue(batch.to_vec()).await?;
        sleep(rate.step().saturating_mul(batch.len() as u32)).await;
    }
    Ok(())
}
