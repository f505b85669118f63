//! Whether every acknowledged event reached a consumer.

use std::{collections::HashMap, time::Duration};

use aifi_push_inbox::{Admin, Digest, EventFilter, EventState, JetStreamInbox};
use anyhow::Result;
use async_nats::jetstream;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{RECOVERY_TIMEOUT, consumers::Consumed};

/// Where acknowledged events are.
pub(super) struct Settled {
    pub(super) consumed: usize,
    pub(super) quarantined: usize,
    pub(super) lost: usize,
}

/// Waits until each event was consumed or is quarantined, as long as there is progress.
pub(super) async fn settle(
    url: &str,
    inbox: &JetStreamInbox,
    acknowledged: &HashMap<Uuid, Digest>,
    consumed: &Consumed,
) -> Result<Settled> {
    let (mut end, mut fewest) = (Instant::now() + RECOVERY_TIMEOUT, usize::MAX);
    loop {
        let quarantined = match quarantined(inbox).await {
            Ok(quarantined) => quarantined,
            // The brokers may still be electing leaders.
            Err(_) if Instant::now() < end => {
                sleep(Duration::from_secs(1)).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        let mut settled = Settled {
            consumed: 0,
            quarantined: 0,
            lost: 0,
        };
        for (id, digest) in acknowledged {
            if consumed.contains(id, digest) {
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
            end = Instant::now() + RECOVERY_TIMEOUT;
        }
        if Instant::now() > end {
            let lost = acknowledged.iter().filter(|(id, digest)| {
                !consumed.contains(id, digest) && quarantined.get(id) != Some(digest)
            });
            let lost: Vec<_> = lost.map(|(id, _)| *id).take(20).collect();
            for id in &lost {
                describe(inbox, *id).await?;
            }
            describe_brokers(url, &lost).await?;
            return Ok(settled);
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Prints where an event is that no consumer received.
async fn describe(inbox: &JetStreamInbox, id: Uuid) -> Result<()> {
    let filter = EventFilter {
        id: Some(id),
        ..EventFilter::default()
    };
    match inbox.list(&filter, None, 1).await?.pop() {
        Some(stored) => println!("{id} is {}: {:?}", stored.state, stored.deliveries),
        None => println!("{id} is not in the inbox"),
    }
    Ok(())
}

/// Prints what the brokers have of some events, and how far each consumer of the broker is.
async fn describe_brokers(url: &str, ids: &[Uuid]) -> Result<()> {
    let servers: Vec<_> = url.trim_start_matches("nats://").split(',').collect();
    let context = jetstream::new(async_nats::connect(servers).await?);
    for name in ["AIFI_PUSH", "AIFI_PUSH_RETRY"] {
        let stream = context.get_stream(name).await?;
        println!("{name}: {:?}", stream.cached_info().state);
        println!("{name}: {:?}", stream.consumer_info("chaos").await?);
        for id in ids {
            let subject = match name {
                "AIFI_PUSH" => format!("aifi-push.event.*.{id}"),
                _ => format!("aifi-push.retry.chaos.*.*.{id}"),
            };
            match stream.get_last_raw_message_by_subject(&subject).await {
                Ok(found) => println!(
                    "{name} {id}: sequence {} at {}: {:?}",
                    found.sequence, found.time, found.headers
                ),
                Err(error) => println!("{name} {id}: {error}"),
            }
        }
    }
    Ok(())
}

async fn quarantined(inbox: &JetStreamInbox) -> Result<HashMap<Uuid, Digest>> {
    let filter = EventFilter {
        state: Some(EventState::Quarantined),
        ..EventFilter::default()
    };
    let listed = inbox.list(&filter, None, usize::MAX).await?;
    let listed = listed.iter().map(|stored| &stored.event);
    Ok(listed
        .map(|event| (event.id, Digest::of(&event.body)))
        .collect())
}
