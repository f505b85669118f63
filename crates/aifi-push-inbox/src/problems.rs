//! What is quarantined or dead, by cause, and doing something about all that have the same.

use std::{cmp::Reverse, collections::HashMap, fmt};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    consumer_name::ConsumerName,
    error::AdminError,
    inbox::Admin,
    stored::{EventFilter, EventState, Position, StoredEvent},
};

/// How many events are read at a time.
const PAGE: usize = 256;

/// How many are read at a time without their bodies.
const BODILESS_PAGE: usize = 1000;

/// How many events of a problem are named.
const NAMED: usize = 5;

/// A cause is cut to this many characters: it may be what a handler wrote, and is kept in the audit.
const MAX_CHARS: usize = 200;

/// A token with as many digits is a value, and no status or width.
const MIN_VALUE_DIGITS: usize = 5;

/// A token of this length with a digit is a value.
const MIN_VALUE_LEN: usize = 16;

/// Why events are quarantined or dead letters: equal for those that failed in the same way.
///
/// It is shown as in `quarantined: no JSON`, or `dead letters of till: 503`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Cause {
    /// The consumer that exhausted its attempts, or `None` for quarantined events.
    pub consumer: Option<ConsumerName>,
    /// What failed, as [`Cause::normalize`] returns it.
    pub text: String,
}

impl Cause {
    /// Creates the cause of a problem: of the dead letters of a consumer, or of quarantined events.
    pub fn new(consumer: Option<ConsumerName>, problem: &str) -> Self {
        Self {
            consumer,
            text: Self::normalize(problem),
        }
    }

    /// Returns a problem without what differs from event to event: without lines and columns, with `*`
    /// for places in a list, for ids and long numbers, and for what is quoted, and no longer than 200 characters. A cause is its
    /// own cause.
    ///
    /// ```
    /// use aifi_push_inbox::Cause;
    ///
    /// let problem = "`orders[3].total` at line 1, column 912: expected a string, found null";
    /// let cause = "orders[*].total: expected a string, found null";
    /// assert_eq!(Cause::normalize(problem), cause);
    /// ```
    pub fn normalize(problem: &str) -> String {
        let text = without_values(&without_position(problem));
        // A cause can be quoted in a shell.
        text.chars().filter(|c| *c != '`').take(MAX_CHARS).collect()
    }

    /// The causes of an event.
    fn all_of(stored: &StoredEvent) -> Vec<Self> {
        let quarantined = stored.problem.as_deref();
        let quarantined = quarantined.map(|problem| Self::new(None, problem));
        let dead = stored.deliveries.iter().filter(|delivery| delivery.is_dead);
        let dead = dead.filter_map(|delivery| {
            let problem = delivery.problem.as_deref().unwrap_or_default();
            Some(Self::new(Some(delivery.consumer.parse().ok()?), problem))
        });
        quarantined.into_iter().chain(dead).collect()
    }

    fn state(&self) -> EventState {
        match self.consumer {
            Some(_) => EventState::Dead,
            None => EventState::Quarantined,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.consumer {
            Some(consumer) => write!(f, "dead letters of {consumer}: {}", self.text),
            None => write!(f, "quarantined: {}", self.text),
        }
    }
}

/// Events that are quarantined or dead letters for the same cause.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Why.
    pub cause: Cause,
    /// How many events.
    pub count: u64,
    /// When the newest of them arrived.
    pub latest: DateTime<Utc>,
    /// The ids of the newest of them, the newest first.
    pub newest: Vec<Uuid>,
}

/// What became of events that were to be requeued by their cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requeued {
    /// How many were requeued.
    pub events: u64,
    /// How many still fail to decode, and stay quarantined.
    pub undecodable: u64,
}

/// Groups the newest quarantined events, and the newest dead letters, the most frequent cause first.
pub(crate) async fn group<A: Admin + ?Sized>(
    inbox: &A,
    limit: usize,
) -> Result<Vec<Problem>, AdminError> {
    let mut problems: HashMap<Cause, Problem> = HashMap::new();
    for state in [EventState::Quarantined, EventState::Dead] {
        let filter = in_state(state, true);
        let (mut before, mut left) = (None, limit);
        while left > 0 {
            let page = inbox
                .list_newest(&filter, before, BODILESS_PAGE.min(left))
                .await?;
            let Some(last) = page.last() else {
                break;
            };
            before = Some(last.position);
            left -= page.len();
            for stored in &page {
                for cause in Cause::all_of(stored) {
                    let problem = problems.entry(cause.clone()).or_insert_with(|| Problem {
                        cause,
                        count: 0,
                        latest: stored.event.received_at,
                        newest: Vec::new(),
                    });
                    problem.count += 1;
                    problem.latest = problem.latest.max(stored.event.received_at);
                    if problem.newest.len() < NAMED {
                        problem.newest.push(stored.event.id);
                    }
                }
            }
        }
    }
    let mut problems: Vec<_> = problems.into_values().collect();
    problems.sort_by(|a, b| {
        let key = |problem: &Problem| Reverse((problem.count, problem.latest));
        key(a).cmp(&key(b)).then_with(|| a.cause.cmp(&b.cause))
    });
    Ok(problems)
}

pub(crate) async fn requeue<A: Admin + ?Sized>(
    inbox: &A,
    cause: &Cause,
    requeued: &mut Requeued,
) -> Result<(), AdminError> {
    // Whether an event decodes is in its body.
    let mut pages = Pages::new(inbox, cause, cause.consumer.is_some());
    while let Some(page) = pages.next().await? {
        requeued.events += match &cause.consumer {
            Some(consumer) => {
                let now = Utc::now();
                let letters = page.iter().map(|stored| (stored.event.id, now));
                inbox.replay(consumer, letters.collect()).await?
            }
            None => {
                let decodable = page.iter().filter(|stored| stored.event.decodes());
                let ids: Vec<_> = decodable.map(|stored| stored.event.id).collect();
                requeued.undecodable += (page.len() - ids.len()) as u64;
                inbox.requeue(ids).await?
            }
        };
    }
    Ok(())
}

pub(crate) async fn discard<A: Admin + ?Sized>(
    inbox: &A,
    cause: &Cause,
    discarded: &mut u64,
) -> Result<(), AdminError> {
    let mut pages = Pages::new(inbox, cause, true);
    while let Some(page) = pages.next().await? {
        let ids = page.iter().map(|stored| stored.event.id).collect();
        *discarded += match &cause.consumer {
            Some(consumer) => inbox.discard_dead_letters(consumer, ids).await?,
            None => inbox.discard_quarantined(ids).await?,
        };
    }
    Ok(())
}

fn in_state(state: EventState, without_bodies: bool) -> EventFilter {
    EventFilter {
        state: Some(state),
        without_bodies,
        ..EventFilter::default()
    }
}

/// The events of a cause that are there now, page by page.
struct Pages<'a, A: ?Sized> {
    inbox: &'a A,
    cause: &'a Cause,
    filter: EventFilter,
    after: Option<Position>,
}

impl<'a, A: Admin + ?Sized> Pages<'a, A> {
    fn new(inbox: &'a A, cause: &'a Cause, without_bodies: bool) -> Self {
        Self {
            inbox,
            cause,
            filter: in_state(cause.state(), without_bodies),
            after: None,
        }
    }

    async fn next(&mut self) -> Result<Option<Vec<StoredEvent>>, AdminError> {
        let mut page = self.inbox.list(&self.filter, self.after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(None);
        };
        self.after = Some(last.position);
        page.retain(|stored| Cause::all_of(stored).contains(self.cause));
        Ok(Some(page))
    }
}

/// Removes `line 1, column 2`, with what joins it to the rest.
fn without_position(problem: &str) -> String {
    let Some((before, after)) = problem.split_once("line ") else {
        return problem.to_owned();
    };
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let after_line = after.get(digits(after)..).unwrap_or_default();
    let Some(column) = after_line.strip_prefix(", column ") else {
        return problem.to_owned();
    };
    let rest = column.get(digits(column)..).unwrap_or_default();
    match before.strip_suffix(" at ") {
        Some(before) => format!("{before}{rest}"),
        None => format!("{before}{}", rest.trim_start_matches(": ")),
    }
}

/// Replaces values by `*`.
fn without_values(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let quoted = rest.strip_prefix('"').and_then(|rest| rest.find('"'));
        let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        let len = match quoted {
            Some(len) => len + 2,
            None if is_part(first) => rest.find(|c| !is_part(c)).unwrap_or(rest.len()),
            None => first.len_utf8(),
        };
        let (token, left) = rest.split_at(len);
        let is_place = out.ends_with('[')
            && left.starts_with(']')
            && token.bytes().all(|byte| byte.is_ascii_digit());
        match quoted {
            Some(_) => out.push_str("\"*\""),
            None if is_place || is_value(token) => out.push('*'),
            None => out.push_str(token),
        }
        rest = left;
    }
    out
}

fn is_value(token: &str) -> bool {
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    digits >= MIN_VALUE_DIGITS || (digits > 0 && token.len() >= MIN_VALUE_LEN)
}
