//! Messages by subject: an event, or a record of how far a consumer has come with one.

use std::collections::HashMap;

use async_nats::jetstream::{
    self, Context,
    context::PublishError,
    message::{PublishMessage, StreamMessage},
    stream::{DeleteMessageErrorKind, RawMessageErrorKind, Stream},
};
use futures_util::TryStreamExt;
use std::error::Error as _;
use uuid::Uuid;

use super::{
    streams::Streams,
    subject::{self, Key},
};
use crate::error::BoxError;

/// The records of every event that a consumer has yet to acknowledge or gave up, known by their
/// subjects alone.
#[derive(Default)]
pub(super) struct Records {
    /// With the consumers that have yet to acknowledge it.
    pub(super) retries: Events,
    /// With the consumers that exhausted their attempts.
    pub(super) dead: Events,
}

/// Events by id, with the consumers that records about them are for.
pub(super) type Events = HashMap<Uuid, (Key, Vec<String>)>;

impl Records {
    pub(super) async fn read(streams: &Streams) -> Result<Self, BoxError> {
        Ok(Self {
            retries: events(&streams.retries, subject::RETRIES).await?,
            dead: events(&streams.dead, subject::DEAD).await?,
        })
    }

    /// The records of one event.
    pub(super) async fn read_of(streams: &Streams, id: Uuid) -> Result<Self, BoxError> {
        Ok(Self {
            retries: events(&streams.retries, &subject::retry_with("*", id)).await?,
            dead: events(&streams.dead, &subject::dead_with("*", id)).await?,
        })
    }
}

async fn events(stream: &Stream, filter: &str) -> Result<Events, BoxError> {
    let mut subjects = stream.info_with_subjects(filter).await?;
    let mut events = Events::new();
    while let Some((subject, _)) = subjects.try_next().await? {
        if let Some(parsed) = subject::parse(&subject, 0) {
            let key = parsed.key;
            let (_, consumers) = events.entry(key.id).or_insert((key, Vec::new()));
            consumers.extend(parsed.consumer.map(str::to_owned));
        }
    }
    for (_, consumers) in events.values_mut() {
        consumers.sort();
    }
    Ok(events)
}

/// Counts the messages of a subject, which may contain wildcards.
pub(super) async fn count(stream: &Stream, filter: &str) -> Result<u64, BoxError> {
    let subjects = stream.info_with_subjects(filter).await?;
    let count = subjects.try_fold(0, async |count, _| Ok(count + 1));
    Ok(count.await?)
}

/// Returns the last message of a subject, which may contain wildcards.
pub(super) async fn get(stream: &Stream, subject: &str) -> Result<Option<StreamMessage>, BoxError> {
    // From the leader, so that what was just written is seen.
    found(stream.get_last_raw_message_by_subject(subject).await)
}

/// Returns the first message of a subject from a sequence on.
pub(super) async fn first(
    stream: &Stream,
    subject: &str,
    sequence: u64,
) -> Result<Option<StreamMessage>, BoxError> {
    found(
        stream
            .get_first_raw_message_by_subject(subject, sequence)
            .await,
    )
}

fn found(
    found: Result<StreamMessage, async_nats::error::Error<RawMessageErrorKind>>,
) -> Result<Option<StreamMessage>, BoxError> {
    match found {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Publishes a message, and waits until it is stored.
pub(super) async fn put(
    context: &Context,
    subject: String,
    message: PublishMessage,
) -> Result<(), BoxError> {
    context.send_publish(subject, message).await?.await?;
    Ok(())
}

/// The same if the last message of the subject is of this sequence, or with 0 if there is none.
/// Returns whether it was stored.
pub(super) async fn put_after(
    context: &Context,
    subject: String,
    sequence: u64,
    message: PublishMessage,
) -> Result<bool, BoxError> {
    let message = message.expected_last_subject_sequence(sequence);
    match context.send_publish(subject, message).await?.await {
        Ok(_) => Ok(true),
        Err(error) if is_other_sequence(&error) || is_taken(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn answer(error: &PublishError) -> Option<&jetstream::Error> {
    error.source()?.downcast_ref()
}

fn is_other_sequence(error: &PublishError) -> bool {
    answer(error).is_some_and(|answer| {
        answer.error_code() == jetstream::ErrorCode::STREAM_WRONG_LAST_SEQUENCE
            || answer.to_string().contains("wrong last sequence")
    })
}

/// Whether the stream has a message of the subject, and takes no second one.
pub(super) fn is_taken(error: &PublishError) -> bool {
    const IS_TAKEN: &str = "maximum messages per subject exceeded";
    answer(error).is_some_and(|answer| answer.to_string().contains(IS_TAKEN))
}

/// Deletes a message. Returns `false` if it was deleted or replaced before.
///
/// A purge of its subject would do so too, but the broker then forgets which messages it was about to
/// redeliver, and does so only when the time to acknowledge them is over.
pub(super) async fn delete(stream: &Stream, sequence: u64) -> Result<bool, BoxError> {
    match stream.delete_message(sequence).await {
        Ok(is_deleted) => Ok(is_deleted),
        Err(error) => match error.kind() {
            DeleteMessageErrorKind::JetStream(answer)
                if [
                    jetstream::ErrorCode::SEQUENCE_NOT_FOUND,
                    jetstream::ErrorCode::STREAM_MESSAGE_DELETE_FAILED,
                ]
                .contains(&answer.error_code()) =>
            {
                Ok(false)
            }
            _ => Err(error.into()),
        },
    }
}

/// Deletes the messages of a subject, which may contain wildcards, one by one. Returns whether there
/// was any.
pub(super) async fn delete_all(stream: &Stream, subject: &str) -> Result<bool, BoxError> {
    let mut is_any = false;
    while let Some(found) = get(stream, subject).await? {
        is_any |= delete(stream, found.sequence).await?;
    }
    Ok(is_any)
}

/// Deletes the messages of a subject that no consumer is for, which may contain wildcards.
pub(super) async fn purge(stream: &Stream, subject: &str) -> Result<(), BoxError> {
    stream.purge().filter(subject).await?;
    Ok(())
}

/// The key of a message.
pub(super) fn key(message: &StreamMessage) -> Result<Key, BoxError> {
    let parsed = subject::parse(&message.subject, message.sequence)
        .ok_or_else(|| format!("not a subject of an inbox: {}", message.subject))?;
    Ok(parsed.key)
}
