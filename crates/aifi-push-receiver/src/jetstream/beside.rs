//! What lies beside the stream of events, by subject.

use std::collections::HashMap;

use async_nats::jetstream::{
    message::StreamMessage,
    stream::{RawMessageErrorKind, Stream},
};
use futures_util::TryStreamExt;
use uuid::Uuid;

use super::{
    streams::Streams,
    subject::{self, Key},
};
use crate::error::BoxError;

/// A message of each subject, known by its subject alone.
pub(super) struct Index {
    pub(super) quarantined: Events,
    /// With the consumers that gave it up.
    pub(super) dead: Events,
    /// With the consumers that failed.
    pub(super) retry: Events,
    /// With the consumers that are to see it again.
    pub(super) again: Events,
}

/// Events by id, with the consumers that messages about them are for.
pub(super) type Events = HashMap<Uuid, (Key, Vec<String>)>;

impl Index {
    pub(super) async fn read(streams: &Streams) -> Result<Self, BoxError> {
        Ok(Self {
            quarantined: events(&streams.quarantine, subject::QUARANTINED).await?,
            dead: events(&streams.dead, subject::DEAD).await?,
            retry: events(&streams.retry, subject::RETRY).await?,
            again: events(&streams.events, subject::AGAIN).await?,
        })
    }
}

/// How many messages there are of a subject.
pub(super) async fn count(stream: &Stream, filter: &str) -> Result<u64, BoxError> {
    let subjects = stream.info_with_subjects(filter).await?;
    let count = subjects.try_fold(0, async |count, _| Ok(count + 1));
    Ok(count.await?)
}

/// The events that messages are about.
async fn events(stream: &Stream, filter: &str) -> Result<Events, BoxError> {
    let mut subjects = stream.info_with_subjects(filter).await?;
    let mut events = Events::new();
    while let Some((subject, _)) = subjects.try_next().await? {
        if let Some((key, consumer)) = subject::parse(&subject, 0) {
            let (_, consumers) = events.entry(key.id).or_insert((key, Vec::new()));
            consumers.extend(consumer.map(str::to_owned));
        }
    }
    Ok(events)
}

/// The message of a subject, which may hold wildcards.
pub(super) async fn get(stream: &Stream, subject: &str) -> Result<Option<StreamMessage>, BoxError> {
    // From the leader, so that what was just written is seen.
    match stream.get_last_raw_message_by_subject(subject).await {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The first message of a subject from a sequence on.
pub(super) async fn first(
    stream: &Stream,
    subject: &str,
    sequence: u64,
) -> Result<Option<StreamMessage>, BoxError> {
    let found = stream.get_first_raw_message_by_subject(subject, sequence);
    match found.await {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Deletes the messages of a subject. There may be none.
pub(super) async fn delete(stream: &Stream, subject: &str) -> Result<(), BoxError> {
    stream.purge().filter(subject).await?;
    Ok(())
}

/// The key of a message.
pub(super) fn key(message: &StreamMessage) -> Result<Key, BoxError> {
    let (key, _) = subject::parse(&message.subject, message.sequence)
        .ok_or_else(|| format!("not one of our subjects: {}", message.subject))?;
    Ok(key)
}
