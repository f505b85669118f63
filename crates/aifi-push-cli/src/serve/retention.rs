//! Deleting what is kept no longer.

use std::{future::Future, sync::Arc, time::Duration};

use aifi_push_receiver::inbox::{AdminError, ErrorChain, Inbox, Pruned, Retention};
use anyhow::Result;
use tokio::time::{MissedTickBehavior, interval};

use crate::ago::ago;

/// How often to look at most, and at least.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
const LONGEST_INTERVAL: Duration = Duration::from_secs(600);

/// How long, and how much, to keep.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) age: Option<Duration>,
    /// Whether events stay beyond that age until every consumer acknowledged them.
    pub(super) keep_unconsumed: bool,
    pub(super) bytes: Option<u64>,
}

impl Bounds {
    /// How often to look: a short time to keep is kept more exactly.
    fn interval(self) -> Duration {
        let interval = self.age.map_or(LONGEST_INTERVAL, |age| age / 10);
        interval.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL)
    }

    /// Says at the start what will be deleted.
    pub(super) fn log(self) {
        let age = self.age.map(text);
        match (age, self.keep_unconsumed) {
            (Some(age), false) => {
                tracing::info!(age, "events are deleted at this age, acknowledged or not");
            }
            (Some(age), true) => {
                tracing::info!(
                    age,
                    "events are deleted at this age if every consumer acknowledged them"
                );
            }
            (None, _) => tracing::info!("events of any age are kept: --keep-for is not set"),
        }
        if let Some(bytes) = self.bytes {
            tracing::info!(
                bytes,
                "beyond this size, events are deleted that every consumer acknowledged"
            );
        }
    }
}

/// A time as it is written on the command line: `90d`, not `2months 29days 2h 52m 48s`.
fn text(time: Duration) -> String {
    const DAY: u64 = 24 * 60 * 60;
    match (time.as_secs() / DAY, time.as_secs() % DAY) {
        (1.., 0) => format!("{}d", time.as_secs() / DAY),
        _ => humantime::format_duration(time).to_string(),
    }
}

/// Prunes the inbox now and then, until `shutdown` completes. A batch is a transaction, so pruning may
/// be cut off.
pub(super) async fn keep_within(
    inbox: Arc<dyn Inbox>,
    bounds: Bounds,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let prune = async {
        let mut ticks = interval(bounds.interval());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            prune(&*inbox, bounds).await;
        }
    };
    tokio::select! {
        () = prune => Ok(()),
        () = shutdown => Ok(()),
    }
}

async fn prune(inbox: &dyn Inbox, bounds: Bounds) {
    if let Err(error) = try_prune(inbox, bounds).await {
        tracing::error!(error = %ErrorChain(&error), "deleting old events failed");
    }
}

async fn try_prune(inbox: &dyn Inbox, bounds: Bounds) -> Result<(), AdminError> {
    let mut retention = Retention {
        before: bounds.age.and_then(ago),
        max_bytes: bounds.bytes,
        ..Retention::default()
    };
    let Pruned { events, bytes } = inbox.prune(&retention).await?;
    if events > 0 {
        tracing::info!(events, bytes, "deleted");
    }
    if bounds.keep_unconsumed || retention.before.is_none() {
        return Ok(());
    }
    // What is left of that age.
    retention.max_bytes = None;
    retention.include_unconsumed = true;
    let Pruned { events, bytes } = inbox.prune(&retention).await?;
    if events == 0 {
        return Ok(());
    }
    if inbox.stats().await?.consumers.is_empty() {
        tracing::info!(events, bytes, "deleted; there is no consumer");
    } else {
        tracing::warn!(
            events,
            bytes,
            "deleted before every consumer acknowledged them, or while they were quarantined: \
             --keep-unconsumed keeps such events"
        );
    }
    Ok(())
}
