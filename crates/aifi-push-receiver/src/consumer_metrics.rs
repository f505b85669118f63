//! What is counted of consumers that run in this process.

use std::time::Duration;

use aifi_push_inbox::{ConsumerName, ConsumerObserver, Outcome};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

/// Metrics of consumers that run in this process: their attempts by outcome, the time that handlers
/// take, and whether they wait as what they depend on is down.
///
/// A clone is the same metrics. [`Receiver::consumer_metrics`] returns those that its `/metrics` has;
/// a process without a receiver creates its own.
///
/// ```no_run
/// # use std::sync::Arc;
/// use aifi_push_receiver::{
///     ConsumerMetrics,
///     inbox::{Consumer, Delivery, Subscribe},
/// };
/// use prometheus_client::registry::Registry;
///
/// # async fn run(inbox: Arc<dyn Subscribe>) -> Result<(), Box<dyn std::error::Error>> {
/// let metrics = ConsumerMetrics::default();
/// let mut registry = Registry::default();
/// metrics.register(&mut registry);
/// Consumer::builder(inbox, "billing")
///     .fallback(async |_: Delivery| Ok::<_, std::io::Error>(()))
///     .observer(Arc::new(metrics))
///     .run(std::future::pending())
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// [`Receiver::consumer_metrics`]: crate::Receiver::consumer_metrics
#[derive(Clone, Debug)]
pub struct ConsumerMetrics {
    attempts: Family<AttemptLabel, Counter>,
    seconds: Family<ConsumerLabel, Histogram, fn() -> Histogram>,
    waiting: Family<ConsumerLabel, Gauge>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AttemptLabel {
    consumer: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ConsumerLabel {
    consumer: String,
}

/// What an attempt ends with.
const OUTCOMES: [&str; 4] = ["done", "retry", "dead", "released"];

impl ConsumerMetrics {
    /// Registers the metrics in a registry of your own, with the names that `/metrics` has.
    pub fn register(&self, registry: &mut Registry) {
        self.register_in(registry.sub_registry_with_prefix("aifi_push"));
    }

    pub(crate) fn register_in(&self, registry: &mut Registry) {
        registry.register(
            "consumer_attempts",
            "Attempts of a consumer in this process, by outcome",
            self.attempts.clone(),
        );
        registry.register_with_unit(
            "consumer_attempt",
            "Time that the handler of a consumer in this process took",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "consumer_waiting",
            "Whether a consumer in this process waits, as what it depends on is down",
            self.waiting.clone(),
        );
    }
}

impl Default for ConsumerMetrics {
    fn default() -> Self {
        Self {
            attempts: Family::default(),
            seconds: Family::new_with_constructor(|| {
                Histogram::new([
                    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
                ])
            }),
            waiting: Family::default(),
        }
    }
}

impl ConsumerObserver for ConsumerMetrics {
    fn started(&self, consumer: &ConsumerName) {
        for outcome in OUTCOMES {
            drop(self.attempts.get_or_create(&attempt(consumer, outcome)));
        }
        drop(self.seconds.get_or_create(&label(consumer)));
        self.waiting.get_or_create(&label(consumer)).set(0);
    }

    fn attempted(&self, consumer: &ConsumerName, outcome: &Outcome, took: Option<Duration>) {
        let [done, retry, dead, released] = OUTCOMES;
        let outcome = match outcome {
            Outcome::Done => done,
            Outcome::Retry { .. } => retry,
            Outcome::Dead { .. } => dead,
            // Nobody tried.
            _ => released,
        };
        let attempt = attempt(consumer, outcome);
        self.attempts.get_or_create(&attempt).inc();
        if let Some(took) = took {
            let seconds = self.seconds.get_or_create(&label(consumer));
            seconds.observe(took.as_secs_f64());
        }
    }

    fn waiting(&self, consumer: &ConsumerName, is_waiting: bool) {
        let waiting = self.waiting.get_or_create(&label(consumer));
        waiting.set(is_waiting.into());
    }
}

fn attempt(consumer: &ConsumerName, outcome: &'static str) -> AttemptLabel {
    AttemptLabel {
        consumer: consumer.to_string(),
        outcome,
    }
}

fn label(consumer: &ConsumerName) -> ConsumerLabel {
    ConsumerLabel {
        consumer: consumer.to_string(),
    }
}
