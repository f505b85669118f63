//! Runs handlers: receives what can be handled now, renews leases, settles what has ended.

use std::{
    collections::HashMap, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::{
    task::{self, JoinSet},
    time::{Instant, sleep_until, timeout},
};
use tracing::Instrument;

use super::{
    Settings,
    breaker::{Breaker, Change, Dependency},
    handler::{Failure, Handlers, Reaction},
    observer::ConsumerObserver,
    panic_text,
};
use crate::{
    consumer_name::ConsumerName,
    delivery::{Delivery, Outcome, Receipt},
    error::SubscribeError,
    error_chain::ErrorChain,
    inbox::{Subscribe, SubscribeOptions, Subscribed, Subscription},
};

/// How long to wait for events before asking again, which bounds how long stopping takes.
const RECEIVE_WAIT: Duration = Duration::from_secs(1);

/// How long to wait before an inbox that failed is asked again.
const FAILURE_DELAY: Duration = Duration::from_secs(1);

/// How long the outcomes of cancelled handlers may take to be recorded at the end.
const FINAL_SETTLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs a consumer until `shutdown` completes, or the inbox refuses it for good.
pub(super) async fn run(
    inbox: &dyn Subscribe,
    name: ConsumerName,
    settings: Settings,
    handlers: Handlers,
    observer: Arc<dyn ConsumerObserver>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), SubscribeError> {
    tokio::pin!(shutdown);
    let subscribed = loop {
        tokio::select! {
            biased;
            () = &mut shutdown => return Ok(()),
            subscribed = subscribe(inbox, &name, &settings) => match subscribed {
                Ok(subscribed) => break subscribed,
                Err(error) if error.is_permanent() => return Err(error),
                Err(error) => failed(&name, &error),
            }
        }
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            () = tokio::time::sleep(FAILURE_DELAY) => {}
        }
    };
    let Subscribed {
        subscription,
        is_new,
        pending,
        is_paused,
    } = subscribed;
    let start = is_new
        .then_some(settings.start)
        .map(tracing::field::display);
    tracing::info!(consumer = %name, start, pending, "consumer started, {pending} events ahead");
    observer.started(&name);
    if is_paused {
        tracing::warn!(consumer = %name, "consumer is paused, and receives nothing until it is resumed");
    }
    let runtime = Runtime {
        name,
        settings,
        handlers,
        observer,
        subscription: subscription.into(),
        running: JoinSet::new(),
        in_flight: HashMap::new(),
        alone: Alone::No,
        breaker: Breaker::default(),
        receiving: None,
        outcomes: Vec::new(),
        settling: None,
        extending: None,
        extend_at: Instant::now() + settings.lease / 3,
        paused_until: None,
        stop: None,
        refused: None,
    };
    runtime.run(shutdown).await
}

async fn subscribe(
    inbox: &dyn Subscribe,
    name: &ConsumerName,
    settings: &Settings,
) -> Result<Subscribed, SubscribeError> {
    let options = SubscribeOptions {
        lease: settings.lease,
        start: settings.start,
    };
    inbox.subscribe(name, options).await
}

fn failed(name: &ConsumerName, error: &SubscribeError) {
    tracing::error!(consumer = %name, error = %ErrorChain(error), "the inbox failed");
}

type Outcomes = Vec<(Receipt, Outcome)>;

struct Runtime {
    name: ConsumerName,
    settings: Settings,
    handlers: Handlers,
    observer: Arc<dyn ConsumerObserver>,
    subscription: Arc<dyn Subscription>,
    running: JoinSet<(Outcome, Dependency)>,
    in_flight: HashMap<task::Id, InFlight>,
    alone: Alone,
    breaker: Breaker,
    receiving: Option<BoxFuture<'static, Result<Vec<Delivery>, SubscribeError>>>,
    /// What has ended and is not yet being settled.
    outcomes: Outcomes,
    settling: Option<BoxFuture<'static, (Outcomes, Result<(), SubscribeError>)>>,
    extending: Option<BoxFuture<'static, Result<(), SubscribeError>>>,
    extend_at: Instant,
    /// Set while an inbox that failed is left alone.
    paused_until: Option<Instant>,
    /// Set when the consumer is to stop.
    stop: Option<Stop>,
    /// Why the inbox refuses the consumer for good.
    refused: Option<SubscribeError>,
}

/// A delivery whose handler works.
struct InFlight {
    id: uuid::Uuid,
    receipt: Receipt,
    since: Instant,
}

/// Whether an event is handled with nothing else in flight, as it may have crashed the process.
enum Alone {
    No,
    /// It waits until what is in flight has ended.
    Waiting(Box<Delivery>),
    Running,
}

#[derive(Clone, Copy)]
enum Stop {
    /// Handlers may go on until then.
    Finishing(Instant),
    /// They were cancelled; their outcomes may be recorded until then.
    Cancelled(Instant),
}

impl Stop {
    fn deadline(self) -> Instant {
        let (Self::Finishing(deadline) | Self::Cancelled(deadline)) = self;
        deadline
    }
}

impl Runtime {
    async fn run(
        mut self,
        mut shutdown: std::pin::Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> Result<(), SubscribeError> {
        loop {
            self.start();
            if self.stop.is_some() && self.is_idle() {
                break;
            }
            tokio::select! {
                biased;
                () = &mut shutdown, if self.stop.is_none() => self.stop(),
                Some(ended) = self.running.join_next_with_id() => self.ended(ended),
                received = completed(&mut self.receiving) => self.received(received),
                (outcomes, settled) = completed(&mut self.settling) => {
                    self.settled(outcomes, settled);
                }
                extended = completed(&mut self.extending) => {
                    if let Err(error) = extended {
                        failed(&self.name, &error);
                    }
                }
                () = sleep_until(self.extend_at), if !self.in_flight.is_empty() => self.extend(),
                () = until(self.paused_until) => self.paused_until = None,
                () = until(self.breaker.until()) => self.breaker.may_probe(),
                () = until(self.stop.map(Stop::deadline)) => {
                    if !self.cancel() {
                        tracing::warn!(
                            consumer = %self.name,
                            events = self.in_flight.len() + self.outcomes.len(),
                            "stopped with events in flight, which are redelivered"
                        );
                        break;
                    }
                }
            }
        }
        self.refused.map_or(Ok(()), Err)
    }

    /// Starts whatever can start now.
    fn start(&mut self) {
        if let Alone::Waiting(_) = self.alone
            && self.running.is_empty()
            && let Alone::Waiting(delivery) = std::mem::replace(&mut self.alone, Alone::Running)
        {
            self.handle(*delivery);
        }
        if self.paused_until.is_some() {
            return;
        }
        if self.settling.is_none() && !self.outcomes.is_empty() {
            // What ends until then is settled together, next.
            let outcomes = std::mem::take(&mut self.outcomes);
            let subscription = Arc::clone(&self.subscription);
            self.settling = Some(Box::pin(async move {
                let settled = subscription.settle(outcomes.clone()).await;
                (outcomes, settled)
            }));
        }
        let free = self.free();
        let may_receive = self.stop.is_none() && matches!(self.alone, Alone::No) && free > 0;
        if may_receive && self.receiving.is_none() {
            let subscription = Arc::clone(&self.subscription);
            self.receiving = Some(Box::pin(async move {
                subscription.receive(free, RECEIVE_WAIT).await
            }));
        }
    }

    fn free(&self) -> usize {
        self.breaker
            .free(self.settings.concurrency, self.running.len())
    }

    fn is_idle(&self) -> bool {
        self.running.is_empty()
            && self.receiving.is_none()
            && self.settling.is_none()
            && self.outcomes.is_empty()
            && !matches!(self.alone, Alone::Waiting(_))
    }

    fn stop(&mut self) {
        self.stop = Some(Stop::Finishing(Instant::now() + self.settings.stop_timeout));
        if let Alone::Waiting(delivery) = std::mem::replace(&mut self.alone, Alone::No) {
            self.outcomes.push((delivery.receipt, Outcome::Released));
        }
    }

    /// Cancels what is in flight. Returns `false` if that was done before.
    fn cancel(&mut self) -> bool {
        let Some(Stop::Finishing(_)) = self.stop else {
            return false;
        };
        self.stop = Some(Stop::Cancelled(Instant::now() + FINAL_SETTLE_TIMEOUT));
        self.running.abort_all();
        true
    }

    fn received(&mut self, received: Result<Vec<Delivery>, SubscribeError>) {
        let deliveries = match received {
            Ok(deliveries) => deliveries,
            Err(error) => return self.pause(error),
        };
        for delivery in deliveries {
            // An inbox that delivers more beside an event that comes alone gets it back, and so does
            // one that delivers when the consumer has paused.
            let is_unwanted = self.stop.is_some() || self.free() == 0;
            if is_unwanted || !matches!(self.alone, Alone::No) {
                self.outcomes.push((delivery.receipt, Outcome::Released));
            } else if delivery.after_crash {
                self.alone = Alone::Waiting(Box::new(delivery));
            } else {
                self.handle(delivery);
            }
        }
    }

    /// Handles a delivery in a task of its own, or decides about it without.
    fn handle(&mut self, delivery: Delivery) {
        let (id, receipt) = (delivery.event.id, delivery.receipt.clone());
        let attempt = Attempt {
            consumer: self.name.clone(),
            settings: self.settings,
            id,
            number: delivery.attempt,
        };
        if let Some(outcome) = attempt.refuse(&delivery, &self.handlers) {
            self.observer.attempted(&self.name, &outcome, None);
            self.outcomes.push((receipt, outcome));
            self.end_alone();
            return;
        }
        let Some(handler) = self.handlers.of(&delivery.event).cloned() else {
            // It was refused.
            return;
        };
        let span = match &self.handlers.make_span {
            Some(make) => make(&delivery),
            None => tracing::info_span!(
                "aifi_push_handle",
                consumer = %self.name,
                id = %attempt.id,
                operation = delivery.event.operation,
                attempt = attempt.number,
            ),
        };
        // In an async block, so that a handler that panics before its first await is caught too.
        let handled = AssertUnwindSafe(async move { handler(delivery).await }).catch_unwind();
        let handled = async move {
            match timeout(attempt.settings.handler_timeout, handled).await {
                Ok(Ok(Ok(()))) => (Outcome::Done, Dependency::Up),
                Ok(Ok(Err(failure))) => attempt.failed(failure),
                Ok(Err(panic)) => {
                    let panic = panic_text(panic.as_ref());
                    let problem = format!("the handler panicked: {panic}");
                    (attempt.retry(None, problem), Dependency::Unknown)
                }
                Err(_) => {
                    let timeout = attempt.settings.handler_timeout;
                    let problem = format!("the handler exceeded its timeout of {timeout:?}");
                    (attempt.retry(None, problem), Dependency::Unknown)
                }
            }
        };
        let task = self.running.spawn(handled.instrument(span));
        let since = Instant::now();
        if self.in_flight.is_empty() {
            self.extend_at = since + self.settings.lease / 3;
        }
        let in_flight = InFlight { id, receipt, since };
        self.in_flight.insert(task.id(), in_flight);
    }

    fn ended(&mut self, ended: Result<(task::Id, (Outcome, Dependency)), task::JoinError>) {
        let (task, (outcome, dependency)) = match ended {
            Ok(ended) => ended,
            // It was cancelled, as the consumer stops.
            Err(error) => (error.id(), (Outcome::Released, Dependency::Unknown)),
        };
        if let Some(InFlight { id, receipt, since }) = self.in_flight.remove(&task) {
            let took = Some(since.elapsed());
            self.observer.attempted(&self.name, &outcome, took);
            self.outcomes.push((receipt, outcome));
            match self.breaker.found(id, dependency) {
                Some(Change::Paused(pause)) => {
                    tracing::warn!(consumer = %self.name, ?pause, "paused, then one event is tried");
                    self.observer.waiting(&self.name, true);
                }
                Some(Change::Resumed) => {
                    tracing::info!(consumer = %self.name, "resumed");
                    self.observer.waiting(&self.name, false);
                }
                None => {}
            }
        }
        self.end_alone();
    }

    fn end_alone(&mut self) {
        if let Alone::Running = self.alone
            && self.running.is_empty()
        {
            self.alone = Alone::No;
        }
    }

    fn settled(&mut self, outcomes: Outcomes, settled: Result<(), SubscribeError>) {
        if let Err(error) = settled {
            if !error.is_permanent() {
                // Before those that ended since.
                self.outcomes.splice(0..0, outcomes);
            }
            self.pause(error);
        }
    }

    fn pause(&mut self, error: SubscribeError) {
        if error.is_permanent() {
            if self.stop.is_none() {
                self.stop();
            }
            // Nobody takes their outcomes any more.
            self.outcomes.clear();
            self.refused.get_or_insert(error);
        } else {
            failed(&self.name, &error);
            self.paused_until = Some(Instant::now() + FAILURE_DELAY);
        }
    }

    /// Renews the leases of what is in flight, but for handlers that should have ended long ago:
    /// they block their thread, and somebody else may try.
    fn extend(&mut self) {
        self.extend_at = Instant::now() + self.settings.lease / 3;
        let limit = self.settings.handler_timeout + self.settings.lease;
        let renewed = self.in_flight.values();
        let renewed: Vec<_> = renewed
            .filter(|in_flight| in_flight.since.elapsed() < limit)
            .map(|in_flight| in_flight.receipt.clone())
            .collect();
        if self.extending.is_none() && !renewed.is_empty() {
            let subscription = Arc::clone(&self.subscription);
            self.extending = Some(Box::pin(async move { subscription.extend(renewed).await }));
        }
    }
}

/// Waits for a future that may not be there, and takes it away when it has completed.
async fn completed<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    let Some(running) = future else {
        return std::future::pending().await;
    };
    let output = running.await;
    *future = None;
    output
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// One delivery, for what is said about it.
struct Attempt {
    consumer: ConsumerName,
    settings: Settings,
    id: uuid::Uuid,
    number: u32,
}

impl Attempt {
    /// Decides about a delivery that no handler is to see.
    fn refuse(&self, delivery: &Delivery, handlers: &Handlers) -> Option<Outcome> {
        if self.number > self.settings.retry.attempts() {
            return Some(self.dead(format!(
                "delivered {} times; the last attempt reported no outcome (the process may have \
                 crashed)",
                self.number - 1
            )));
        }
        if handlers.of(&delivery.event).is_some() {
            return None;
        }
        if handlers.ignore_unhandled {
            return Some(Outcome::Done);
        }
        Some(self.dead(format!(
            "no handler for {}: add one, a fallback, or ignore_unhandled(), then requeue",
            delivery.event.operation
        )))
    }

    fn failed(&self, failure: Failure) -> (Outcome, Dependency) {
        match failure {
            Failure::Undecodable(error) => (self.dead(error.to_string()), Dependency::Unknown),
            Failure::Handler(error) => {
                let problem = ErrorChain(error.source.as_ref()).to_string();
                match error.reaction {
                    Reaction::Retry => (self.retry(None, problem), Dependency::Up),
                    Reaction::RetryAfter(delay) => {
                        (self.retry(Some(delay), problem), Dependency::Up)
                    }
                    Reaction::GiveUp => (self.dead(problem), Dependency::Up),
                    Reaction::Unavailable(wait) => {
                        (self.retry(wait, problem), Dependency::Down { wait })
                    }
                }
            }
        }
    }

    /// `delay` is the least to wait.
    fn retry(&self, delay: Option<Duration>, problem: String) -> Outcome {
        let Some(backoff) = self.settings.retry.delay_after(self.number) else {
            return self.dead(problem);
        };
        let delay = backoff.max(delay.unwrap_or_default());
        let (consumer, id, attempt) = (&self.consumer, self.id, self.number);
        tracing::warn!(%consumer, %id, attempt, problem, ?delay, "attempt failed");
        Outcome::Retry { delay, problem }
    }

    fn dead(&self, problem: String) -> Outcome {
        let (consumer, id, attempt) = (&self.consumer, self.id, self.number);
        tracing::error!(%consumer, %id, attempt, problem, "dead letter");
        Outcome::Dead { problem }
    }
}
