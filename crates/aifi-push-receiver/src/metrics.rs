//! Metrics for Prometheus. No label takes a value from a request, so their number is bounded.

use std::{fmt, sync::atomic::AtomicU64, time::Instant};

use aifi_push::Operation;
use aifi_push_inbox::InboxStats;
use chrono::Utc;
use prometheus_client::{
    collector::Collector,
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::answer::AnswerMetrics;

/// What the receiver counts. A clone is the same counters.
pub(crate) struct Metrics {
    registry: Registry,
    counters: Counters,
    pub(crate) decoder_panics: Counter,
    pub(crate) returned: Counter,
}

#[derive(Clone)]
struct Counters {
    received: Family<OperationLabel, Counter>,
    quarantined: Family<OperationLabel, Counter>,
    decoder_panics: Counter,
    refused: Family<ReasonLabel, Counter>,
    returned: Counter,
    answers: AnswerMetrics,
    commit_seconds: Histogram,
    queued: Gauge,
    events: Gauge,
    bytes: Gauge,
    /// Without a value where it is not known.
    disk_free: Family<NoLabel, Gauge>,
    pending: Family<ConsumerLabel, Gauge>,
    dead: Family<ConsumerLabel, Gauge>,
    oldest_pending_age: Family<ConsumerLabel, Gauge<f64, AtomicU64>>,
}

type NoLabel = [(&'static str, &'static str); 0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ConsumerLabel {
    consumer: String,
}

/// An event that is being stored.
pub(crate) struct Storing<'a> {
    counters: &'a Counters,
    since: Instant,
}

impl Storing<'_> {
    pub(crate) fn end(self) {
        let seconds = self.since.elapsed().as_secs_f64();
        self.counters.commit_seconds.observe(seconds);
    }
}

impl Drop for Storing<'_> {
    fn drop(&mut self) {
        self.counters.queued.dec();
    }
}

impl Metrics {
    pub(crate) fn new(collectors: Vec<Box<dyn Collector>>, answers: AnswerMetrics) -> Self {
        let counters = Counters {
            received: Family::default(),
            quarantined: Family::default(),
            decoder_panics: Counter::default(),
            refused: Family::default(),
            returned: Counter::default(),
            answers,
            commit_seconds: Histogram::new([
                0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
            ]),
            queued: Gauge::default(),
            events: Gauge::default(),
            bytes: Gauge::default(),
            disk_free: Family::default(),
            pending: Family::default(),
            dead: Family::default(),
            oldest_pending_age: Family::default(),
        };
        let mut registry = Registry::default();
        counters.register(&mut registry);
        for collector in collectors {
            registry.register_collector(collector);
        }
        Self {
            registry,
            decoder_panics: counters.decoder_panics.clone(),
            returned: counters.returned.clone(),
            counters,
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        self.counters.register(registry);
    }

    pub(crate) fn answers(&self) -> &AnswerMetrics {
        &self.counters.answers
    }

    pub(crate) fn storing(&self) -> Storing<'_> {
        self.counters.queued.inc();
        Storing {
            counters: &self.counters,
            since: Instant::now(),
        }
    }

    pub(crate) fn count_stored(&self, operation: &Operation, is_quarantined: bool) {
        let label = OperationLabel {
            operation: operation.id,
        };
        self.counters.received.get_or_create(&label).inc();
        if is_quarantined {
            self.counters.quarantined.get_or_create(&label).inc();
        }
    }

    pub(crate) fn count_refused(&self, reason: &'static str) {
        let label = ReasonLabel { reason };
        self.counters.refused.get_or_create(&label).inc();
    }

    /// Sets the gauges to what is in the inbox.
    pub(crate) fn refresh(&self, stats: &InboxStats) {
        let counters = &self.counters;
        counters.events.set(saturating(stats.events));
        counters.bytes.set(saturating(stats.bytes));
        if let Some(free) = stats.disk_free {
            counters.disk_free.get_or_create(&[]).set(saturating(free));
        }
        // A consumer that was removed has no series any more.
        counters.pending.clear();
        counters.dead.clear();
        counters.oldest_pending_age.clear();
        for consumer in &stats.consumers {
            let label = ConsumerLabel {
                consumer: consumer.name.clone(),
            };
            let (pending, dead) = (saturating(consumer.pending), saturating(consumer.dead));
            counters.pending.get_or_create(&label).set(pending);
            counters.dead.get_or_create(&label).set(dead);
            let age = consumer.oldest_pending.map(|oldest| Utc::now() - oldest);
            let age = age.and_then(|age| age.to_std().ok()).unwrap_or_default();
            counters
                .oldest_pending_age
                .get_or_create(&label)
                .set(age.as_secs_f64());
        }
    }

    /// Returns all metrics as text.
    pub(crate) fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Counters {
    fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("aifi_push");
        registry.register("received", "Events stored", self.received.clone());
        registry.register(
            "quarantined",
            "Events stored whose body failed to decode",
            self.quarantined.clone(),
        );
        registry.register(
            "decoder_panics",
            "Panics of the decoder, each a bug; the events are quarantined",
            self.decoder_panics.clone(),
        );
        registry.register(
            "refused",
            "Requests not stored, by reason",
            self.refused.clone(),
        );
        registry.register(
            "returned",
            "Events that were forwarded from this inbox and came back; they are not stored again",
            self.returned.clone(),
        );
        self.answers.register(registry);
        registry.register_with_unit(
            "commit",
            "Time until an event was durable",
            Unit::Seconds,
            self.commit_seconds.clone(),
        );
        registry.register(
            "queued_events",
            "Events that wait for a commit",
            self.queued.clone(),
        );
        registry.register("inbox_events", "Events in the inbox", self.events.clone());
        registry.register_with_unit(
            "inbox",
            "Size of the bodies in the inbox",
            Unit::Bytes,
            self.bytes.clone(),
        );
        registry.register_with_unit(
            "disk_free",
            "Room that is left on the disk of the inbox",
            Unit::Bytes,
            self.disk_free.clone(),
        );
        registry.register(
            "consumer_pending_events",
            "Events that a consumer has yet to acknowledge",
            self.pending.clone(),
        );
        registry.register(
            "consumer_dead_events",
            "Dead letters of a consumer",
            self.dead.clone(),
        );
        registry.register_with_unit(
            "consumer_oldest_pending_age",
            "Time since the oldest event arrived that a consumer has yet to acknowledge",
            Unit::Seconds,
            self.oldest_pending_age.clone(),
        );
    }
}

fn saturating(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
