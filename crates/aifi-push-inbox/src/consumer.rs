//! Consumers: handlers that receive each event at least once.

mod breaker;
mod handler;
mod observer;
mod runtime;

use std::{any::Any, collections::HashMap, fmt, future::Future, sync::Arc, time::Duration};

use aifi_push::{Push, RetryPolicy};
use handler::{Handler, MakeSpan};
pub use handler::{HandlerError, Received};
pub use observer::ConsumerObserver;

use crate::{
    consumer_name::ConsumerName,
    delivery::Delivery,
    error::ConsumerError,
    inbox::{StartPosition, Subscribe},
};

/// A shorter lease would be renewed all the time.
const MIN_LEASE: Duration = Duration::from_secs(1);

/// Handles each event of an inbox, at least once.
///
/// Up to [`concurrency`](ConsumerBuilder::concurrency) events are handled at a time, and no more are
/// received than can be handled now. Each is settled when its handler ends, so a crash redelivers only
/// what was in flight. A handler that returns an error, panics or exceeds its
/// [timeout](ConsumerBuilder::handler_timeout) failed; the event is redelivered after a delay while
/// others go on, and becomes a dead letter when its attempts are exhausted. An event that was in
/// flight when the process crashed is handled alone, so that one which crashes the process takes no
/// other with it. While what the handlers depend on is [down](HandlerError::unavailable), the consumer
/// pauses rather than exhaust the attempts of every event.
///
/// ```no_run
/// use std::{error::Error, sync::Arc, time::Duration};
///
/// use aifi_push::types::TransitionLeft;
/// use aifi_push_inbox::{Consumer, HandlerError, MemoryInbox, Received};
///
/// # async fn run() -> Result<(), Box<dyn Error>> {
/// let inbox = Arc::new(MemoryInbox::new());
/// Consumer::builder(inbox, "billing")
///     .handler(|left: Received<TransitionLeft>| async move {
///         if left.event.store_id < 0 {
///             return Err(HandlerError::permanent("no such store"));
///         }
///         println!("{}: a customer left store {}", left.id, left.event.store_id);
///         Ok(())
///     })
///     .ignore_unhandled()
///     .concurrency(8)
///     .handler_timeout(Duration::from_secs(10))
///     .run(std::future::pending())
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// # Exactly one effect
///
/// A handler may see an event again, with the same [`id`](Received::id): after a crash, or if its
/// outcome could not be recorded. To make its effect happen once, record the id in a table of your own
/// with a unique key, in the same transaction as the effect, and return `Ok` if it is there already.
/// `examples/idempotent.rs` does so.
#[derive(Debug)]
pub struct Consumer(());

impl Consumer {
    /// Configures a consumer. The inbox keeps its place under the name.
    pub fn builder(inbox: Arc<dyn Subscribe>, name: impl Into<String>) -> ConsumerBuilder {
        ConsumerBuilder {
            inbox,
            name: name.into(),
            handlers: HashMap::new(),
            fallback: None,
            ignore_unhandled: false,
            observer: Arc::new(observer::Unobserved),
            make_span: None,
            settings: Settings {
                concurrency: 1,
                handler_timeout: Duration::from_secs(60),
                retry: RetryPolicy::default()
                    .max_attempts(16)
                    .first_delay(Duration::from_secs(1))
                    .max_delay(Duration::from_secs(600)),
                start: StartPosition::Beginning,
                lease: Duration::from_secs(30),
                stop_timeout: Duration::from_secs(10),
            },
        }
    }
}

/// Configures and runs a [`Consumer`].
#[must_use = "a consumer does nothing until `run` is called"]
pub struct ConsumerBuilder {
    inbox: Arc<dyn Subscribe>,
    name: String,
    handlers: HashMap<&'static str, Handler>,
    fallback: Option<Handler>,
    ignore_unhandled: bool,
    observer: Arc<dyn ConsumerObserver>,
    make_span: Option<MakeSpan>,
    settings: Settings,
}

#[derive(Clone, Copy, Debug)]
struct Settings {
    concurrency: usize,
    handler_timeout: Duration,
    retry: RetryPolicy,
    start: StartPosition,
    lease: Duration,
    stop_timeout: Duration,
}

impl ConsumerBuilder {
    /// Sets the handler of the events whose body is a `T`. A second handler of the same type replaces
    /// the first.
    ///
    /// Any error makes the event be redelivered; a [`HandlerError`] says more. A body that fails to
    /// decode into a `T` reaches no handler and becomes a dead letter of this consumer.
    pub fn handler<T, F, R, E>(mut self, handler: F) -> Self
    where
        T: Push + Send + 'static,
        F: Fn(Received<T>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<HandlerError>,
    {
        self.handlers
            .insert(T::OPERATION.id, handler::typed(handler));
        self
    }

    /// Sets the handler of all other events, as bytes. Those of an operation that the document lists
    /// decode.
    pub fn fallback<F, R, E>(mut self, handler: F) -> Self
    where
        F: Fn(Delivery) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<HandlerError>,
    {
        self.fallback = Some(handler::untyped(handler));
        self
    }

    /// Acknowledges events of operations without a handler. Without this and without a
    /// [`fallback`](Self::fallback), such an event becomes a dead letter.
    pub fn ignore_unhandled(mut self) -> Self {
        self.ignore_unhandled = true;
        self
    }

    /// Sets how many events are handled at a time. Defaults to 1: then events are handled in the order
    /// of arrival, but for those that failed.
    pub fn concurrency(mut self, events: usize) -> Self {
        self.settings.concurrency = events;
        self
    }

    /// Sets how long a handler may take. Then it is cancelled, and the attempt failed. Defaults to
    /// 60 seconds.
    pub fn handler_timeout(mut self, timeout: Duration) -> Self {
        self.settings.handler_timeout = timeout;
        self
    }

    /// Sets how often and after which delays an event is redelivered. Defaults to 16 attempts, the
    /// first delay 1 second, none longer than 10 minutes: more than an hour in all.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry = policy;
        self
    }

    /// Sets where the consumer starts if the inbox does not know it yet. Defaults to the beginning.
    pub fn start(mut self, start: StartPosition) -> Self {
        self.settings.start = start;
        self
    }

    /// Sets how long after a crash events are redelivered. The lease of an event is renewed while its
    /// handler works. Defaults to 30 seconds; at least 1 second.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// Sets how long handlers may go on when the consumer is to stop. Then they are cancelled, and
    /// their events redelivered. Defaults to 10 seconds.
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.settings.stop_timeout = timeout;
        self
    }

    /// Sets who observes what the consumer does. Defaults to nobody.
    pub fn observer(mut self, observer: Arc<dyn ConsumerObserver>) -> Self {
        self.observer = observer;
        self
    }

    /// Sets the [`tracing`] span in which each attempt is handled, for a name and fields of your own, or
    /// to make it part of the trace that the request [came from](crate::Event::trace_parent). Defaults
    /// to `aifi_push_handle` with the name of the consumer, and the id, the operation and the attempt of
    /// the event. A span that nobody listens to costs nothing.
    ///
    /// ```
    /// # use aifi_push_inbox::ConsumerBuilder;
    /// # fn traced(consumer: ConsumerBuilder) -> ConsumerBuilder {
    /// consumer.make_span_with(|delivery| {
    ///     let span = tracing::info_span!("bill", event = %delivery.event.id);
    ///     // With tracing-opentelemetry, `span.set_parent(…)` of `delivery.event.trace_parent()`.
    ///     span
    /// })
    /// # }
    /// ```
    pub fn make_span_with(
        mut self,
        make: impl Fn(&Delivery) -> tracing::Span + Send + Sync + 'static,
    ) -> Self {
        self.make_span = Some(Arc::new(make));
        self
    }

    /// Handles events until `shutdown` completes and what is in flight has ended.
    ///
    /// An inbox that fails is logged and asked again.
    ///
    /// # Errors
    ///
    /// [`ConsumerError`] if the name or a setting is invalid, if there is no handler, or if the inbox
    /// refuses the consumer for good.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, handlers in flight are cancelled, and their events redelivered when
    /// their leases end.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ConsumerError> {
        let name = ConsumerName::new(&self.name)?;
        self.check()?;
        let handlers = handler::Handlers {
            by_operation: self.handlers,
            fallback: self.fallback,
            ignore_unhandled: self.ignore_unhandled,
            make_span: self.make_span,
        };
        let ended = runtime::run(
            &*self.inbox,
            name,
            self.settings,
            handlers,
            self.observer,
            shutdown,
        )
        .await;
        Ok(ended?)
    }

    fn check(&self) -> Result<(), ConsumerError> {
        let settings = &self.settings;
        let wrong = |setting, reason| {
            Err(ConsumerError::Configuration {
                consumer: self.name.clone(),
                setting,
                reason,
            })
        };
        if self.handlers.is_empty() && self.fallback.is_none() {
            return wrong("handler", "no handler: add one, or a fallback");
        }
        if settings.concurrency == 0 {
            return wrong("concurrency", "0 events at a time: allow at least 1");
        }
        if settings.handler_timeout.is_zero() {
            return wrong(
                "handler_timeout",
                "no time to handle an event: allow more than 0",
            );
        }
        if settings.lease < MIN_LEASE {
            return wrong("lease", "too short to be renewed: allow at least 1 second");
        }
        Ok(())
    }
}

impl fmt::Debug for ConsumerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerBuilder")
            .field("inbox", &self.inbox)
            .field("name", &self.name)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Returns the message of a panic.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref().copied())
        .unwrap_or("without a message")
}
