//! Handing out events, and what becomes of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::jetstream::{
    Context, Message,
    consumer::{AckPolicy, Consumer, DeliverPolicy, pull},
};
use axum::body::Bytes;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    JetStreamInbox, append, beside, fetch, message,
    message::Attempts,
    streams::Streams,
    subject::{self, Key},
};
use crate::{Delivery, Error, Event, Outcome, Receipt, error::BoxError};

/// A shorter lease is asked for event by event.
const MIN_ACK_WAIT: Duration = Duration::from_secs(1);

/// How many events of a consumer may be in hand or wait for another attempt. Beyond, it is handed no
/// more until some are done.
const MAX_ACK_PENDING: i64 = 100_000;

/// A durable consumer.
#[derive(Debug)]
pub(super) struct Puller {
    consumer: Consumer<pull::Config>,
    /// Whether the last event was a new one. If not, events are asked for one by one: each may be
    /// the one that crashes the process, and would count as an attempt of those that came with it.
    is_fresh: AtomicBool,
}

impl JetStreamInbox {
    /// The consumer of a name, made at the first use.
    pub(super) async fn puller(
        &self,
        streams: &Streams,
        name: &str,
        lease: Duration,
    ) -> Result<Arc<Puller>, Error> {
        let ack_wait = lease.max(MIN_ACK_WAIT);
        let mut pullers = self.pullers.lock().await;
        if let Some(puller) = pullers.get(name)
            && puller.consumer.cached_info().config.ack_wait == ack_wait
        {
            return Ok(Arc::clone(puller));
        }
        let consumer = self.prepare_consumer(streams, name, ack_wait).await?;
        let puller = Arc::new(Puller {
            consumer,
            is_fresh: AtomicBool::new(false),
        });
        pullers.insert(name.to_owned(), Arc::clone(&puller));
        Ok(puller)
    }

    async fn prepare_consumer(
        &self,
        streams: &Streams,
        name: &str,
        ack_wait: Duration,
    ) -> Result<Consumer<pull::Config>, Error> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_allowed) {
            return Err(Error::configuration(
                "consumer",
                format!("{name:?} is no name of letters, digits, `-` and `_`"),
            ));
        }
        let failed = |source: BoxError| self.error("preparing the consumer", source);
        let wanted = pull::Config {
            durable_name: Some(name.to_owned()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait,
            // The broker would forget an event after its last attempt; we make it a dead letter.
            max_deliver: -1,
            filter_subjects: vec![subject::EVENTS.to_owned(), subject::again_of(name)],
            max_ack_pending: MAX_ACK_PENDING,
            ..pull::Config::default()
        };
        let existing = streams
            .events
            .get_or_create_consumer(name, wanted.clone())
            .await
            .map_err(|error| failed(error.into()))?;
        let found = &existing.cached_info().config;
        let is_all = found.deliver_policy == wanted.deliver_policy;
        let drifts = [
            ("deliver_policy", is_all),
            ("ack_policy", found.ack_policy == wanted.ack_policy),
            ("max_deliver", found.max_deliver == wanted.max_deliver),
            (
                "filter_subjects",
                found.filter_subjects == wanted.filter_subjects,
            ),
        ];
        let drifts: Vec<_> = drifts
            .into_iter()
            .filter_map(|(setting, is_right)| (!is_right).then_some(setting))
            .collect();
        if !drifts.is_empty() {
            return Err(Error::configuration(
                "consumer",
                format!(
                    "{name:?} at {}: {} would make it miss events: change it, or take another name",
                    self.name,
                    drifts.join(", ")
                ),
            ));
        }
        if found.ack_wait == ack_wait {
            return Ok(existing);
        }
        // The lease is ours to choose, and the latest choice holds.
        let updated = streams.events.create_consumer(wanted).await;
        updated.map_err(|error| failed(error.into()))
    }
}

impl Puller {
    pub(super) async fn take(
        &self,
        context: &Context,
        streams: &Streams,
        limit: usize,
        lease: Duration,
        wait: Duration,
    ) -> Result<Vec<Delivery>, BoxError> {
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            let messages = self.fetch_some(limit, left).await?;
            let is_over = messages.is_empty() && tokio::time::Instant::now() >= deadline;
            let taken = self.hand_out(context, streams, messages, lease).await?;
            if !taken.is_empty() || is_over {
                return Ok(taken);
            }
        }
    }

    /// Events that are new, or one that comes again, and others only if it came as a surprise.
    async fn fetch_some(&self, limit: usize, wait: Duration) -> Result<Vec<Message>, BoxError> {
        let all_fresh = |messages: &[Message]| messages.iter().all(|one| delivered(one) == 1);
        let was_fresh = self.is_fresh.load(Ordering::Relaxed);
        let first = if was_fresh { limit } else { limit.min(1) };
        let mut messages = fetch::fetch(&self.consumer, first, wait).await?;
        if !was_fresh && !messages.is_empty() && all_fresh(&messages) && limit > 1 {
            // The first is in hand, whatever becomes of this.
            let more = fetch::fetch(&self.consumer, limit - 1, Duration::ZERO).await;
            messages.extend(more.unwrap_or_default());
        }
        self.is_fresh.store(all_fresh(&messages), Ordering::Relaxed);
        Ok(messages)
    }

    async fn hand_out(
        &self,
        context: &Context,
        streams: &Streams,
        messages: Vec<Message>,
        lease: Duration,
    ) -> Result<Vec<Delivery>, BoxError> {
        let name = &self.consumer.cached_info().name;
        let mut taken: Vec<Delivery> = Vec::new();
        for message in messages {
            let mut held = Held::new(&message, lease)?;
            if held.delivered > 1 {
                let retry = beside::get(&streams.retry, &held.key().retry(name)).await?;
                let attempts = retry.map(|retry| Attempts::read(&retry.headers));
                held.is_noted = attempts.is_some();
                held.uncounted = attempts.unwrap_or_default().uncounted;
            }
            let headers = message.headers.clone().unwrap_or_default();
            let early = message::read_not_before(&headers)?
                .and_then(|not_before| (not_before - Utc::now()).to_std().ok());
            if let Some(delay) = early {
                held.put_back(context, name, delay).await?;
                continue;
            }
            // One that comes again comes alone.
            if held.attempt() > 1 && !taken.is_empty()
                || taken.first().is_some_and(|first| first.attempt > 1)
            {
                held.put_back(context, name, Duration::ZERO).await?;
                continue;
            }
            if lease < MIN_ACK_WAIT {
                tell(context, &held.reply, nak(lease)).await?;
            }
            taken.push(Delivery {
                event: message::read(&held.key(), &headers, message.payload.clone())?,
                attempt: held.attempt(),
                receipt: held.receipt()?,
            });
        }
        Ok(taken)
    }
}

/// An event in the hands of a consumer: what a receipt says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Held {
    operation: String,
    position: u64,
    id: Uuid,
    /// The message of the stream of events, if the event comes again for this consumer alone.
    again: Option<u64>,
    /// Where the broker waits for a word about it.
    reply: String,
    /// How often the broker handed it out.
    delivered: u32,
    /// How often of these nobody tried.
    uncounted: u32,
    /// Whether there is a record of that, or of what failed.
    is_noted: bool,
    until: DateTime<Utc>,
}

impl Held {
    fn new(message: &Message, lease: Duration) -> Result<Self, BoxError> {
        let info = message.info()?;
        let (key, consumer) = subject::parse(&message.subject, info.stream_sequence)
            .ok_or_else(|| format!("not one of our subjects: {}", message.subject))?;
        let reply = message.reply.as_ref().ok_or("a message without a reply")?;
        Ok(Self {
            operation: key.operation,
            position: key.position,
            id: key.id,
            again: consumer.map(|_| info.stream_sequence),
            reply: reply.to_string(),
            delivered: delivered(message),
            uncounted: 0,
            is_noted: false,
            until: Utc::now() + lease,
        })
    }

    fn key(&self) -> Key {
        Key {
            operation: self.operation.clone(),
            position: self.position,
            id: self.id,
        }
    }

    fn attempt(&self) -> u32 {
        self.delivered.saturating_sub(self.uncounted).max(1)
    }

    fn receipt(&self) -> Result<Receipt, BoxError> {
        Ok(Receipt(serde_json::to_string(self)?))
    }

    /// Gives it back untouched, for another time.
    async fn put_back(
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
        tell(context, &self.reply, nak(delay)).await
    }

    async fn note(
        &self,
        context: &Context,
        consumer: &str,
        attempts: &Attempts,
    ) -> Result<(), BoxError> {
        let record = attempts.write(async_nats::jetstream::message::PublishMessage::build());
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
                tell(context, &self.reply, nak(delay)).await
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
        let subject = match self.again {
            Some(_) => self.key().again(consumer),
            None => self.key().event(),
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
        if self.again.is_some() {
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

fn delivered(message: &Message) -> u32 {
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
