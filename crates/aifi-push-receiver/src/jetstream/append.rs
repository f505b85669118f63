//! Storing events: published together, and again until each is acknowledged.

use std::{error::Error as _, time::Duration};

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
use tokio::time::Instant;

use super::{
    message,
    streams::{self, Streams},
    subject,
};
use crate::{Event, error::BoxError};

/// For how long to try, less than the time of a call: while another broker takes over, nobody
/// acknowledges.
const PATIENCE: Duration = Duration::from_secs(6);

/// How long to wait before trying again.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn append(context: &Context, mut events: Vec<Event>) -> Result<(), BoxError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let problem = publish(context, &mut events).await;
        let Some(problem) = problem else {
            return Ok(());
        };
        if !is_worth_another_try(&problem) || Instant::now() >= deadline {
            return Err(problem.into());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Publishes all at once, and leaves those in `events` that were not acknowledged. Gives what was
/// wrong with one of them.
async fn publish(context: &Context, events: &mut Vec<Event>) -> Option<PublishError> {
    if context.client().connection_state() != State::Connected {
        // What is published now would wait until its time is over, though a broker is found before.
        let problem = "there is no connection to a broker";
        return Some(PublishError::with_source(
            PublishErrorKind::BrokenPipe,
            problem,
        ));
    }
    let mut sent = Vec::with_capacity(events.len());
    for event in &*events {
        let subject = subject::event(&event.operation, event.id);
        // In this order on one connection, so that they lie in it.
        sent.push(context.send_publish(subject, message::event(event)).await);
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
        // Only with this word is it stored.
        Ok(PublishAck { stream, .. }) if stream == streams::EVENTS => Ok(()),
        Ok(PublishAck { stream, .. }) => Err(PublishError::with_source(
            PublishErrorKind::Other,
            format!("stored in the stream {stream}"),
        )),
        Err(error) if is_stored_already(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

fn answer(error: &PublishError) -> Option<&jetstream::Error> {
    error.source()?.downcast_ref()
}

/// Whether the broker has the event from an earlier try that it no longer knows by its id: no other
/// event has its subject.
fn is_stored_already(error: &PublishError) -> bool {
    const IS_THERE: &str = "maximum messages per subject exceeded";
    answer(error).is_some_and(|answer| answer.to_string().contains(IS_THERE))
}

fn is_worth_another_try(error: &PublishError) -> bool {
    match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => false,
        // A full stream stays full for longer than a call lasts.
        _ => answer(error)
            .is_none_or(|answer| answer.error_code() != jetstream::ErrorCode::STREAM_STORE_FAILED),
    }
}

/// Publishes anything else, and waits until it is stored.
pub(super) async fn put(
    context: &Context,
    subject: String,
    message: PublishMessage,
) -> Result<(), BoxError> {
    context.send_publish(subject, message).await?.await?;
    Ok(())
}

/// The same, unless there is one of its subject. Gives whether it was stored.
pub(super) async fn put_new(
    context: &Context,
    subject: String,
    message: PublishMessage,
) -> Result<bool, BoxError> {
    match context.send_publish(subject, message).await?.await {
        Ok(_) => Ok(true),
        Err(error) if is_stored_already(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Stores something in the stream of events, and deletes it.
pub(super) async fn probe(context: &Context, streams: &Streams) -> Result<(), BoxError> {
    let message = PublishMessage::build().expected_stream(streams::EVENTS);
    put(context, subject::probe(), message).await?;
    // Also those that were left when a process crashed at this point.
    streams.events.purge().filter(subject::PROBES).await?;
    Ok(())
}
