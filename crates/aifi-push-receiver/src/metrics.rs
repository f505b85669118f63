//! Metrics for Prometheus. The number of series is bounded: no label takes a value from a
//! request, but for the stores, of which there are as many as [`store_metrics`](crate::store_metrics) says.

use std::{
    collections::BTreeMap,
    fmt,
    sync::atomic::AtomicU64,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use aifi_push::{Operation, operations};
use aifi_push_inbox::InboxStats;
use chrono::{DateTime, Utc};
use prometheus_client::{
    collector::Collector,
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::{
    answer::AnswerMetrics,
    consumer_metrics::ConsumerMetrics,
    figures::{Recent, RecentRefusals},
    refusal::REASONS,
    store_metrics::{Store, StoreMetrics},
};

/// What the receiver counts. A clone is the same counters.
pub(crate) struct Metrics {
    registry: Registry,
    counters: Counters,
    recent: Recent,
    refusals: RecentRefusals,
    pub(crate) decoder_panics: Counter,
    pub(crate) returned: Counter,
}

#[derive(Clone)]
struct Counters {
    received: Family<OperationLabel, Counter>,
    /// Without a value until the first arrives.
    last_received: Family<OperationLabel, Gauge<f64, AtomicU64>>,
    stores: StoreMetrics,
    quarantined: Family<OperationLabel, Counter>,
    decoder_panics: Counter,
    refused: Family<ReasonLabel, Counter>,
    returned: Counter,
    answers: AnswerMetrics,
    consumers: ConsumerMetrics,
    commit_seconds: Histogram,
    ready: Gauge,
    queued: Gauge,
    /// The gauges of the inbox have no value while it can't be counted.
    events: Family<NoLabel, Gauge>,
    bytes: Family<NoLabel, Gauge>,
    quarantined_now: Family<NoLabel, Gauge>,
    /// Without a value where it is not known.
    disk_free: Family<NoLabel, Gauge>,
    /// Without a value where there is none.
    certificate_valid_until: Family<NoLabel, Gauge>,
    pending: Family<ConsumerLabel, Gauge>,
    dead: Family<ConsumerLabel, Gauge>,
    paused: Family<ConsumerLabel, Gauge>,
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
    metrics: &'a Metrics,
    since: Instant,
}

impl Storing<'_> {
    pub(crate) fn end(self, is_stored: bool) {
        let took = self.since.elapsed();
        let counters = &self.metrics.counters;
        counters.commit_seconds.observe(took.as_secs_f64());
        self.metrics.recent.add(took, is_stored);
    }
}

impl Drop for Storing<'_> {
    fn drop(&mut self) {
        self.metrics.counters.queued.dec();
    }
}

impl Metrics {
    pub(crate) fn new(collectors: Vec<Box<dyn Collector>>, answers: AnswerMetrics) -> Self {
        let counters = Counters {
            received: Family::default(),
            last_received: Family::default(),
            stores: StoreMetrics::default(),
            quarantined: Family::default(),
            decoder_panics: Counter::default(),
            refused: Family::default(),
            returned: Counter::default(),
            answers,
            consumers: ConsumerMetrics::default(),
            commit_seconds: Histogram::new([
                0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
            ]),
            ready: Gauge::default(),
            queued: Gauge::default(),
            events: Family::default(),
            bytes: Family::default(),
            quarantined_now: Family::default(),
            disk_free: Family::default(),
            certificate_valid_until: Family::default(),
            pending: Family::default(),
            dead: Family::default(),
            paused: Family::default(),
            oldest_pending_age: Family::default(),
        };
        counters.create_series();
        let mut registry = Registry::default();
        counters.register(&mut registry);
        for collector in collectors {
            registry.register_collector(collector);
        }
        Self {
            registry,
            decoder_panics: counters.decoder_panics.clone(),
            returned: counters.returned.clone(),
            recent: Recent::default(),
            refusals: RecentRefusals::default(),
            counters,
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        self.counters.register(registry);
    }

    pub(crate) fn answers(&self) -> &AnswerMetrics {
        &self.counters.answers
    }

    pub(crate) fn consumers(&self) -> &ConsumerMetrics {
        &self.counters.consumers
    }

    pub(crate) fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Returns how many events wait to be stored.
    pub(crate) fn queued(&self) -> u64 {
        self.counters.queued.get().try_into().unwrap_or_default()
    }

    pub(crate) fn storing(&self) -> Storing<'_> {
        self.counters.queued.inc();
        Storing {
            metrics: self,
            since: Instant::now(),
        }
    }

    pub(crate) fn count_stored(&self, operation: &Operation, is_quarantined: bool, store: Store) {
        let label = OperationLabel {
            operation: operation.id,
        };
        self.counters.received.get_or_create(&label).inc();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let last_received = self.counters.last_received.get_or_create(&label);
        last_received.set(now.unwrap_or_default().as_secs_f64());
        drop(last_received);
        self.counters.stores.count(store);
        if is_quarantined {
            self.counters.quarantined.get_or_create(&label).inc();
        }
    }

    pub(crate) fn count_refused(&self, reason: &'static str) {
        debug_assert!(REASONS.contains(&reason), "{reason} has no series");
        let label = ReasonLabel { reason };
        self.counters.refused.get_or_create(&label).inc();
        self.refusals.add(reason);
    }

    /// Returns what was refused in the last 5 minutes, by reason.
    pub(crate) fn refused_lately(&self) -> BTreeMap<String, u64> {
        self.refusals.by_reason()
    }

    /// Sets the gauges to what is in the inbox. Without `stats` they have no value.
    pub(crate) fn refresh(
        &self,
        is_ready: bool,
        stats: Option<&InboxStats>,
        certificate_valid_until: Option<DateTime<Utc>>,
    ) {
        let counters = &self.counters;
        counters.ready.set(is_ready.into());
        let of = |gauge: &Family<NoLabel, Gauge>, value: Option<i64>| match value {
            Some(value) => {
                gauge.get_or_create(&[]).set(value);
            }
            None => gauge.clear(),
        };
        let of_inbox = |gauge, count: fn(&InboxStats) -> Option<u64>| {
            of(gauge, stats.and_then(count).map(saturating));
        };
        of_inbox(&counters.events, |stats| Some(stats.events));
        of_inbox(&counters.bytes, |stats| Some(stats.bytes));
        of_inbox(&counters.quarantined_now, |stats| Some(stats.quarantined));
        of_inbox(&counters.disk_free, |stats| stats.disk_free);
        let certificate = certificate_valid_until.map(|end| end.timestamp());
        of(&counters.certificate_valid_until, certificate);
        // A consumer that was removed has no series any more.
        counters.pending.clear();
        counters.dead.clear();
        counters.paused.clear();
        counters.oldest_pending_age.clear();
        for consumer in stats.map_or(&[][..], |stats| &stats.consumers) {
            let label = ConsumerLabel {
                consumer: consumer.name.clone(),
            };
            let (pending, dead) = (saturating(consumer.pending), saturating(consumer.dead));
            counters.pending.get_or_create(&label).set(pending);
            counters.dead.get_or_create(&label).set(dead);
            let paused = counters.paused.get_or_create(&label);
            paused.set(consumer.is_paused.into());
            drop(paused);
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
    /// Creates the series of all counters whose labels are known, so that a rate sees the first event.
    fn create_series(&self) {
        for operation in operations::ALL {
            let operation = operation.id;
            let label = OperationLabel { operation };
            drop(self.received.get_or_create(&label));
            drop(self.quarantined.get_or_create(&label));
        }
        for reason in REASONS {
            drop(self.refused.get_or_create(&ReasonLabel { reason }));
        }
    }

    fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("aifi_push");
        registry.register("received", "Events stored", self.received.clone());
        registry.register_with_unit(
            "last_received_timestamp",
            "When the last event was stored, since the start of the process",
            Unit::Seconds,
            self.last_received.clone(),
        );
        self.stores.register(registry);
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
        self.consumers.register_in(registry);
        registry.register_with_unit(
            "commit",
            "Time until an event was durable",
            Unit::Seconds,
            self.commit_seconds.clone(),
        );
        registry.register(
            "ready",
            "Whether an event could be stored, and the receiver is not stopping",
            self.ready.clone(),
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
            "inbox_quarantined_events",
            "Quarantined events in the inbox",
            self.quarantined_now.clone(),
        );
        registry.register_with_unit(
            "certificate_valid_until_timestamp",
            "The end of the validity of the certificate",
            Unit::Seconds,
            self.certificate_valid_until.clone(),
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
        registry.register(
            "consumer_paused",
            "Whether an operator paused a consumer",
            self.paused.clone(),
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
