//! The traces that events belong to.

#[cfg(feature = "otel")]
mod otlp;

use aifi_push_receiver::inbox::Event;
#[cfg(feature = "otel")]
pub(super) use otlp::{Traces, handling, of_requests};

/// Returns the `traceparent` of a request that is sent because of an event.
pub(super) fn trace_parent(event: &Event) -> Option<String> {
    #[cfg(feature = "otel")]
    if let Some(current) = otlp::current() {
        return Some(current);
    }
    event.trace_parent().map(|parent| parent.to_string())
}
