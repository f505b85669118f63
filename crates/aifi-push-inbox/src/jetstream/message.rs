//! Events as messages, and back.

use async_nats::{HeaderMap, jetstream::message::PublishMessage};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use super::{streams, subject::Key};
use crate::{
    error::BoxError,
    event::{Digest, Event, NewEvent},
};

const RECEIVED_AT: &str = "Aifi-Push-Received-At";
const PROBLEM: &str = "Aifi-Push-Problem";
const HEADERS: &str = "Aifi-Push-Headers";
const ATTEMPTS: &str = "Aifi-Push-Attempts";
const NOT_BEFORE: &str = "Aifi-Push-Not-Before";
const LEASE: &str = "Aifi-Push-Lease";

/// A problem is cut to this many characters, so that it fits beside any body.
const MAX_PROBLEM_CHARS: usize = 500;

/// What the broker writes for an event besides its body, about: subject, headers and bookkeeping, in
/// bytes.
const OVERHEAD: usize = 250;

/// The event as it is published first. Published again, it is the same message.
pub(super) fn new(new: &NewEvent) -> PublishMessage {
    let message = copy(&new.event)
        .message_id(new.event.id.to_string())
        .expected_stream(streams::EVENTS);
    match new.problem() {
        Some(problem) => with_problem(message, problem),
        None => message,
    }
}

/// The event for another subject.
pub(super) fn copy(event: &Event) -> PublishMessage {
    let message = PublishMessage::build()
        .header(RECEIVED_AT, time(event.received_at))
        .payload(event.body.clone());
    match event.headers_to_json() {
        Some(json) => message.header(HEADERS, json),
        None => message,
    }
}

fn with_problem(message: PublishMessage, problem: &str) -> PublishMessage {
    // A header is one line.
    let line = problem.chars().take(MAX_PROBLEM_CHARS);
    let line = line.map(|char| if char.is_control() { ' ' } else { char });
    message.header(PROBLEM, line.collect::<String>())
}

/// How far a consumer has come with an event that it has yet to acknowledge, or gave up.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// How often the event was delivered.
    pub(super) attempts: u32,
    /// When to deliver it again.
    pub(super) not_before: DateTime<Utc>,
    /// Which delivery it is, while nobody has reported what became of it.
    pub(super) lease: Option<Uuid>,
    /// What failed at the last attempt.
    pub(super) problem: Option<String>,
}

impl Progress {
    /// The event with this progress.
    pub(super) fn of(&self, event: &Event) -> PublishMessage {
        let mut message = copy(event)
            .header(ATTEMPTS, self.attempts.to_string())
            .header(NOT_BEFORE, time(self.not_before));
        if let Some(lease) = self.lease {
            message = message.header(LEASE, lease.to_string());
        }
        match &self.problem {
            Some(problem) => with_problem(message, problem),
            None => message,
        }
    }

    pub(super) fn read(headers: &HeaderMap) -> Result<Self, BoxError> {
        let text = |name| headers.get(name).map(|value| value.as_str());
        Ok(Self {
            attempts: text(ATTEMPTS).unwrap_or("0").parse()?,
            not_before: read_time(headers, NOT_BEFORE)?.unwrap_or_default(),
            lease: text(LEASE).map(str::parse).transpose()?,
            problem: read_problem(headers),
        })
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
        headers: Event::headers_from_json(headers.get(HEADERS).map(|json| json.as_str()))?,
        body,
    })
}

pub(super) fn read_problem(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(PROBLEM)?.as_str().to_owned())
}

/// What the broker writes for an event, about.
pub(super) fn stored_bytes(event: &Event) -> u64 {
    (event.body.len() + OVERHEAD) as u64
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
