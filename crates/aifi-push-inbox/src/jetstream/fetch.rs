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

/// Fetches at most `limit` messages that are there, or waits up to `wait` until there are some.
pub(super) async fn fetch(
    consumer: &Consumer<pull::Config>,
    limit: usize,
    wait: Duration,
) -> Result<Vec<Message>, BoxError> {
    let mut messages = pull(consumer, limit, Duration::ZERO).await?;
    if messages.is_empty() && !wait.is_zero() {
        // The broker would collect more until the end of the time, so only one is asked for.
        messages = pull(consumer, 1, wait).await?;
        if limit > 1 && !messages.is_empty() {
            // The first is delivered, whatever becomes of the others.
            let more = pull(consumer, limit - 1, Duration::ZERO).await;
            messages.extend(more.unwrap_or_default());
        }
    }
    Ok(messages)
}

async fn pull(
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
