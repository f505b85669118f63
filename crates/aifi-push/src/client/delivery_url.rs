//! Where an event is delivered, from the base URL and the kind of the event.

use reqwest::Url;

use crate::Operation;

/// What stands for the kind of an event in a base URL.
const KIND: &str = "{kind}";

/// The URL of the deliveries.
#[derive(Clone)]
pub(super) enum DeliveryUrl {
    /// Called as it is, but for the kind.
    Whole(String),
    /// The route of the operation is added to the path.
    Base { path: String, query: String },
}

impl DeliveryUrl {
    pub(super) fn new(url: &Url, is_exact: bool) -> Self {
        // In a path, a brace is encoded.
        let text = url.as_str().replace("%7Bkind%7D", KIND);
        if is_exact || text.contains(KIND) {
            return Self::Whole(text);
        }
        let (path, query) = match text.split_once('?') {
            Some((path, query)) => (path, format!("?{query}")),
            None => (&*text, String::new()),
        };
        Self::Base {
            path: path.trim_end_matches('/').to_owned(),
            query,
        }
    }

    pub(super) fn of(&self, operation: &Operation) -> String {
        match self {
            Self::Whole(url) => url.replace(KIND, operation.kind),
            Self::Base { path, query } => format!("{path}/{}{query}", operation.route),
        }
    }
}
