//! Deleting what is kept no longer.

use std::{future::Future, sync::Arc, time::Duration};

use aifi_push_receiver::inbox::{ErrorChain, Inbox, Retention};
use anyhow::Result;
use tokio::time::{MissedTickBehavior, interval};

use crate::ago::ago;

/// How often to look.
const INTERVAL: Duration = Duration::from_secs(600);

/// How long, and how much, to keep.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) age: Option<Duration>,
    pub(super) bytes: Option<u64>,
}

/// Prunes the inbox now and then, until `shutdown` completes. A batch is a transaction, so pruning may
/// be cut off.
pub(super) async fn keep_within(
    inbox: Arc<dyn Inbox>,
    bounds: Bounds,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let prune = async {
        let mut ticks = interval(INTERVAL);
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
    let retention = Retention {
        before: bounds.age.and_then(ago),
        max_bytes: bounds.bytes,
        ..Retention::default()
    };
    match inbox.prune(&retention).await {
        Ok(pruned) if pruned.events == 0 => {}
        Ok(pruned) => tracing::info!(pruned.events, pruned.bytes, "deleted"),
        Err(error) => tracing::error!(error = %ErrorChain(&error), "nothing deleted"),
    }
}
