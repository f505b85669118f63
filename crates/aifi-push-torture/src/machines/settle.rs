//! Whether every acknowledged event arrived.

use std::{collections::HashMap, time::Duration};

use aifi_push_receiver::{Digest, Filter, Inbox, JetStreamInbox, State};
use anyhow::Result;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{PATIENCE, consumers::Consumed};

/// Where acknowledged events are.
pub(super) struct Settled {
    pub(super) consumed: usize,
    pub(super) quarantined: usize,
    pub(super) lost: usize,
}

/// Waits until each event was consumed or is quarantined, as long as there is progress.
pub(super) async fn settle(
    inbox: &JetStreamInbox,
    acknowledged: &HashMap<Uuid, Digest>,
    consumed: &Consumed,
) -> Result<Settled> {
    let (mut end, mut fewest) = (Instant::now() + PATIENCE, usize::MAX);
    loop {
        let quarantined = match quarantined(inbox).await {
            Ok(quarantined) => quarantined,
            // The brokers may still be at electing leaders.
            Err(_) if Instant::now() < end => continue,
            Err(error) => return Err(error),
        };
        let mut settled = Settled {
            consumed: 0,
            quarantined: 0,
            lost: 0,
        };
        for (id, digest) in acknowledged {
            if consumed.is_among(id, digest) {
                settled.consumed += 1;
            } else if quarantined.get(id) == Some(digest) {
                settled.quarantined += 1;
            } else {
                settled.lost += 1;
            }
        }
        if settled.lost == 0 {
            return Ok(settled);
        }
        if settled.lost < fewest {
            fewest = settled.lost;
            end = Instant::now() + PATIENCE;
        }
        if Instant::now() > end {
            let lost = acknowledged.iter().filter(|(id, digest)| {
                !consumed.is_among(id, digest) && quarantined.get(id) != Some(digest)
            });
            for (id, _) in lost.take(20) {
                describe(inbox, *id).await?;
            }
            return Ok(settled);
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Prints where an event is that nobody was handed.
async fn describe(inbox: &JetStreamInbox, id: Uuid) -> Result<()> {
    let filter = Filter {
        id: Some(id),
        ..Filter::default()
    };
    match inbox.list(&filter, None, 1).await?.pop() {
        Some(entry) => println!("{id} is {}: {:?}", entry.state, entry.deliveries),
        None => println!("{id} is not in the inbox"),
    }
    Ok(())
}

async fn quarantined(inbox: &JetStreamInbox) -> Result<HashMap<Uuid, Digest>> {
    let filter = Filter {
        state: Some(State::Quarantined),
        ..Filter::default()
    };
    let listed = inbox.list(&filter, None, usize::MAX).await?;
    let listed = listed.iter();
    Ok(listed
        .map(|entry| (entry.event.id, Digest::of(&entry.event.body)))
        .collect())
}
