//! Events as messages, and back.

use async_nats::{HeaderMap, jetstream::message::PublishMessage};
use axum::body::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};

use super::{streams, subject::Key};
use crate::{Digest, Event, Position, error::BoxError};

const RECEIVED_AT: &str = "Aifi-Push-Received-At";
const NOT_BEFORE: &str = "Aifi-Push-Not-Before";
const PROBLEM: &str = "Aifi-Push-Problem";
const ATTEMPTS: &str = "Aifi-Push-Attempts";
const UNCOUNTED: &str = "Aifi-Push-Uncounted";

/// A problem is cut to so many characters, so that it fits beside any body.
const PROBLEM_CHARS: usize = 500;

/// What the broker writes for an event besides its body: subject, headers and bookkeeping, to some
/// bytes.
const OVERHEAD: usize = 250;

/// The event as it is published first. Published again, it is the same message.
pub(super) fn event(event: &Event) -> PublishMessage {
    copy(event)
        .message_id(event.id.to_string())
        .expected_stream(streams::EVENTS)
}

/// The event for another subject, or for the same after it was away.
pub(super) fn copy(event: &Event) -> PublishMessage {
    PublishMessage::build()
        .header(RECEIVED_AT, time(event.received_at))
        .payload(event.body.clone())
}

pub(super) fn not_before(message: PublishMessage, not_before: DateTime<Utc>) -> PublishMessage {
    message.header(NOT_BEFORE, time(not_before))
}

pub(super) fn with_problem(message: PublishMessage, problem: &str) -> PublishMessage {
    // A header is one line.
    let line = problem.chars().take(PROBLEM_CHARS);
    let line = line.map(|char| if char.is_control() { ' ' } else { char });
    message.header(PROBLEM, line.collect::<String>())
}

/// What a consumer has made of an event so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempts {
    /// How often it was tried.
    pub(super) count: u32,
    /// How often it was handed out by the broker, and not tried.
    pub(super) uncounted: u32,
    /// What failed the last time.
    pub(super) problem: Option<String>,
}

impl Attempts {
    pub(super) fn write(&self, message: PublishMessage) -> PublishMessage {
        let message = message
            .header(ATTEMPTS, self.count.to_string())
            .header(UNCOUNTED, self.uncounted.to_string());
        match &self.problem {
            Some(problem) => with_problem(message, problem),
            None => message,
        }
    }

    pub(super) fn read(headers: &HeaderMap) -> Self {
        let number = |name| {
            let value = headers.get(name)?.as_str();
            value.parse().ok()
        };
        Self {
            count: number(ATTEMPTS).unwrap_or_default(),
            uncounted: number(UNCOUNTED).unwrap_or_default(),
            problem: read_problem(headers),
        }
    }
}

/// The event of a message.
pub(super) fn read(key: &Key, headers: &HeaderMap, body: Bytes) -> Result<Event, BoxError> {
    let received_at = read_time(headers, RECEIVED_AT)?.ok_or("a message without its time")?;
    Ok(Event {
        id: key.id,
        received_at,
        operation: key.operation.clone(),
        digest: Digest::of(&body),
        body,
    })
}

pub(super) fn read_not_before(headers: &HeaderMap) -> Result<Option<DateTime<Utc>>, BoxError> {
    read_time(headers, NOT_BEFORE)
}

pub(super) fn read_problem(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(PROBLEM)?.as_str().to_owned())
}

/// What the broker writes for an event.
pub(super) fn stored_bytes(event: &Event) -> u64 {
    (event.body.len() + OVERHEAD) as u64
}

pub(super) fn position(sequence: u64) -> Position {
    Position(i64::try_from(sequence).unwrap_or(i64::MAX))
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn read_time(headers: &HeaderMap, name: &str) -> Result<Option<DateTime<Utc>>, BoxError> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    Ok(Some(DateTime::parse_from_rfc3339(value.as_str())?.to_utc()))
}
