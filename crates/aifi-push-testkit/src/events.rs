//! Sample events.

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_inbox::{Admin, Event, EventFilter, NewEvent, StoredEvent};

/// Returns the body of the vendor's page.
pub fn documented() -> &'static str {
    TRANSITION_LEFT.example.unwrap_or_default()
}

/// Returns the body of the vendor's page for another store.
pub fn documented_of_store(store: i64) -> String {
    documented().replace(
        r#""storeId":0,"timeOf"#,
        &format!(r#""storeId":{store},"timeOf"#),
    )
}

/// Returns events whose bodies are numbers, which do not decode, but are accepted.
pub fn numbered(numbers: impl IntoIterator<Item = u32>) -> Vec<NewEvent> {
    let numbers = numbers.into_iter();
    numbers
        .map(|number| NewEvent::accepted(Event::new(&TRANSITION_LEFT, number.to_string())))
        .collect()
}

/// Returns an accepted event of a store.
pub fn left(store: i64) -> NewEvent {
    NewEvent::accepted(Event::new(&TRANSITION_LEFT, documented_of_store(store)))
}

/// Returns everything in an inbox, or nothing if it fails.
pub async fn stored(inbox: &(impl Admin + ?Sized)) -> Vec<StoredEvent> {
    let listed = inbox.list(&EventFilter::default(), None, 1 << 30).await;
    listed.unwrap_or_default()
}

/// Returns the bodies in an inbox, in the order of arrival.
pub async fn bodies(inbox: &(impl Admin + ?Sized)) -> Vec<Vec<u8>> {
    let stored = stored(inbox).await;
    stored
        .iter()
        .map(|stored| stored.event.body.to_vec())
        .collect()
}
