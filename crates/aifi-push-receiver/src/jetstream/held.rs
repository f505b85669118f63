//! An event in the hands of a consumer, and what becomes of it.

use std::time::Duration;

use async_nats::jetstream::{Context, Message, message::PublishMessage};
use axum::body::Bytes;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    append, beside,
    message::{self, Attempts},
    streams::Streams,
    subject::{self, Key},
};
use crate::{Event, Outcome, Receipt, error::BoxError};

/// An event in the hands of a consumer: what a receipt says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Held {
    operation: String,
    position: u64,
    id: Uuid,
    /// Whether it comes by a message for this consumer alone.
    is_again: bool,
    /// Where the broker waits for a word about it.
    reply: String,
    /// How often the broker handed it out.
    pub(super) delivered: u32,
    /// How often of these nobody tried.
    pub(super) uncounted: u32,
    /// Whether there is a record of that, or of what failed.
    pub(super) is_noted: bool,
    until: DateTime<Utc>,
}

impl Held {
    pub(super) fn new(message: &Message, lease: Duration) -> Result<Self, BoxError> {
        let info = message.info()?;
        let (key, consumer) = subject::parse(&message.subject, info.stream_sequence)
            .ok_or_else(|| format!("not one of our subjects: {}", message.subject))?;
        let reply = message.reply.as_ref().ok_or("a message without a reply")?;
        Ok(Self {
            operation: key.operation,
            position: key.position,
            id: key.id,
            is_again: consumer.is_some(),
            reply: reply.to_string(),
            delivered: delivered(message),
            uncounted: 0,
            is_noted: false,
            until: Utc::now() + lease,
        })
    }

    pub(super) fn key(&self) -> Key {
        Key {
            operation: self.operation.clone(),
            position: self.position,
            id: self.id,
        }
    }

    pub(super) fn attempt(&self) -> u32 {
        self.delivered.saturating_sub(self.uncounted).max(1)
    }

    pub(super) fn receipt(&self) -> Result<Receipt, BoxError> {
        Ok(Receipt(serde_json::to_string(self)?))
    }

    /// Has the broker hand it out again after a time.
    pub(super) async fn comes_again_after(
        &self,
        context: &Context,
        delay: Duration,
    ) -> Result<(), BoxError> {
        tell(context, &self.reply, nak(delay)).await
    }

    /// Gives it back untouched, for another time.
    pub(super) async fn put_back(
        &self,
        context: &Context,
        consumer: &str,
        delay: Duration,
    ) -> Result<(), BoxError> {
        let attempts = Attempts {
            count: self.attempt().saturating_sub(1),
            uncounted: self.uncounted.saturating_add(1),
            problem: None,
        };
        self.note(context, consumer, &attempts).await?;
        self.comes_again_after(context, delay).await
    }

    async fn note(
        &self,
        context: &Context,
        consumer: &str,
        attempts: &Attempts,
    ) -> Result<(), BoxError> {
        let record = attempts.write(PublishMessage::build());
        append::put(context, self.key().retry(consumer), record).await
    }

    async fn settle(
        &self,
        context: &Context,
        streams: &Streams,
        consumer: &str,
        outcome: Outcome,
    ) -> Result<(), BoxError> {
        let is_late = Utc::now() > self.until;
        match outcome {
            Outcome::Done => self.finish(context, streams, consumer).await,
            // It is handed out again, or was.
            _ if is_late => Ok(()),
            Outcome::Retry { delay, problem } => {
                let attempts = Attempts {
                    count: self.attempt(),
                    uncounted: self.uncounted,
                    problem: Some(problem),
                };
                self.note(context, consumer, &attempts).await?;
                self.comes_again_after(context, delay).await
            }
            Outcome::Dead { problem } => {
                if let Some(event) = self.event(streams, consumer).await? {
                    let attempts = Attempts {
                        count: self.attempt(),
                        uncounted: self.uncounted,
                        problem: Some(problem),
                    };
                    let letter = attempts.write(message::copy(&event));
                    append::put(context, self.key().dead(consumer), letter).await?;
                }
                self.finish(context, streams, consumer).await
            }
            Outcome::Untouched => self.put_back(context, consumer, Duration::ZERO).await,
        }
    }

    /// The event, unless it was quarantined or deleted meanwhile.
    async fn event(&self, streams: &Streams, consumer: &str) -> Result<Option<Event>, BoxError> {
        let subject = if self.is_again {
            self.key().again(consumer)
        } else {
            self.key().event()
        };
        let Some(found) = beside::get(&streams.events, &subject).await? else {
            return Ok(None);
        };
        Ok(Some(message::read(
            &self.key(),
            &found.headers,
            found.payload,
        )?))
    }

    /// Tells the broker to hand it out no more.
    async fn finish(
        &self,
        context: &Context,
        streams: &Streams,
        consumer: &str,
    ) -> Result<(), BoxError> {
        if self.is_noted {
            beside::delete(&streams.retry, &self.key().retry(consumer)).await?;
        }
        if self.is_again {
            beside::delete(&streams.events, &self.key().again(consumer)).await?;
        }
        tell(context, &self.reply, "+ACK".into()).await
    }
}

pub(super) async fn settle(
    context: &Context,
    streams: &Streams,
    consumer: &str,
    outcomes: Vec<(Receipt, Outcome)>,
) -> Result<(), BoxError> {
    let settled = outcomes.into_iter().map(async |(receipt, outcome)| {
        let held: Held = serde_json::from_str(&receipt.0)?;
        held.settle(context, streams, consumer, outcome).await
    });
    // Each is settled, whatever becomes of the others.
    join_all(settled).await.into_iter().collect()
}

/// How often the broker handed out a message.
pub(super) fn delivered(message: &Message) -> u32 {
    let delivered = message.info().map_or(1, |info| info.delivered);
    u32::try_from(delivered).unwrap_or(u32::MAX)
}

fn nak(delay: Duration) -> Bytes {
    if delay.is_zero() {
        return "-NAK".into();
    }
    format!(r#"-NAK {{"delay": {}}}"#, delay.as_nanos()).into()
}

/// Sends a word about a message, and waits until the broker has heard it.
async fn tell(context: &Context, reply: &str, word: Bytes) -> Result<(), BoxError> {
    context.client().request(reply.to_owned(), word).await?;
    Ok(())
}
