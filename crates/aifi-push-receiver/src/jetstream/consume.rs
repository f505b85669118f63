//! Durable consumers, and what they are handed.

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
use chrono::Utc;

use super::{
    JetStreamInbox, beside, fetch,
    held::{Held, delivered},
    message::{self, Attempts},
    streams::Streams,
    subject,
};
use crate::{Delivery, Error, error::BoxError};

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
                held.comes_again_after(context, lease).await?;
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
