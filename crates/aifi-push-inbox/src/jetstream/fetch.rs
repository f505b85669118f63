//! Fetching messages, without waiting for a broker that is gone.

use std::time::Duration;

use async_nats::jetstream::{
    Message,
    consumer::{Consumer, pull},
};
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::error::BoxError;

/// How long the broker may take to answer beyond the wait. It may be gone, and with it the request.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Fetches at most `limit` messages that are there, or the first that comes within `wait`.
pub(super) async fn fetch(
    consumer: &Consumer<pull::Config>,
    limit: usize,
    wait: Duration,
) -> Result<Vec<Message>, BoxError> {
    let mut fetch = consumer.fetch().max_messages(limit);
    if !wait.is_zero() {
        fetch = fetch.expires(wait);
    }
    let mut fetched = fetch.messages().await?;
    let mut messages = Vec::new();
    loop {
        match timeout(wait + ANSWER_TIMEOUT, fetched.next()).await {
            Ok(Some(Ok(message))) => messages.push(message),
            Ok(None) => return Ok(messages),
            // What came before is delivered.
            _ if !messages.is_empty() => return Ok(messages),
            Ok(Some(Err(error))) => return Err(error),
            Err(_) => return Err("the broker does not answer".into()),
        }
    }
}
