//! Who observes what a consumer does.

use std::{fmt, time::Duration};

use crate::{consumer_name::ConsumerName, delivery::Outcome};

/// Observes what a consumer does, such as to count it.
///
/// Its methods are called while events are handled, so they must not block. Each defaults to nothing.
/// `ConsumerMetrics` of `aifi-push-receiver` counts for Prometheus.
///
/// ```
/// use std::time::Duration;
///
/// use aifi_push_inbox::{ConsumerName, ConsumerObserver, Outcome};
///
/// #[derive(Debug)]
/// struct DeadLetters;
///
/// impl ConsumerObserver for DeadLetters {
///     fn attempted(&self, consumer: &ConsumerName, outcome: &Outcome, _: Option<Duration>) {
///         if let Outcome::Dead { problem } = outcome {
///             println!("{consumer}: {problem}");
///         }
///     }
/// }
/// ```
pub trait ConsumerObserver: fmt::Debug + Send + Sync + 'static {
    /// The consumer has subscribed.
    fn started(&self, consumer: &ConsumerName) {
        let _ = consumer;
    }

    /// An attempt ended, after the time that its handler took, or without one if no handler saw the
    /// event. The outcome is not recorded in the inbox yet.
    fn attempted(&self, consumer: &ConsumerName, outcome: &Outcome, took: Option<Duration>) {
        let _ = (consumer, outcome, took);
    }

    /// The consumer waits, as what its handlers depend on is
    /// [down](crate::HandlerError::unavailable), or goes on.
    fn waiting(&self, consumer: &ConsumerName, is_waiting: bool) {
        let _ = (consumer, is_waiting);
    }
}

/// The default.
#[derive(Debug)]
pub(super) struct Unobserved;

impl ConsumerObserver for Unobserved {}
