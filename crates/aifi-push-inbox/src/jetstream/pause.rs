//! Whether a consumer is paused: its durable consumer of the stream of events says so in its metadata.
//!
//! A broker of 2.10 can't pause a consumer, and a later one leaves requests unanswered then that wait for
//! nothing. So each subscription looks, now and then, before it asks for events.

use std::time::Duration;

use async_nats::jetstream::consumer;

/// The name in the metadata.
const PAUSED: &str = "aifi-push.paused";

/// How often a subscription looks.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// How long to wait for new events before looking again.
pub(super) const FETCH_WAIT: Duration = Duration::from_millis(500);

/// When every subscription has seen a pause: it looked just before, and then waited for events.
pub(super) const SEEN_AFTER: Duration = Duration::from_secs(1);

pub(super) fn is_set(config: &consumer::Config) -> bool {
    config.metadata.contains_key(PAUSED)
}

pub(super) fn set(config: &mut consumer::pull::Config, is_paused: bool) {
    if is_paused {
        config.metadata.insert(PAUSED.to_owned(), "true".to_owned());
    } else {
        config.metadata.remove(PAUSED);
    }
}
