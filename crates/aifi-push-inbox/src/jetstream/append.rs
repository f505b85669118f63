//! Storing events: published together, and again until each is acknowledged.

use std::error::Error as _;

use async_nats::{
    connection::State,
    jetstream::{
        self, Context,
        context::{PublishAckFuture, PublishError, PublishErrorKind},
        message::PublishMessage,
        publish::PublishAck,
    },
};
use futures_util::future::join_all;
use std::time::Duration;
use tokio::time::Instant;

use super::{
    message, records,
    streams::{self, Streams},
    subject,
};
use crate::{
    deadlines::JETSTREAM_APPEND,
    error::BoxError,
    event::{NewEvent, Verdict},
};

/// How long to wait before trying again.
const RETRY_DELAY: Duration = Duration::from_millis(100);

pub(super) async fn append(context: &Context, mut events: Vec<NewEvent>) -> Result<(), BoxError> {
    let deadline = Instant::now() + JETSTREAM_APPEND;
    loop {
        let problem = publish(context, &mut events).await;
        let Some(problem) = problem else {
            return Ok(());
        };
        if !is_retryable(&problem) || Instant::now() >= deadline {
            return Err(problem.into());
        }
        tokio::time::sleep(RETRY_DELAY).await;
    }
}

/// Publishes all events, and leaves those in `events` that were not acknowledged. Returns why one of
/// them was not.
async fn publish(context: &Context, events: &mut Vec<NewEvent>) -> Option<PublishError> {
    if context.client().connection_state() != State::Connected {
        // What is published now would wait until its time is over, though a broker is found before.
        let problem = "there is no connection to a broker";
        return Some(PublishError::with_source(
            PublishErrorKind::BrokenPipe,
            problem,
        ));
    }
    let mut sent = Vec::with_capacity(events.len());
    for new in &*events {
        let event = &new.event;
        let subject = match new.verdict {
            Verdict::Accepted => subject::event(&event.operation, event.id),
            Verdict::Quarantined { .. } => subject::quarantined(&event.operation, event.id),
        };
        // In this order on one connection, so that they are stored in it.
        sent.push(context.send_publish(subject, message::new(new)).await);
    }
    let acknowledged = join_all(sent.into_iter().map(acknowledged)).await;
    let mut problem = None;
    let mut acknowledged = acknowledged.into_iter();
    events.retain(|_| match acknowledged.next() {
        Some(Err(error)) => {
            problem = Some(error);
            true
        }
        _ => false,
    });
    problem
}

async fn acknowledged(sent: Result<PublishAckFuture, PublishError>) -> Result<(), PublishError> {
    let acknowledged = match sent {
        Ok(sent) => sent.await,
        Err(error) => Err(error),
    };
    match acknowledged {
        Ok(PublishAck { stream, .. }) if stream == streams::EVENTS => Ok(()),
        Ok(PublishAck { stream, .. }) => Err(PublishError::with_source(
            PublishErrorKind::Other,
            format!("stored in the stream {stream}"),
        )),
        // From an earlier try that the broker no longer knows by its id: no other event has its
        // subject.
        Err(error) if records::is_taken(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

fn is_retryable(error: &PublishError) -> bool {
    let answer = || error.source()?.downcast_ref::<jetstream::Error>();
    match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => false,
        // A full stream stays full for longer than a request lasts.
        _ => answer()
            .is_none_or(|answer| answer.error_code() != jetstream::ErrorCode::STREAM_STORE_FAILED),
    }
}

/// Stores something in the stream of events, and deletes it.
pub(super) async fn probe(context: &Context, streams: &Streams) -> Result<(), BoxError> {
    let message = PublishMessage::build().expected_stream(streams::EVENTS);
    records::put(context, subject::probe(), message).await?;
    // Also those that were left when a process crashed at this point.
    records::purge(&streams.events, subject::PROBES).await?;
    Ok(())
}
