//! The receiver as those who import it and those who call it see it.

#![allow(clippy::unwrap_used)]

#[cfg(feature = "admin")]
mod admin;
mod answers;
mod any_body;
mod bad_requests;
mod content_coding;
mod durability;
mod figures;
mod forwarded;
mod http2;
mod metrics;
mod mounting;
mod odd_bodies;
mod running;
mod secrecy;
mod server;
mod silence;
mod tls;
mod tokens;

use std::sync::Arc;

use aifi_push_receiver::inbox::SqliteInbox;
use aifi_push_testkit::TempInbox;

/// An inbox, and its directory.
async fn new_inbox() -> (Arc<SqliteInbox>, TempInbox) {
    let place = TempInbox::new().unwrap();
    let inbox = place.open().await.unwrap();
    (Arc::new(inbox), place)
}
