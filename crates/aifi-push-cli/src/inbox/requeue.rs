//! `inbox requeue`

use aifi_push_receiver::inbox::{EventState, Inbox, StoredEvent};

use super::{entry, select::Selection};
use crate::{Outcome, output};

/// Put quarantined events that decode now, and dead letters, back into the queue.
///
/// For after an upgrade, or when what failed is fixed. The exit code is 1 if some still fail to
/// decode.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    selection: Selection,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let selection = &options.selection;
    let (mut quarantined, mut undecodable, mut dead) = (0, 0, 0);
    if selection.includes(EventState::Quarantined) {
        let mut pages = selection.pages_in_state(inbox, EventState::Quarantined);
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
            quarantined += inbox.requeue(ids.collect()).await?;
        }
    }
    if selection.includes(EventState::Dead) {
        let mut pages = selection.pages_in_state(inbox, EventState::Dead);
        while let Some(page) = pages.next().await? {
            let ids = page.iter().map(|stored| stored.event.id);
            dead += inbox.requeue(ids.collect()).await?;
        }
    }
    output::line(format_args!(
        "{quarantined} quarantined events and {dead} dead letters requeued; {undecodable} still fail \
         to decode"
    ))?;
    Ok(undecodable == 0)
}

fn decodes(stored: &StoredEvent) -> bool {
    let event = &stored.event;
    let operation = event.known_operation();
    operation.is_some_and(|operation| operation.check(&event.body).is_ok())
}
