//! The fields of a body by their names on the wire, whatever its operation is.

use std::collections::BTreeMap;

use aifi_push::{Json, Number, from_slice, parse_date_time};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

/// The longest text that is read, in bytes. Ids, prices and names are far shorter, and who sends decides
/// about the memory of who reads.
pub(super) const MAX_TEXT: usize = 200;

/// The fields of a JSON object. One that has another type than asked for counts as absent, as an odd
/// value must not cost the others. Every operation has the same names for what they share, so that
/// none is named here.
#[derive(Default)]
pub(super) struct Fields(BTreeMap<String, Json>);

impl Fields {
    /// Reads a body; one that is no object has no fields.
    pub(super) fn of(body: &[u8]) -> Self {
        Self(from_slice(body).unwrap_or_default())
    }

    pub(super) fn object(&self, name: &str) -> Self {
        Self(self.get(name).unwrap_or_default())
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).unwrap_or_default()
    }

    /// A text that is not empty, or a number, digit for digit. One that is too long counts as absent.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = self.get(name);
        let text = text.or_else(|| self.get::<Number>(name).map(|number| number.to_string()));
        text.filter(|text| (1..=MAX_TEXT).contains(&text.len()))
    }

    /// An integer in any spelling.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        self.get::<Number>(name)?.as_i64()
    }

    /// An id: a text, or an integer.
    pub(super) fn id(&self, name: &str) -> Option<String> {
        let integer = self.integer(name).map(|integer| integer.to_string());
        integer.or_else(|| self.text(name))
    }

    pub(super) fn time(&self, name: &str) -> Option<DateTime<Utc>> {
        parse_date_time(&self.get::<String>(name)?)
    }

    /// The session that the event belongs to. The vendor says that the id and the token of a session
    /// are one concept, and the first is in every event that has a session.
    pub(super) fn session(&self) -> Option<String> {
        let session = self.object("session");
        let ids = [
            self.id("sessionId"),
            session.id("sessionId"),
            session.id("sessionToken"),
            session.id("id"),
        ];
        ids.into_iter().flatten().next()
    }

    fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.0.get(name)?.decode().ok()
    }
}
