//! The receiver as those who import it and those who call it see it.

#![allow(clippy::unwrap_used)]

mod any_body;
mod bad_calls;
mod consumer;
mod durability;
mod figures;
mod http;
mod inbox_suite;
#[cfg(feature = "nats")]
mod jetstream;
mod secrecy;
mod server;
mod spool;
mod sqlite;
mod switch;
mod tls;
mod tokens;

use std::sync::Arc;

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_receiver::{Entry, Event, Filter, Inbox, SqliteInbox};
use tempfile::TempDir;

/// The body of the vendor's page.
fn documented() -> &'static str {
    TRANSITION_LEFT.example.unwrap()
}

/// An inbox in a directory that goes away.
async fn new_inbox() -> (Arc<SqliteInbox>, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let inbox = SqliteInbox::open(directory.path().join("events.db")).await;
    (Arc::new(inbox.unwrap()), directory)
}

/// Everything in an inbox.
async fn all(inbox: &dyn Inbox) -> Vec<Entry> {
    let entries = inbox.list(&Filter::default(), None, usize::MAX >> 1).await;
    entries.unwrap()
}

/// The bodies in an inbox, in the order of arrival.
async fn bodies(inbox: &dyn Inbox) -> Vec<Vec<u8>> {
    let entries = all(inbox).await;
    let bodies = entries.iter().map(|entry| entry.event.body.to_vec());
    bodies.collect()
}

/// Events of numbered bodies.
fn events(numbers: impl IntoIterator<Item = u32>) -> Vec<Event> {
    let numbers = numbers.into_iter();
    numbers
        .map(|number| Event::arrived(&TRANSITION_LEFT, number.to_string()))
        .collect()
}
