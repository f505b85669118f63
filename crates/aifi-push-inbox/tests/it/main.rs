//! The inbox as those who import it see it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod backup;
mod conformance;
mod consumer;
mod file_in_use;
#[cfg(feature = "jetstream")]
mod jetstream;
mod looking;
mod memory;
mod model;
mod operators;
mod spool;
mod sqlite;
mod visits;

use std::{sync::Arc, time::Duration};

use aifi_push_inbox::{ConsumerName, Inbox, SqliteInbox, SubscribeOptions, Subscription};
use aifi_push_testkit::TempInbox;

/// Longer than any test.
const LEASE: Duration = Duration::from_secs(600);
/// The lease of a process that crashes as soon as it has received.
const CRASH: Duration = Duration::ZERO;

/// A SQLite inbox, and its directory.
async fn new_sqlite() -> (Arc<SqliteInbox>, TempInbox) {
    let place = TempInbox::new().unwrap();
    let inbox = place.open().await.unwrap();
    (Arc::new(inbox), place)
}

fn name(name: &str) -> ConsumerName {
    name.parse().unwrap()
}

/// Subscribes a consumer whose leases outlast the test.
async fn subscribe(inbox: &dyn Inbox, consumer: &str) -> Box<dyn Subscription> {
    subscribe_with(inbox, consumer, LEASE).await
}

async fn subscribe_with(
    inbox: &dyn Inbox,
    consumer: &str,
    lease: Duration,
) -> Box<dyn Subscription> {
    let options = SubscribeOptions {
        lease,
        ..SubscribeOptions::default()
    };
    let subscribed = inbox.subscribe(&name(consumer), options).await;
    subscribed.unwrap().subscription
}
