//! Figures for Prometheus. No label takes a value from a request, so their number is bounded.

use std::{fmt, sync::atomic::AtomicU64};

use aifi_push::Operation;
use chrono::Utc;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::Stats;

/// What the receiver counts.
pub(crate) struct Metrics {
    registry: Registry,
    received: Family<OperationLabel, Counter>,
    quarantined: Family<OperationLabel, Counter>,
    refused: Family<ReasonLabel, Counter>,
    pub(crate) commit_seconds: Histogram,
    pub(crate) batch_events: Histogram,
    pub(crate) queued: Gauge,
    events: Gauge,
    bytes: Gauge,
    pending: Family<ConsumerLabel, Gauge>,
    dead: Family<ConsumerLabel, Gauge>,
    oldest_pending_age: Family<ConsumerLabel, Gauge<f64, AtomicU64>>,
}

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

impl Metrics {
    pub(crate) fn new() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("aifi_push"),
            received: Family::default(),
            quarantined: Family::default(),
            refused: Family::default(),
            commit_seconds: Histogram::new([
                0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
            ]),
            batch_events: Histogram::new([1.0, 4.0, 16.0, 64.0, 256.0, 1024.0]),
            queued: Gauge::default(),
            events: Gauge::default(),
            bytes: Gauge::default(),
            pending: Family::default(),
            dead: Family::default(),
            oldest_pending_age: Family::default(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("received", "Events stored", self.received.clone());
        registry.register(
            "quarantined",
            "Events stored whose body does not decode",
            self.quarantined.clone(),
        );
        registry.register(
            "refused",
            "Calls not stored, by reason",
            self.refused.clone(),
        );
        registry.register_with_unit(
            "commit",
            "Time until a batch of events was durable",
            Unit::Seconds,
            self.commit_seconds.clone(),
        );
        registry.register(
            "batch_events",
            "Events of a commit",
            self.batch_events.clone(),
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
        registry.register(
            "consumer_pending_events",
            "Events that a consumer has yet to be done with",
            self.pending.clone(),
        );
        registry.register(
            "consumer_dead_events",
            "Events that a consumer gave up",
            self.dead.clone(),
        );
        registry.register_with_unit(
            "consumer_oldest_pending_age",
            "Time since the oldest event arrived that a consumer has yet to be done with",
            Unit::Seconds,
            self.oldest_pending_age.clone(),
        );
        self
    }

    pub(crate) fn count_received(&self, operation: &Operation) {
        let label = OperationLabel {
            operation: operation.id,
        };
        self.received.get_or_create(&label).inc();
    }

    pub(crate) fn count_quarantined(&self, operation: &Operation) {
        let label = OperationLabel {
            operation: operation.id,
        };
        self.quarantined.get_or_create(&label).inc();
    }

    pub(crate) fn count_refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// All figures as text, with what the inbox tells now.
    pub(crate) fn encode(&self, stats: &Stats) -> Result<String, fmt::Error> {
        self.events.set(saturating(stats.events));
        self.bytes.set(saturating(stats.bytes));
        for consumer in &stats.consumers {
            let label = ConsumerLabel {
                consumer: consumer.name.clone(),
            };
            self.pending
                .get_or_create(&label)
                .set(saturating(consumer.pending));
            self.dead
                .get_or_create(&label)
                .set(saturating(consumer.dead));
            let age = consumer.oldest_pending.map(|oldest| Utc::now() - oldest);
            let age = age.and_then(|age| age.to_std().ok()).unwrap_or_default();
            self.oldest_pending_age
                .get_or_create(&label)
                .set(age.as_secs_f64());
        }
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn saturating(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
