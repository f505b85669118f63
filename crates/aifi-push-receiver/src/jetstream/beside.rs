//! What lies beside the stream of events, by subject.

use std::collections::BTreeMap;

use async_nats::jetstream::{
    message::StreamMessage,
    stream::{RawMessageErrorKind, Stream},
};
use futures_util::TryStreamExt;

use super::{
    streams::Streams,
    subject::{self, Key},
};
use crate::error::BoxError;

/// A message of each subject, known by its subject alone.
pub(super) struct Index {
    pub(super) quarantined: BTreeMap<u64, Key>,
    /// With the consumer that gave it up.
    pub(super) dead: Vec<(Key, String)>,
    /// With the consumer that failed.
    pub(super) retry: Vec<(Key, String)>,
    /// With the consumer that is to see it again.
    pub(super) again: Vec<(Key, String)>,
}

impl Index {
    pub(super) async fn read(streams: &Streams) -> Result<Self, BoxError> {
        let quarantined = keys(&streams.quarantine, subject::QUARANTINED).await?;
        let quarantined = quarantined.into_iter();
        Ok(Self {
            quarantined: quarantined.map(|(key, _)| (key.position, key)).collect(),
            dead: keys(&streams.dead, subject::DEAD).await?,
            retry: keys(&streams.retry, subject::RETRY).await?,
            again: keys(&streams.events, subject::AGAIN).await?,
        })
    }
}

/// How many messages there are of a subject.
pub(super) async fn count(stream: &Stream, filter: &str) -> Result<u64, BoxError> {
    let subjects = stream.info_with_subjects(filter).await?;
    let count = subjects.try_fold(0, async |count, _| Ok(count + 1));
    Ok(count.await?)
}

/// The events that messages are about, by position.
async fn keys(stream: &Stream, filter: &str) -> Result<Vec<(Key, String)>, BoxError> {
    let mut subjects = stream.info_with_subjects(filter).await?;
    let mut keys = Vec::new();
    while let Some((subject, _)) = subjects.try_next().await? {
        if let Some((key, consumer)) = subject::parse(&subject, 0) {
            keys.push((key, consumer.unwrap_or_default().to_owned()));
        }
    }
    keys.sort_by_key(|(key, _)| key.position);
    Ok(keys)
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
