//! Delivering events to a consumer, and what becomes of them.
//!
//! A consumer is two durable pull consumers of the broker. One is of the stream of events, and
//! delivers each for the first time. Whatever the consumer does not acknowledge then goes on as a
//! record of its own in the stream of retries, which says how often the event was delivered, when to
//! deliver it again, and which delivery has yet to report an outcome; the other durable consumer
//! delivers that. So new events never wait behind retries, and the records are to JetStream what
//! the rows of deliveries are to SQLite.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{
    datetime,
    jetstream::{
        Message,
        consumer::{AckPolicy, Consumer, DeliverPolicy, pull},
        stream::Stream,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{
    JetStreamInbox, fetch,
    message::{self, Progress},
    pause::{self, FETCH_WAIT},
    records,
    streams::Streams,
    subject::{self, Key},
};
use crate::{
    consumer_name::ConsumerName,
    delivery::{Delivery, Outcome, Receipt},
    error::{BoxError, SubscribeError},
    event::Event,
    inbox::{StartPosition, SubscribeOptions, Subscribed, Subscription},
};

/// A shorter lease is asked for event by event.
const MIN_ACK_WAIT: Duration = Duration::from_secs(1);

/// How long a retry may be in the hands of [`JetStreamSubscription::deliver_retry`].
const RETRY_ACK_WAIT: Duration = Duration::from_secs(30);

/// How many events of a consumer may be in flight or wait for a retry. Beyond, it receives no more
/// until some are acknowledged.
const MAX_ACK_PENDING: i64 = 100_000;

/// How often to look for retries while there are none.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

pub(super) async fn subscribe(
    inbox: &JetStreamInbox,
    name: &ConsumerName,
    options: SubscribeOptions,
) -> Result<Subscribed, SubscribeError> {
    let failed = |source: BoxError| SubscribeError::failed(&*inbox.name, "subscribing", source);
    let streams = inbox.streams().await.map_err(failed)?;
    let (events, is_new) = prepare(
        inbox,
        &streams.events,
        pull::Config {
            durable_name: Some(name.to_string()),
            deliver_policy: deliver_policy(options.start).map_err(failed)?,
            ack_wait: options.lease.max(MIN_ACK_WAIT),
            filter_subject: subject::EVENTS.to_owned(),
            ..durable()
        },
    )
    .await?;
    let (retries, _) = prepare(
        inbox,
        &streams.retries,
        pull::Config {
            durable_name: Some(name.to_string()),
            ack_wait: RETRY_ACK_WAIT,
            filter_subject: subject::retries_of(name.as_str()),
            ..durable()
        },
    )
    .await?;
    let info = events.cached_info();
    let waiting = records::count(&streams.retries, &subject::retries_of(name.as_str())).await;
    let pending = info.num_pending + info.num_ack_pending as u64 + waiting.map_err(failed)?;
    let is_paused = pause::is_set(&info.config);
    Ok(Subscribed {
        subscription: Box::new(JetStreamSubscription {
            inbox: inbox.clone(),
            name: name.clone(),
            lease: options.lease,
            events,
            retries,
            fresh_next: AtomicBool::new(false),
            no_retries_since: Mutex::new(None),
            not_paused_at: Mutex::new(None),
        }),
        is_new,
        pending,
        is_paused,
    })
}

fn durable() -> pull::Config {
    pull::Config {
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        // The broker would forget an event after its last delivery.
        max_deliver: -1,
        max_ack_pending: MAX_ACK_PENDING,
        ..pull::Config::default()
    }
}

fn deliver_policy(start: StartPosition) -> Result<DeliverPolicy, BoxError> {
    Ok(match start {
        StartPosition::Beginning => DeliverPolicy::All,
        StartPosition::Now => DeliverPolicy::New,
        // An event is published after it arrived.
        StartPosition::At(time) => DeliverPolicy::ByStartTime {
            start_time: datetime::parse_rfc3339(
                &time.to_rfc3339_opts(SecondsFormat::Micros, true),
            )?,
        },
    })
}

/// Creates a durable consumer, or checks the one that exists. Returns whether it was created.
async fn prepare(
    inbox: &JetStreamInbox,
    stream: &Stream,
    mut wanted: pull::Config,
) -> Result<(Consumer<pull::Config>, bool), SubscribeError> {
    let failed = |source: BoxError| SubscribeError::failed(&*inbox.name, "subscribing", source);
    let name = wanted.durable_name.clone().unwrap_or_default();
    let Ok(existing) = stream.get_consumer::<pull::Config>(&name).await else {
        // Another process may create it at the same time.
        let created = stream.get_or_create_consumer(&name, wanted).await;
        return Ok((created.map_err(|error| failed(error.into()))?, true));
    };
    let found = &existing.cached_info().config;
    let drifts = [
        ("ack_policy", found.ack_policy == wanted.ack_policy),
        ("max_deliver", found.max_deliver == wanted.max_deliver),
        (
            "filter_subject",
            found.filter_subject == wanted.filter_subject && found.filter_subjects.is_empty(),
        ),
    ];
    let drifts: Vec<_> = drifts
        .into_iter()
        .filter_map(|(setting, is_right)| (!is_right).then_some(setting))
        .collect();
    if !drifts.is_empty() {
        return Err(SubscribeError::Drifted {
            inbox: inbox.name.to_string(),
            consumer: name,
            settings: drifts.join(", "),
        });
    }
    if found.ack_wait == wanted.ack_wait {
        return Ok((existing, false));
    }
    // The latest choice of the lease applies; where a consumer started, and a pause, stay.
    wanted.deliver_policy = found.deliver_policy;
    wanted.metadata.clone_from(&found.metadata);
    // One that was removed since is not created again: it would start at another place.
    let updated = stream.update_consumer(wanted).await;
    Ok((updated.map_err(|error| failed(error.into()))?, false))
}

#[derive(Debug)]
struct JetStreamSubscription {
    inbox: JetStreamInbox,
    name: ConsumerName,
    lease: Duration,
    events: Consumer<pull::Config>,
    retries: Consumer<pull::Config>,
    /// Whether a single event is to be a new one, if there is one.
    fresh_next: AtomicBool,
    /// When the broker last had no retry to deliver.
    no_retries_since: Mutex<Option<Instant>>,
    /// When the consumer was last seen not to be paused.
    not_paused_at: Mutex<Option<Instant>>,
}

/// A delivery, as a receipt says it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct InFlight {
    operation: String,
    position: u64,
    id: Uuid,
    lane: Lane,
}

/// Which of the two durable consumers made a delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Lane {
    Event {
        /// Where the broker waits for the acknowledgement.
        reply: String,
    },
    Retry {
        lease: Uuid,
    },
}

impl InFlight {
    fn new(key: Key, lane: Lane) -> Self {
        Self {
            operation: key.operation,
            position: key.position,
            id: key.id,
            lane,
        }
    }

    fn key(&self) -> Key {
        Key {
            operation: self.operation.clone(),
            position: self.position,
            id: self.id,
        }
    }

    fn receipt(&self) -> Result<Receipt, BoxError> {
        Ok(Receipt::new(serde_json::to_string(self)?))
    }

    fn read(receipt: &Receipt) -> Result<Self, BoxError> {
        Ok(serde_json::from_str(receipt.as_str())?)
    }
}

#[async_trait]
impl Subscription for JetStreamSubscription {
    async fn receive(&self, limit: usize, wait: Duration) -> Result<Vec<Delivery>, SubscribeError> {
        match self.receive_some(limit, wait).await {
            Ok(deliveries) => Ok(deliveries),
            Err(source) => Err(self.why(source).await),
        }
    }

    async fn extend(&self, receipts: Vec<Receipt>) -> Result<(), SubscribeError> {
        let extended = receipts.iter().map(|receipt| self.extend_one(receipt));
        let extended: Result<Vec<_>, _> = join_all(extended).await.into_iter().collect();
        extended
            .map(drop)
            .map_err(|source| self.failed("extending leases", source))
    }

    async fn settle(&self, outcomes: Vec<(Receipt, Outcome)>) -> Result<(), SubscribeError> {
        let settled = outcomes
            .into_iter()
            .map(|(receipt, outcome)| self.settle_one(receipt, outcome));
        // Each is settled, whatever becomes of the others.
        let settled: Result<Vec<_>, _> = join_all(settled).await.into_iter().collect();
        settled
            .map(drop)
            .map_err(|source| self.failed("settling deliveries", source))
    }
}

impl JetStreamSubscription {
    fn failed(&self, action: &'static str, source: impl Into<BoxError>) -> SubscribeError {
        SubscribeError::failed(&*self.inbox.name, action, source)
    }

    /// Why nothing could be received: the consumer may be gone.
    async fn why(&self, source: BoxError) -> SubscribeError {
        if let Ok(streams) = self.inbox.streams().await
            && let Err(error) = streams.events.consumer_info(self.name.as_str()).await
            && error.kind() == async_nats::jetstream::context::ConsumerInfoErrorKind::NotFound
        {
            return SubscribeError::Removed {
                inbox: self.inbox.name.to_string(),
                consumer: self.name.to_string(),
            };
        }
        self.failed("receiving events", source)
    }

    async fn receive_some(&self, limit: usize, wait: Duration) -> Result<Vec<Delivery>, BoxError> {
        let deadline = Instant::now() + wait;
        loop {
            if self.is_paused().await? {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(Vec::new());
                }
                sleep(pause::LOOK_INTERVAL.min(left)).await;
                continue;
            }
            let retries = self.receive_retries(limit).await?;
            if retries.iter().any(|delivery| delivery.after_crash) || retries.len() == limit {
                return Ok(retries);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let wait = if retries.is_empty() {
                left.min(FETCH_WAIT)
            } else {
                Duration::ZERO
            };
            let fresh = self.receive_fresh(limit - retries.len(), wait).await;
            if !retries.is_empty() {
                // These are delivered, whatever became of the others.
                let mut deliveries = retries;
                deliveries.extend(fresh.unwrap_or_default());
                return Ok(deliveries);
            }
            let fresh = fresh?;
            if !fresh.is_empty() || left.is_zero() {
                return Ok(fresh);
            }
        }
    }

    /// Whether the consumer is paused, as it was a moment ago.
    async fn is_paused(&self) -> Result<bool, BoxError> {
        let seen_at = *lock(&self.not_paused_at);
        if seen_at.is_some_and(|at| at.elapsed() < pause::LOOK_INTERVAL) {
            return Ok(false);
        }
        let asked_at = Instant::now();
        let streams = self.inbox.streams().await?;
        let info = streams.events.consumer_info(self.name.as_str()).await?;
        let is_paused = pause::is_set(&info.config);
        *lock(&self.not_paused_at) = (!is_paused).then_some(asked_at);
        Ok(is_paused)
    }

    /// New events, in the order of arrival.
    async fn receive_fresh(&self, limit: usize, wait: Duration) -> Result<Vec<Delivery>, BoxError> {
        let mut deliveries = Vec::new();
        for message in fetch::fetch(&self.events, limit, wait).await? {
            let (key, event, reply) = read(&message)?;
            let delivered = message.info()?.delivered;
            if delivered > 1 {
                self.move_to_retries(&key, &event, &reply, delivered - 1)
                    .await?;
                continue;
            }
            if self.lease < MIN_ACK_WAIT {
                self.acknowledge(&reply, nak(self.lease)).await?;
            }
            let receipt = InFlight::new(key, Lane::Event { reply }).receipt()?;
            deliveries.push(Delivery::new(event, 1, receipt));
        }
        self.fresh_next.store(false, Ordering::Relaxed);
        Ok(deliveries)
    }

    /// The lease of the first delivery of an event ran out.
    async fn move_to_retries(
        &self,
        key: &Key,
        event: &Event,
        reply: &str,
        attempts: i64,
    ) -> Result<(), BoxError> {
        let progress = Progress {
            attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
            not_before: Utc::now(),
            // Of a delivery that nobody settles by this.
            lease: Some(Uuid::new_v4()),
            problem: None,
        };
        self.put_retry(key, 0, progress.of(event)).await?;
        self.look_for_retries();
        self.acknowledge(reply, ACK).await
    }

    /// Events that were delivered before, or one alone whose last attempt reported no outcome.
    async fn receive_retries(&self, limit: usize) -> Result<Vec<Delivery>, BoxError> {
        let no_retries_since = *self.retries_seen();
        if no_retries_since.is_some_and(|since| since.elapsed() < RETRY_INTERVAL) {
            return Ok(Vec::new());
        }
        let is_fresh_due = || async {
            let info = self.inbox.streams().await?;
            let info = info.events.consumer_info(self.name.as_str()).await?;
            Ok::<_, BoxError>(info.num_pending > 0)
        };
        let share = if limit > 1 {
            limit / 2
        } else if self.fresh_next.load(Ordering::Relaxed) && is_fresh_due().await? {
            self.fresh_next.store(false, Ordering::Relaxed);
            return Ok(Vec::new());
        } else {
            1
        };
        let mut deliveries: Vec<Delivery> = Vec::new();
        let messages = fetch::fetch(&self.retries, share, Duration::ZERO).await?;
        if messages.is_empty() {
            *self.retries_seen() = Some(Instant::now());
        }
        for message in messages {
            let is_first = deliveries.is_empty();
            let is_alone = deliveries.iter().any(|delivery| delivery.after_crash);
            let may_crash = Progress::read(headers(&message)?)?.lease.is_some();
            if is_alone || (may_crash && !is_first) {
                // It comes with the next look.
                let reply = message.reply.as_ref().ok_or(NO_REPLY)?;
                self.acknowledge(reply, nak(Duration::ZERO)).await?;
                continue;
            }
            deliveries.extend(self.deliver_retry(&message).await?);
        }
        self.fresh_next
            .store(!deliveries.is_empty(), Ordering::Relaxed);
        Ok(deliveries)
    }

    /// Counts the attempt, and delivers, unless it is too early or somebody else did.
    async fn deliver_retry(&self, message: &Message) -> Result<Option<Delivery>, BoxError> {
        let (key, event, reply) = read(message)?;
        let progress = Progress::read(headers(message)?)?;
        let early = progress.not_before - Utc::now();
        if let Ok(early) = early.to_std()
            && !early.is_zero()
        {
            self.acknowledge(&reply, nak(early)).await?;
            return Ok(None);
        }
        let lease = Uuid::new_v4();
        let attempt = progress.attempts + 1;
        let leased = Progress {
            attempts: attempt,
            not_before: after(self.lease),
            lease: Some(lease),
            problem: progress.problem,
        };
        let sequence = message.info()?.stream_sequence;
        let is_ours = self.put_retry(&key, sequence, leased.of(&event)).await?;
        // The record replaced the message.
        self.acknowledge(&reply, ACK).await?;
        if !is_ours {
            return Ok(None);
        }
        let receipt = InFlight::new(key, Lane::Retry { lease }).receipt()?;
        let delivery = Delivery::new(event, attempt, receipt);
        Ok(Some(delivery.after_crash(progress.lease.is_some())))
    }

    async fn extend_one(&self, receipt: &Receipt) -> Result<(), BoxError> {
        let in_flight = InFlight::read(receipt)?;
        let streams = self.inbox.streams().await?;
        match &in_flight.lane {
            Lane::Event { reply } => self.acknowledge(reply, IN_PROGRESS).await,
            Lane::Retry { lease } => {
                let Some((sequence, progress, event)) =
                    self.record(streams, &in_flight.key(), *lease).await?
                else {
                    return Ok(());
                };
                let extended = Progress {
                    not_before: after(self.lease),
                    ..progress
                };
                self.put_retry(&in_flight.key(), sequence, extended.of(&event))
                    .await
                    .map(drop)
            }
        }
    }

    async fn settle_one(&self, receipt: Receipt, outcome: Outcome) -> Result<(), BoxError> {
        let in_flight = InFlight::read(&receipt)?;
        let (key, streams) = (in_flight.key(), self.inbox.streams().await?);
        match &in_flight.lane {
            Lane::Event { reply } => self.settle_event(streams, &key, reply, outcome).await,
            Lane::Retry { lease } => self.settle_retry(streams, &key, *lease, outcome).await,
        }
    }

    async fn settle_event(
        &self,
        streams: &Streams,
        key: &Key,
        reply: &str,
        outcome: Outcome,
    ) -> Result<(), BoxError> {
        if outcome != Outcome::Done {
            let Some(found) = records::get(&streams.events, &key.event()).await? else {
                // It was discarded.
                return self.acknowledge(reply, ACK).await;
            };
            let event = message::read(key, &found.headers, found.payload)?;
            let (attempts, not_before, problem, is_dead) = match outcome {
                Outcome::Retry { delay, problem } => (1, after(delay), Some(problem), false),
                Outcome::Dead { problem } => (1, Utc::now(), Some(problem), true),
                _ => (0, Utc::now(), None, false),
            };
            let progress = Progress {
                attempts,
                not_before,
                lease: None,
                problem,
            };
            let retry = key.retry(self.name.as_str());
            let is_late = records::get(&streams.retries, &retry).await?.is_some();
            if is_dead && !is_late {
                let dead = key.dead(self.name.as_str());
                records::put(&self.inbox.context, dead, progress.of(&event)).await?;
            } else if !is_dead {
                // Refused if the event was redelivered: then the later delivery counts.
                self.put_retry(key, 0, progress.of(&event)).await?;
                self.look_for_retries();
            }
        }
        self.acknowledge(reply, ACK).await
    }

    async fn settle_retry(
        &self,
        streams: &Streams,
        key: &Key,
        lease: Uuid,
        outcome: Outcome,
    ) -> Result<(), BoxError> {
        let Some((sequence, progress, event)) = self.record(streams, key, lease).await? else {
            // It was redelivered, or discarded.
            return Ok(());
        };
        let next = |attempts, not_before, problem| Progress {
            attempts,
            not_before,
            lease: None,
            problem,
        };
        let next = match outcome {
            Outcome::Done => {
                records::delete(&streams.retries, sequence).await?;
                return Ok(());
            }
            Outcome::Dead { problem } => {
                let dead = next(progress.attempts, Utc::now(), Some(problem)).of(&event);
                records::put(&self.inbox.context, key.dead(self.name.as_str()), dead).await?;
                records::delete(&streams.retries, sequence).await?;
                return Ok(());
            }
            Outcome::Retry { delay, problem } => {
                next(progress.attempts, after(delay), Some(problem))
            }
            Outcome::Released => next(progress.attempts - 1, Utc::now(), progress.problem),
        };
        self.put_retry(key, sequence, next.of(&event)).await?;
        self.look_for_retries();
        Ok(())
    }

    /// The record of a delivery, unless there was a later one.
    async fn record(
        &self,
        streams: &Streams,
        key: &Key,
        lease: Uuid,
    ) -> Result<Option<(u64, Progress, Event)>, BoxError> {
        let retry = key.retry(self.name.as_str());
        let Some(found) = records::get(&streams.retries, &retry).await? else {
            return Ok(None);
        };
        let progress = Progress::read(&found.headers)?;
        if progress.lease != Some(lease) {
            return Ok(None);
        }
        let event = message::read(key, &found.headers, found.payload)?;
        Ok(Some((found.sequence, progress, event)))
    }

    /// Replaces the record of a sequence, or with 0 stores the first. Returns whether that was done.
    async fn put_retry(
        &self,
        key: &Key,
        sequence: u64,
        record: async_nats::jetstream::message::PublishMessage,
    ) -> Result<bool, BoxError> {
        let retry = key.retry(self.name.as_str());
        records::put_after(&self.inbox.context, retry, sequence, record).await
    }

    fn retries_seen(&self) -> MutexGuard<'_, Option<Instant>> {
        lock(&self.no_retries_since)
    }

    fn look_for_retries(&self) {
        *self.retries_seen() = None;
    }

    /// Acknowledges a message by one of the protocol's words, and waits until the broker has it.
    async fn acknowledge(&self, reply: &str, word: impl Into<Bytes>) -> Result<(), BoxError> {
        let client = self.inbox.context.client();
        client.request(reply.to_owned(), word.into()).await?;
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const ACK: &str = "+ACK";
const IN_PROGRESS: &str = "+WPI";
const NO_REPLY: &str = "a message without a reply subject";

fn nak(delay: Duration) -> Bytes {
    if delay.is_zero() {
        return "-NAK".into();
    }
    format!(r#"-NAK {{"delay": {}}}"#, delay.as_nanos()).into()
}

fn after(delay: Duration) -> DateTime<Utc> {
    let delay = TimeDelta::from_std(delay).unwrap_or(TimeDelta::MAX);
    let after = Utc::now().checked_add_signed(delay);
    after.unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn headers(message: &Message) -> Result<&async_nats::HeaderMap, BoxError> {
    Ok(message
        .headers
        .as_ref()
        .ok_or("a message without headers")?)
}

/// The event of a message, and where the broker waits for the acknowledgement.
fn read(message: &Message) -> Result<(Key, Event, String), BoxError> {
    let sequence = message.info()?.stream_sequence;
    let parsed = subject::parse(&message.subject, sequence)
        .ok_or_else(|| format!("not a subject of an inbox: {}", message.subject))?;
    let event = message::read(&parsed.key, headers(message)?, message.payload.clone())?;
    let reply = message.reply.as_ref().ok_or(NO_REPLY)?;
    Ok((parsed.key, event, reply.to_string()))
}
