//! What is counted of questions.

use std::time::Duration;

use aifi_push::Operation;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{Answerers, Failure};

/// Counters of the kinds that have an answerer. A clone is the same counters.
#[derive(Clone)]
pub(crate) struct AnswerMetrics {
    answered: Family<QuestionLabel, Counter>,
    fallbacks: Family<FailureLabel, Counter>,
    unanswered: Family<FailureLabel, Counter>,
    seconds: Family<QuestionLabel, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct QuestionLabel {
    operation: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FailureLabel {
    operation: &'static str,
    reason: &'static str,
}

impl AnswerMetrics {
    /// Creates all series, so that a rate sees the first failure.
    pub(crate) fn new(answerers: &Answerers) -> Self {
        let metrics = Self {
            answered: Family::default(),
            fallbacks: Family::default(),
            unanswered: Family::default(),
            seconds: Family::new_with_constructor(|| {
                Histogram::new([
                    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0,
                ])
            }),
        };
        for (&operation, answerer) in &answerers.by_operation {
            let label = QuestionLabel { operation };
            drop(metrics.answered.get_or_create(&label));
            drop(metrics.seconds.get_or_create(&label));
            let failures = metrics.failures(answerer.fallback.is_some());
            for failure in Failure::ALL {
                drop(failures.get_or_create(&FailureLabel::new(operation, failure)));
            }
        }
        metrics
    }

    pub(super) fn count_answered(&self, operation: &Operation) {
        let operation = operation.id;
        self.answered
            .get_or_create(&QuestionLabel { operation })
            .inc();
    }

    pub(super) fn count_failed(&self, operation: &Operation, failure: Failure, fallback: bool) {
        let label = FailureLabel::new(operation.id, failure);
        self.failures(fallback).get_or_create(&label).inc();
    }

    pub(super) fn observe(&self, operation: &Operation, time: Duration) {
        let operation = operation.id;
        let seconds = self.seconds.get_or_create(&QuestionLabel { operation });
        seconds.observe(time.as_secs_f64());
    }

    fn failures(&self, fallback: bool) -> &Family<FailureLabel, Counter> {
        if fallback {
            &self.fallbacks
        } else {
            &self.unanswered
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "answered",
            "Questions that the answerer answered",
            self.answered.clone(),
        );
        registry.register(
            "answer_fallbacks",
            "Questions that were answered by the fallback, by the reason why",
            self.fallbacks.clone(),
        );
        registry.register(
            "unanswered",
            "Questions that nobody answered, and without a fallback, by the reason why",
            self.unanswered.clone(),
        );
        registry.register_with_unit(
            "answer",
            "Time that the answerer took",
            Unit::Seconds,
            self.seconds.clone(),
        );
    }
}

impl FailureLabel {
    fn new(operation: &'static str, failure: Failure) -> Self {
        Self {
            operation,
            reason: failure.as_str(),
        }
    }
}
