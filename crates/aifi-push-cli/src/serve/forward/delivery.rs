//! One delivery: what is sent with the event, and what the response means.

use aifi_push::{Error, Rejection, RetryPolicy};
use aifi_push_receiver::inbox::{
    ATTEMPT_HEADER, ConsumerName, Delivery, Event, HandlerError, MAX_HOPS, TRACE_PARENT_HEADER,
    VIA_HEADER,
};
use chrono::Utc;
use uuid::Uuid;

use super::{Target, retries::LONGEST_WAIT};
use crate::serve::traces::trace_parent;

/// Responses to an event that no other attempt can change.
const PERMANENT: [u16; 11] = [400, 405, 406, 410, 411, 413, 414, 415, 422, 431, 451];

/// Delivers events to a target.
pub(in crate::serve) struct Forwarder {
    target: Target,
    retries: RetryPolicy,
}

impl Forwarder {
    pub(super) fn new(target: Target, retries: RetryPolicy) -> Self {
        Self { target, retries }
    }

    pub(super) fn name(&self) -> &ConsumerName {
        &self.target.name
    }

    /// Retries are the consumer's, so that they outlast a restart.
    pub(super) fn retries(&self) -> RetryPolicy {
        self.retries
    }

    pub(super) async fn deliver(&self, delivery: Delivery) -> Result<(), HandlerError> {
        let event = delivery.event;
        let operation = event
            .known_operation()
            .ok_or("a later version stored this event: use that version to forward it")?;
        let is_wanted = |kind: &&aifi_push::Operation| kind.id == operation.id;
        if !self.target.kinds.iter().any(is_wanted) {
            return Ok(());
        }
        let id = event.id.to_string();
        let timestamp = Utc::now().timestamp();
        let via = via(&event).ok_or_else(|| {
            HandlerError::permanent(format!(
                "it came through {MAX_HOPS} receivers: they forward in a circle"
            ))
        })?;
        let (attempt, time) = (delivery.attempt.to_string(), timestamp.to_string());
        let mut headers = vec![
            ("webhook-id", id.as_str()),
            ("webhook-timestamp", &time),
            (ATTEMPT_HEADER, &attempt),
            (VIA_HEADER, &via),
        ];
        let parent = trace_parent(&event);
        headers.extend(
            parent
                .as_deref()
                .map(|parent| (TRACE_PARENT_HEADER, parent)),
        );
        let signer = self.target.signer.as_ref();
        let signature = signer.map(|signer| signer.sign(&id, timestamp, &event.body));
        let signature = signature.transpose()?;
        headers.extend(
            signature
                .as_deref()
                .map(|signature| ("webhook-signature", signature)),
        );
        let client = &self.target.client;
        let delivered = client.deliver_with_headers(operation, event.body, &headers);
        delivered.await.map(drop).map_err(failure)
    }
}

/// Returns the ids that the event had in each receiver, this one included, or `None` if these are too
/// many.
pub(in crate::serve) fn via(event: &Event) -> Option<String> {
    let before = event.headers.get(VIA_HEADER).map_or("", String::as_str);
    let ids = before.split(',').filter_map(|id| id.trim().parse().ok());
    let mut ids: Vec<Uuid> = ids.collect();
    if ids.len() >= MAX_HOPS {
        return None;
    }
    ids.push(event.id);
    let ids: Vec<_> = ids.iter().map(Uuid::to_string).collect();
    Some(ids.join(","))
}

fn failure(error: Error) -> HandlerError {
    let status = error.rejection().map(Rejection::status);
    let wait = error.rejection().and_then(Rejection::retry_after);
    let wait = wait.map(|wait| wait.min(LONGEST_WAIT));
    let wait = wait.filter(|wait| !wait.is_zero());
    if status.is_some_and(|status| PERMANENT.contains(&status)) {
        return HandlerError::permanent(error);
    }
    match (is_down(&error), wait) {
        (true, Some(wait)) => HandlerError::unavailable_for(wait, error),
        (true, None) => HandlerError::unavailable(error),
        (false, Some(wait)) => HandlerError::retry_after(wait, error),
        (false, None) => error.into(),
    }
}

/// Returns `true` if other events would fare no better: the target is down, overloaded, or not set up
/// as it has to be.
fn is_down(error: &Error) -> bool {
    match error {
        Error::Rejected(rejection) => {
            matches!(rejection.status(), 300..400 | 404 | 408 | 425 | 429 | 500..600)
        }
        Error::Connect { .. }
        | Error::TimedOut { .. }
        | Error::Disconnected { .. }
        | Error::Token { .. }
        | Error::Unauthorized(_) => true,
        _ => false,
    }
}
