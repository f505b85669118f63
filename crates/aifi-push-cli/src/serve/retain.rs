//! Deleting what is kept no longer.

use std::{sync::Arc, time::Duration};

use aifi_push_receiver::{Inbox, Retention};
use tokio::time::{MissedTickBehavior, interval};

use crate::ago::ago;

/// How often to look.
const PERIOD: Duration = Duration::from_secs(600);

/// How long, and how much, to keep.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) age: Option<Duration>,
    pub(super) bytes: Option<u64>,
}

pub(super) async fn keep_within(inbox: Arc<dyn Inbox>, bounds: Bounds) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let retention = Retention {
            before: bounds.age.and_then(ago),
            max_bytes: bounds.bytes,
            ..Retention::default()
        };
        match inbox.prune(&retention).await {
            Ok(pruned) if pruned.events == 0 => {}
            Ok(pruned) => tracing::info!(pruned.events, pruned.bytes, "deleted"),
            Err(error) => tracing::error!(
                error = format!("{:#}", anyhow::Error::new(error)),
                "nothing deleted"
            ),
        }
    }
}
