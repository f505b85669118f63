//! The visits of an inbox.

use std::collections::BTreeMap;

use super::{Visit, Visits};
use crate::{
    error::AdminError,
    inbox::Admin,
    stored::{EventFilter, Position},
};

/// How many events are read together: their bodies are in memory then.
const PAGE: usize = 16;

/// Reads the visits of an inbox, one by one.
///
/// # Examples
///
/// ```
/// use aifi_push_inbox::{AdminError, EventFilter, Inbox, VisitReader};
///
/// async fn print_stays(inbox: &dyn Inbox) -> Result<(), AdminError> {
///     let mut visits = VisitReader::new(inbox, EventFilter::default());
///     while let Some(visit) = visits.next().await? {
///         println!("{:?}", visit.stay());
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct VisitReader<'a> {
    inbox: &'a dyn Admin,
    filter: EventFilter,
    after: Option<Position>,
    is_read: bool,
    max_events: usize,
    visits: Visits,
}

impl<'a> VisitReader<'a> {
    /// Creates a reader of the visits that the selected events belong to. What the filter leaves out
    /// of a visit is not in it.
    pub fn new(inbox: &'a dyn Admin, filter: EventFilter) -> Self {
        Self {
            inbox,
            filter: EventFilter {
                without_bodies: false,
                ..filter
            },
            after: None,
            is_read: false,
            max_events: 100_000,
            visits: Visits::new(),
        }
    }

    /// Sets how many events are in memory at most. When there are more, the visit of which none arrived
    /// for the longest time is returned first; if more of its events follow, they are another
    /// visit with the same session. Defaults to 100,000.
    pub fn max_events(mut self, max_events: usize) -> Self {
        self.max_events = max_events;
        self
    }

    /// Returns the next visit, in the order of their last events; `None` after the last.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox failed.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Result<Option<Visit>, AdminError> {
        while !self.is_read && self.visits.events() <= self.max_events {
            let page = self.inbox.list(&self.filter, self.after, PAGE).await?;
            match page.last() {
                Some(last) => self.after = Some(last.position),
                None => self.is_read = true,
            }
            page.iter().for_each(|stored| self.visits.add(stored));
        }
        Ok(self.visits.pop())
    }

    /// Returns the number of events that were read and have no session, by `operationId`.
    pub fn without_session(&self) -> &BTreeMap<String, u64> {
        self.visits.without_session()
    }
}
