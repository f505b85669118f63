//! An event on its way to a consumer, and what becomes of it.

use std::time::Duration;

use crate::event::Event;

/// An event that is delivered to a consumer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Delivery {
    /// The event.
    pub event: Event,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// Whether the previous attempt reported no outcome within its lease: the process may have
    /// crashed, and this event may be why. Such a delivery comes alone; nothing else should be in
    /// flight while it is handled.
    pub after_crash: bool,
    /// What to [settle](crate::Subscription::settle) it with.
    pub receipt: Receipt,
}

impl Delivery {
    /// Creates a delivery, for inboxes and for tests of handlers.
    ///
    /// ```
    /// use aifi_push::operations::TRANSITION_LEFT;
    /// use aifi_push_inbox::{Delivery, Event, HandlerError, Receipt};
    ///
    /// async fn archive(delivery: Delivery) -> Result<(), HandlerError> {
    ///     match delivery.event.body.len() {
    ///         0 => Err(HandlerError::permanent("nothing to archive")),
    ///         _ => Ok(()),
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let event = Event::new(&TRANSITION_LEFT, "{}");
    /// let delivery = Delivery::new(event, 1, Receipt::new("of a test"));
    /// assert!(archive(delivery).await.is_ok());
    /// # }
    /// ```
    pub fn new(event: Event, attempt: u32, receipt: Receipt) -> Self {
        Self {
            event,
            attempt,
            after_crash: false,
            receipt,
        }
    }

    /// Sets whether the previous attempt reported no outcome. Defaults to `false`.
    pub fn after_crash(mut self, after_crash: bool) -> Self {
        self.after_crash = after_crash;
        self
    }
}

/// Identifies a delivery among others of the same event. Its content belongs to the inbox.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Receipt(String);

impl Receipt {
    /// Creates a receipt, for inboxes and for tests of handlers.
    pub fn new(content: impl Into<String>) -> Self {
        Self(content.into())
    }

    /// Returns the content.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The consumer acknowledged the event: it is not delivered again.
    Done,
    /// The attempt failed: the event is redelivered.
    Retry {
        /// How long to wait before.
        delay: Duration,
        /// What failed.
        problem: String,
    },
    /// The event becomes a dead letter of this consumer: it is not delivered again until it is
    /// [requeued](crate::Admin::requeue) or [replayed](crate::Admin::replay).
    Dead {
        /// What failed.
        problem: String,
    },
    /// Nobody tried: the event is redelivered now, and the attempt does not count.
    Released,
}
