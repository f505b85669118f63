//! Which tokens are in use, so that an old one can go. A token is named by its place in the list.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

use crate::tokens::{TokenUse, Tokens};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TokenLabel {
    token: u64,
}

impl TokenLabel {
    fn of(used: &TokenUse) -> Self {
        Self {
            token: used.number as u64,
        }
    }
}

/// Reads the counts when they are asked for.
#[derive(Debug)]
pub(crate) struct TokenMetrics(pub(crate) Tokens);

impl Collector for TokenMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let uses = self.0.uses();
        let mut requests = encoder.encode_descriptor(
            "aifi_push_token_requests",
            "Requests that came with a token, by its place among the tokens, from 1",
            None,
            MetricType::Counter,
        )?;
        for used in &uses {
            let count = ConstCounter::new(used.requests);
            count.encode(requests.encode_family(&TokenLabel::of(used))?)?;
        }
        let mut last = encoder.encode_descriptor(
            "aifi_push_token_last_used_timestamp",
            "When a request came with a token last, in seconds since 1970; none since the start without it",
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        for used in &uses {
            if let Some(at) = used.last {
                let at = ConstGauge::new(at);
                at.encode(last.encode_family(&TokenLabel::of(used))?)?;
            }
        }
        Ok(())
    }
}
