//! `inbox requeue`

use aifi_push_receiver::{Entry, Inbox, State};
use anyhow::Result;
use chrono::Utc;

use super::{entry, select::Selection};
use crate::{Outcome, output};

/// Give quarantined events that decode by now to the consumers, and dead letters to those that gave
/// them up.
///
/// After an upgrade, or when what failed is mended. The exit code is 1 if some still don't decode.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    selection: Selection,
}

#[derive(Default)]
struct Done {
    released: usize,
    undecodable: usize,
    redelivered: usize,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let mut done = Done::default();
    let selection = &options.selection;
    if selection.includes(State::Quarantined) {
        let mut pages = selection.pages_in_state(inbox, State::Quarantined);
        while let Some(page) = pages.next().await? {
            for found in &page {
                release(inbox, found, &mut done).await?;
            }
        }
    }
    if selection.includes(State::Dead) {
        let mut pages = selection.pages_in_state(inbox, State::Dead);
        while let Some(page) = pages.next().await? {
            for found in &page {
                redeliver(inbox, found, &mut done).await?;
            }
        }
    }
    output::line(format_args!(
        "{} quarantined events released, {} still don't decode; {} dead letters handed out again",
        done.released, done.undecodable, done.redelivered
    ))?;
    Ok(done.undecodable == 0)
}

async fn release(inbox: &dyn Inbox, found: &Entry, done: &mut Done) -> Result<()> {
    let event = &found.event;
    let operation = event.known_operation();
    let decoded = operation.map(|operation| operation.check(&event.body));
    if decoded.is_some_and(|decoded| decoded.is_ok()) {
        inbox.release(event.id).await?;
        done.released += 1;
    } else {
        done.undecodable += 1;
        output::line(format_args!("{}: {}", event.id, entry::problem(found)))?;
    }
    Ok(())
}

async fn redeliver(inbox: &dyn Inbox, found: &Entry, done: &mut Done) -> Result<()> {
    for delivery in found.deliveries.iter().filter(|delivery| delivery.is_dead) {
        let events = vec![(found.event.id, Utc::now())];
        done.redelivered += inbox.redeliver(&delivery.consumer, events).await?;
    }
    Ok(())
}
