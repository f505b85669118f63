//! What a handler is given, and what it returns.

use std::{collections::HashMap, fmt, future::Future, sync::Arc, time::Duration};

use aifi_push::{DecodeError, Push, from_slice};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use uuid::Uuid;

use crate::{
    delivery::Delivery,
    error::BoxError,
    event::{Digest, Event},
    trace_parent::TraceParent,
};

/// An event that a handler receives.
#[derive(Clone)]
#[non_exhaustive]
pub struct Received<T> {
    /// The receiver's id of the event: the same at each attempt.
    pub id: Uuid,
    /// When the event arrived.
    pub received_at: DateTime<Utc>,
    /// The digest of the body: equal for duplicates.
    pub digest: Digest,
    /// The number of the attempt, from 1. An earlier attempt may have had its effect and crashed.
    pub attempt: u32,
    /// The span that the request came from, if it said so, for traces: see
    /// [`make_span_with`](crate::ConsumerBuilder::make_span_with).
    pub trace_parent: Option<TraceParent>,
    /// The body, byte for byte.
    pub body: Bytes,
    /// The event.
    pub event: T,
}

impl<T: Push> Received<T> {
    /// Creates what a handler receives at the first attempt of an event that arrives now, for tests of
    /// handlers. The fields are public: set `attempt` or `id` as the test requires.
    ///
    /// ```
    /// use std::io;
    ///
    /// use aifi_push::{operations::TRANSITION_LEFT, types::TransitionLeft};
    /// use aifi_push_inbox::Received;
    ///
    /// async fn bill(left: Received<TransitionLeft>) -> Result<i64, io::Error> {
    ///     Ok(left.event.store_id)
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // The example of the vendor's page, or one of your own.
    /// let mut left: TransitionLeft =
    ///     aifi_push::from_slice(TRANSITION_LEFT.example.unwrap_or_default().as_bytes())?;
    /// left.store_id = 7;
    /// let mut received = Received::new(left)?;
    /// received.attempt = 2;
    /// assert_eq!(bill(received).await?, 7);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`serde_json::Error`] if the event can't be written as JSON, which is its body.
    pub fn new(event: T) -> serde_json::Result<Self> {
        let body = Bytes::from(serde_json::to_vec(&event)?);
        let Event {
            id,
            received_at,
            digest,
            ..
        } = Event::new(&T::OPERATION, body.clone());
        Ok(Self {
            id,
            received_at,
            digest,
            attempt: 1,
            trace_parent: None,
            body,
            event,
        })
    }

    /// Decodes the body of a delivery.
    ///
    /// ```
    /// use aifi_push::{operations::TRANSITION_LEFT, types::TransitionLeft};
    /// use aifi_push_inbox::{Delivery, Event, Receipt, Received};
    ///
    /// // As in a test of a handler.
    /// let event = Event::new(&TRANSITION_LEFT, TRANSITION_LEFT.example.unwrap_or_default());
    /// let left: Received<TransitionLeft> =
    ///     Received::decode(Delivery::new(event, 1, Receipt::new("test")))?;
    /// assert_eq!(left.attempt, 1);
    /// # Ok::<(), aifi_push::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeError`] names the field that is wrong.
    pub fn decode(delivery: Delivery) -> Result<Self, DecodeError> {
        let Delivery { event, attempt, .. } = delivery;
        let trace_parent = event.trace_parent();
        let Event {
            id,
            received_at,
            digest,
            body,
            ..
        } = event;
        Ok(Self {
            event: from_slice(&body)?,
            id,
            received_at,
            digest,
            attempt,
            trace_parent,
            body,
        })
    }
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

/// Why a handler failed, and what is to become of the event.
///
/// Every error converts into one that lets the [`RetryPolicy`](aifi_push::RetryPolicy) decide, so a
/// handler needs this type only to say more. It is no [`std::error::Error`] itself, so that `?` can
/// convert.
#[derive(Debug)]
pub struct HandlerError {
    pub(super) reaction: Reaction,
    pub(super) source: BoxError,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Reaction {
    Retry,
    RetryAfter(Duration),
    GiveUp,
    Unavailable(Option<Duration>),
}

impl HandlerError {
    /// The event is redelivered not before `delay` from now, if an attempt is left.
    pub fn retry_after(delay: Duration, source: impl Into<BoxError>) -> Self {
        Self {
            reaction: Reaction::RetryAfter(delay),
            source: source.into(),
        }
    }

    /// What the handler depends on is down, such as a database: the event is redelivered, if an attempt
    /// is left. When several events in a row find it so, the consumer pauses, a second at first and up
    /// to a minute, and then tries one event at a time until one finds it up.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self {
            reaction: Reaction::Unavailable(None),
            source: source.into(),
        }
    }

    /// The same, where it asks to be left alone: the consumer pauses now, for at least `pause`.
    pub fn unavailable_for(pause: Duration, source: impl Into<BoxError>) -> Self {
        Self {
            reaction: Reaction::Unavailable(Some(pause)),
            source: source.into(),
        }
    }

    /// Another attempt can't succeed: the event becomes a dead letter now.
    pub fn permanent(source: impl Into<BoxError>) -> Self {
        Self {
            reaction: Reaction::GiveUp,
            source: source.into(),
        }
    }
}

impl<E: Into<BoxError>> From<E> for HandlerError {
    fn from(source: E) -> Self {
        Self {
            reaction: Reaction::Retry,
            source: source.into(),
        }
    }
}

pub(super) type Handler =
    Arc<dyn Fn(Delivery) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// Why an attempt failed that ended by itself.
pub(super) enum Failure {
    Undecodable(DecodeError),
    Handler(HandlerError),
}

/// Makes the span of an attempt.
pub(super) type MakeSpan = Arc<dyn Fn(&Delivery) -> tracing::Span + Send + Sync>;

/// A handler of events that decode into a `T`.
pub(super) fn typed<T, F, R, E>(handler: F) -> Handler
where
    T: Push + Send + 'static,
    F: Fn(Received<T>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<HandlerError>,
{
    wrap(handler, Received::decode)
}

/// A handler of events as bytes, which decode if the document lists their operation.
pub(super) fn untyped<F, R, E>(handler: F) -> Handler
where
    F: Fn(Delivery) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<HandlerError>,
{
    wrap(handler, |delivery| {
        let operation = delivery.event.known_operation();
        operation.map_or(Ok(()), |operation| operation.check(&delivery.event.body))?;
        Ok(delivery)
    })
}

fn wrap<I, F, R, E>(handler: F, decode: fn(Delivery) -> Result<I, DecodeError>) -> Handler
where
    I: Send + 'static,
    F: Fn(I) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<HandlerError>,
{
    let handler = Arc::new(handler);
    Arc::new(move |delivery| {
        let handler = Arc::clone(&handler);
        Box::pin(async move {
            let input = decode(delivery).map_err(Failure::Undecodable)?;
            let handled = handler(input).await;
            handled.map_err(|error| Failure::Handler(error.into()))
        })
    })
}

/// The handlers of a consumer.
pub(super) struct Handlers {
    pub(super) by_operation: HashMap<&'static str, Handler>,
    pub(super) fallback: Option<Handler>,
    pub(super) ignore_unhandled: bool,
    pub(super) make_span: Option<MakeSpan>,
}

impl Handlers {
    pub(super) fn of(&self, event: &Event) -> Option<&Handler> {
        let handler = self.by_operation.get(event.operation.as_str());
        handler.or(self.fallback.as_ref())
    }
}
