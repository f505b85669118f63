//! `inbox requeue`

use std::time::Duration;

use aifi_push_receiver::inbox::{EventState, Inbox, StoredEvent};

use anyhow::Result;
use tokio::time::sleep;
use uuid::Uuid;

use super::{choice::Choice, entry};
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
    /// Requeue no more in a time: 100/s, 100/m or 100/h. Defaults to all at once.
    #[arg(long, value_name = "RATE")]
    rate: Option<Rate>,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let choice = &options.choice;
    let question = "requeue every quarantined event that decodes now, and every dead letter?";
    if !choice.is_meant(inbox, question).await? {
        output::line("nothing requeued")?;
        return Ok(false);
    }
    let (mut quarantined, mut undecodable, mut dead) = (0, 0, 0);
    if choice.includes(EventState::Quarantined) {
        let mut pages = choice.pages_in_state(inbox, EventState::Quarantined);
        while let Some(page) = pages.next().await? {
            let (decode, fail): (Vec<_>, Vec<_>) = page.into_iter().partition(decodes);
            for stored in &fail {
                output::line(format_args!(
                    "{}: {}",
                    stored.event.id,
                    entry::problem(stored)
                ))?;
            }
            undecodable += fail.len();
            let ids = decode.iter().map(|stored| stored.event.id);
            quarantined += requeue(inbox, ids.collect(), options.rate).await?;
        }
    }
    if choice.is_all_in_state(EventState::Dead) && options.rate.is_none() {
        dead = inbox.requeue_dead_letters().await?;
    } else if choice.includes(EventState::Dead) {
        let pages = choice.pages_in_state(inbox, EventState::Dead);
        let mut pages = pages.without_bodies();
        while let Some(page) = pages.next().await? {
            let ids = page.iter().map(|stored| stored.event.id);
            dead += requeue(inbox, ids.collect(), options.rate).await?;
        }
    }
    output::line(format_args!(
        "{quarantined} quarantined events and {dead} dead letters requeued; {undecodable} still fail \
         to decode"
    ))?;
    Ok(undecodable == 0)
}

/// Requeues events, and takes as long as the rate asks for.
async fn requeue(inbox: &dyn Inbox, ids: Vec<Uuid>, rate: Option<Rate>) -> Result<u64> {
    let Some(rate) = rate else {
        return Ok(inbox.requeue(ids).await?);
    };
    let mut requeued = 0;
    for batch in ids.chunks(rate.within(BATCH_TIME)) {
        requeued += inbox.requeue(batch.to_vec()).await?;
        sleep(rate.step().saturating_mul(batch.len() as u32)).await;
    }
    Ok(requeued)
}

fn decodes(stored: &StoredEvent) -> bool {
    let event = &stored.event;
    let operation = event.known_operation();
    operation.is_some_and(|operation| operation.check(&event.body).is_ok())
}
