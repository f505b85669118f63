//! Consumers: functions that are handed each event at least once.

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    future::Future,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use aifi_push::{DecodeError, Push, from_slice};
use axum::body::Bytes;
use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::{DateTime, Utc};
use futures_util::{FutureExt, future::BoxFuture};
use uuid::Uuid;

use crate::{Delivery, Digest, Event, Inbox, Outcome, Receipt, chain::Chain, error::BoxError};

/// How many events are asked for at once.
const BATCH: usize = 64;

/// How long to wait for events before asking again, which bounds how long stopping takes, and after
/// the inbox failed.
const WAIT: Duration = Duration::from_secs(1);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Hands each event of an inbox to a function, at least once.
///
/// Events come one after the other, in the order of arrival. One that fails is set aside and comes
/// again after a while, later ones go on; after too many attempts it becomes a dead letter.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use aifi_push::types::TransitionLeft;
/// use aifi_push_receiver::{Consumer, Received, SqliteInbox};
///
/// # async fn run() -> Result<(), aifi_push_receiver::Error> {
/// let inbox = Arc::new(SqliteInbox::open("events.db").await?);
/// Consumer::new(inbox, "billing")
///     .on(|left: Received<TransitionLeft>| async move {
///         println!("{}: somebody left store {}", left.id, left.event.store_id);
///         Ok::<_, std::io::Error>(())
///     })
///     .run(std::future::pending())
///     .await;
/// # Ok(())
/// # }
/// ```
#[must_use = "a consumer does nothing until `run` is called"]
pub struct Consumer {
    inbox: Arc<dyn Inbox>,
    name: String,
    handlers: HashMap<&'static str, Handler>,
    every: Option<Handler>,
    max_attempts: u32,
    min_delay: Duration,
    max_delay: Duration,
    lease: Duration,
}

type Handler = Box<dyn Fn(Delivery) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

enum Failure {
    Undecodable(DecodeError),
    Handler(BoxError),
}

/// An event that a handler receives.
#[derive(Clone)]
#[non_exhaustive]
pub struct Received<T> {
    /// The receiver's id of the event: the same at each attempt.
    pub id: Uuid,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
    /// The digest of the body: equal for twins.
    pub digest: Digest,
    /// Which attempt it is, from 1. A later one may follow an attempt that did its work and crashed.
    pub attempt: u32,
    /// The body, byte for byte.
    pub body: Bytes,
    /// The event.
    pub event: T,
}

impl<T: fmt::Debug> fmt::Debug for Received<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("id", &self.id)
            .field("received_at", &self.received_at)
            .field("attempt", &self.attempt)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

impl Consumer {
    /// A consumer of this name, with no handler yet. Its place in the inbox is kept under the name.
    pub fn new(inbox: Arc<dyn Inbox>, name: impl Into<String>) -> Self {
        Self {
            inbox,
            name: name.into(),
            handlers: HashMap::new(),
            every: None,
            max_attempts: 16,
            min_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(600),
            lease: Duration::from_secs(60),
        }
    }

    /// Hands the pushes of the type `T` to `handler`. It may see one twice, and says by `Ok` that it
    /// is done with it. Pushes without a handler are passed over.
    pub fn on<T, F, R, E>(mut self, handler: F) -> Self
    where
        T: Push + Send + 'static,
        F: Fn(Received<T>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let handler = Arc::new(handler);
        let handle: Handler = Box::new(move |delivery| {
            let handler = Arc::clone(&handler);
            Box::pin(async move {
                let received = received(delivery).map_err(Failure::Undecodable)?;
                let done = handler(received).await;
                done.map_err(|error| Failure::Handler(error.into()))
            })
        });
        self.handlers.insert(T::OPERATION.id, handle);
        self
    }

    /// Hands every push that has no handler of its own to `handler`, as bytes that decode.
    pub fn on_every<F, R, E>(mut self, handler: F) -> Self
    where
        F: Fn(Delivery) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let handler = Arc::new(handler);
        self.every = Some(Box::new(move |delivery| {
            let handler = Arc::clone(&handler);
            Box::pin(async move {
                check(&delivery.event).map_err(Failure::Undecodable)?;
                let done = handler(delivery).await;
                done.map_err(|error| Failure::Handler(error.into()))
            })
        }));
        self
    }

    /// After how many attempts an event becomes a dead letter. 16 unless set: with the delays that
    /// are set unless others are, that is after more than an hour.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// How long to wait before the second attempt, and at most before a later one; in between the
    /// delay doubles. 1 second and 10 minutes unless set.
    pub fn delays(mut self, min: Duration, max: Duration) -> Self {
        self.min_delay = min;
        self.max_delay = max;
        self
    }

    /// How long an attempt may take at most before the event is handed out again, as after a crash.
    /// 60 seconds unless set.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Hands out events until `stop` is done. The event in hand is finished then.
    ///
    /// An inbox that fails is logged and asked again.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let stop = stop.shared();
        while stop.clone().now_or_never().is_none() {
            // Not cut off by `stop`: what was handed out by then would wait until its lease is over.
            let taken = self.inbox.take(&self.name, BATCH, self.lease, WAIT).await;
            let settled = match taken {
                Ok(deliveries) if deliveries.is_empty() => continue,
                Ok(deliveries) => {
                    let outcomes =
                        self.handle(deliveries, || stop.clone().now_or_never().is_some());
                    let outcomes = outcomes.await;
                    self.inbox.settle(&self.name, outcomes).await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = settled {
                tracing::error!(consumer = self.name, error = %Chain(&error), "the inbox failed");
                tokio::select! {
                    () = stop.clone() => {}
                    () = tokio::time::sleep(PAUSE_AFTER_FAILURE) => {}
                }
            }
        }
    }

    async fn handle(
        &self,
        deliveries: Vec<Delivery>,
        is_stopping: impl Fn() -> bool,
    ) -> Vec<(Receipt, Outcome)> {
        // What is left when half the lease is over is put back, so that nobody else gets it meanwhile.
        let start = Instant::now();
        let mut outcomes = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let receipt = delivery.receipt.clone();
            let is_first = outcomes.is_empty();
            let outcome = if is_stopping() || (start.elapsed() > self.lease / 2 && !is_first) {
                Outcome::Untouched
            } else {
                self.attempt(delivery).await
            };
            outcomes.push((receipt, outcome));
        }
        outcomes
    }

    async fn attempt(&self, delivery: Delivery) -> Outcome {
        let handler = self.handlers.get(delivery.event.operation.as_str());
        let Some(handler) = handler.or(self.every.as_ref()) else {
            return Outcome::Done;
        };
        let (id, attempt) = (delivery.event.id, delivery.attempt);
        if attempt > self.max_attempts {
            // The last attempt ended without a word, as by a crash. Another could crash as well.
            let problem = format!("handed out {} times, the last without a word", attempt - 1);
            tracing::warn!(consumer = self.name, %id, attempt, problem, "given up");
            return Outcome::Dead { problem };
        }
        let done = AssertUnwindSafe(async { handler(delivery).await })
            .catch_unwind()
            .await;
        let problem = match done {
            Ok(Ok(())) => return Outcome::Done,
            Ok(Err(Failure::Handler(error))) => Chain(error.as_ref()).to_string(),
            Ok(Err(Failure::Undecodable(error))) => {
                return self.quarantine(id, &error).await;
            }
            Err(panic) => format!("the handler panicked: {}", panic_text(panic.as_ref())),
        };
        let is_last = attempt >= self.max_attempts;
        tracing::warn!(consumer = self.name, %id, attempt, problem, is_last, "not done");
        if is_last {
            return Outcome::Dead { problem };
        }
        Outcome::Retry {
            delay: self.delay_after(attempt),
            problem,
        }
    }

    /// An event that was stored but not yet set aside when the process crashed.
    async fn quarantine(&self, id: Uuid, error: &DecodeError) -> Outcome {
        let problem = error.to_string();
        tracing::warn!(consumer = self.name, %id, problem, "quarantined");
        match self.inbox.quarantine(id, &problem).await {
            Ok(()) => Outcome::Done,
            Err(_) => Outcome::Retry {
                delay: self.min_delay,
                problem,
            },
        }
    }

    fn delay_after(&self, attempt: u32) -> Duration {
        let mut delays = ExponentialBuilder::default()
            .with_min_delay(self.min_delay)
            .with_max_delay(self.max_delay)
            .without_max_times()
            .with_jitter()
            .build();
        let nth = usize::try_from(attempt - 1).unwrap_or(usize::MAX);
        // Longer series than this have reached the bound.
        delays.nth(nth.min(64)).unwrap_or(self.max_delay)
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("inbox", &self.inbox)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

fn received<T: Push>(delivery: Delivery) -> Result<Received<T>, DecodeError> {
    let Delivery { event, attempt, .. } = delivery;
    Ok(Received {
        event: from_slice(&event.body)?,
        id: event.id,
        received_at: event.received_at,
        digest: event.digest,
        attempt,
        body: event.body,
    })
}

/// Checks an event of an operation that the document knows.
fn check(event: &Event) -> Result<(), DecodeError> {
    let operation = event.known_operation();
    operation.map_or(Ok(()), |operation| operation.check(&event.body))
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref().copied())
        .unwrap_or("without a message")
}
