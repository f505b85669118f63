//! What operators did: messages of a stream of their own, which the first action creates.

use std::time::Duration;

use async_nats::jetstream::{
    Context,
    context::GetStreamErrorKind,
    message::PublishMessage,
    stream::{Config, DiscardPolicy, RawMessageErrorKind, StorageType, Stream},
};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{records, streams::Streams};
use crate::{
    audit::{AuditEntry, MAX_ACTIONS},
    error::BoxError,
};

const STREAM: &str = "AIFI_PUSH_AUDIT";
const SUBJECT: &str = "aifi-push.audit";

/// How long actions are kept.
const MAX_AGE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How many actions are asked for at a time.
const CONCURRENCY: usize = 64;

pub(super) async fn record(
    context: &Context,
    streams: &Streams,
    entry: &AuditEntry,
) -> Result<(), BoxError> {
    let payload = serde_json::to_vec(entry)?;
    let message = PublishMessage::build().payload(payload.into());
    if find(context).await?.is_none() {
        create(context, streams).await?;
    }
    records::put(context, SUBJECT.to_owned(), message).await
}

/// On as many brokers as events are.
async fn create(context: &Context, streams: &Streams) -> Result<(), BoxError> {
    let events = streams.events.get_info().await?.config;
    let config = Config {
        name: STREAM.to_owned(),
        description: Some("What operators did to the inbox".to_owned()),
        subjects: vec![SUBJECT.into()],
        max_age: MAX_AGE,
        max_messages: i64::try_from(MAX_ACTIONS)?,
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        num_replicas: events.num_replicas,
        ..Config::default()
    };
    // Another process may create it at the same time.
    context.get_or_create_stream(config).await?;
    Ok(())
}

/// The newest first.
pub(super) async fn list(
    context: &Context,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<AuditEntry>, BoxError> {
    let Some(audit) = find(context).await? else {
        return Ok(Vec::new());
    };
    let state = &audit.cached_info().state;
    let end = before.map_or(state.last_sequence + 1, |before| {
        before.min(state.last_sequence + 1)
    });
    let numbers = (state.first_sequence.max(1)..end).rev().take(limit);
    let entries = stream::iter(numbers)
        .map(|number| read(&audit, number))
        .buffered(CONCURRENCY);
    let entries: Vec<_> = entries.try_collect().await?;
    Ok(entries.into_iter().flatten().collect())
}

/// An action, or `None` if it was forgotten since.
async fn read(audit: &Stream, number: u64) -> Result<Option<AuditEntry>, BoxError> {
    match audit.get_raw_message(number).await {
        Ok(message) => {
            let entry: AuditEntry = serde_json::from_slice(&message.payload)?;
            Ok(Some(AuditEntry { number, ..entry }))
        }
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn find(context: &Context) -> Result<Option<Stream>, BoxError> {
    match context.get_stream(STREAM).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(answer) if answer.code() == 404 => Ok(None),
            _ => Err(error.into()),
        },
    }
}
