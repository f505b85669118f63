//! Events for tables, which show their store and their session, but not their bodies.

use aifi_push_inbox::{EventAbout, EventFilter, Position, StoredEvent};

use super::{AdminState, error::PageError, tail, within};

/// Returns the newest events. Their bodies are read a few at a time, and are not kept.
pub(super) async fn list_newest(
    state: &AdminState,
    filter: &EventFilter,
    mut before: Option<Position>,
    limit: usize,
) -> Result<Vec<(StoredEvent, EventAbout)>, PageError> {
    let mut events = Vec::new();
    while events.len() < limit {
        let count = tail::PAGE.min(limit - events.len());
        let page = within(state.inbox().list_newest(filter, before, count)).await?;
        let is_last = page.len() < count;
        before = page.last().map(|last| last.position).or(before);
        events.extend(page.into_iter().map(without_body));
        if is_last {
            break;
        }
    }
    Ok(events)
}

/// Reads what a table shows of the body.
pub(super) fn without_body(mut stored: StoredEvent) -> (StoredEvent, EventAbout) {
    let about = EventAbout::of(&stored.event);
    stored.event.body.clear();
    (stored, about)
}
