//! The store and the session of one event.

use super::{
    fields::{Fields, MAX_TEXT},
    visit::VisitStore,
};
use crate::{event::Event, subject};

/// In which store and session an event happened, as far as its body says so, whatever its operation is.
/// Texts of more than 200 bytes count as absent.
///
/// # Examples
///
/// ```
/// use aifi_push::operations::TRANSITION_LEFT;
/// use aifi_push_inbox::{Event, EventAbout};
///
/// let event = Event::new(&TRANSITION_LEFT, r#"{"storeId": 7, "sessionId": "s-1"}"#);
/// let about = EventAbout::of(&event);
/// assert_eq!(about.store.and_then(|store| store.id), Some(7));
/// assert_eq!(about.session.as_deref(), Some("s-1"));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventAbout {
    /// The store.
    pub store: Option<VisitStore>,
    /// The session, as [`Visits`](crate::Visits) finds it.
    pub session: Option<String>,
}

impl EventAbout {
    /// Reads the body of an event.
    pub fn of(event: &Event) -> Self {
        Self::new(event, &Fields::of(&event.body))
    }

    pub(super) fn new(event: &Event, fields: &Fields) -> Self {
        let store = VisitStore::new(fields);
        Self {
            store: (store != VisitStore::default()).then_some(store),
            session: session(event, fields),
        }
    }
}

impl std::fmt::Debug for EventAbout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The session is sensitive.
        f.debug_struct("EventAbout")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// The session of an event, whose body has these fields.
fn session(event: &Event, fields: &Fields) -> Option<String> {
    let marked = || subject::session_of(event).filter(|session| session.len() <= MAX_TEXT);
    fields.session().or_else(marked)
}
