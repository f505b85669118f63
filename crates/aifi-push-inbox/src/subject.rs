//! Whom and what an event is about, to find it for a person's request.

use std::{collections::BTreeSet, fmt};

use aifi_push::{SubjectField, SubjectKind, operations};
use serde_json::Value;
#[cfg(feature = "sqlite")]
use sha2::{Digest as _, Sha256};

use crate::event::Event;

/// Whom or what an event is about: a customer, a session, a shopper or a store, by one of its ids.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// What the value identifies.
    pub kind: SubjectKind,
    /// The id, as in the body: of a string its text, of a number its digits.
    pub value: String,
}

impl Subject {
    /// Creates a subject.
    pub fn new(kind: SubjectKind, value: impl Into<String>) -> Self {
        Self {
            kind,
            value: value.into(),
        }
    }

    /// Returns `true` if an event is about it.
    ///
    /// The document marks the fields that say so. They count wherever they are in the body: also in one
    /// that failed to decode because it is a list, or wrapped in something else. In a body that is not
    /// JSON, the value counts as a word of its text.
    pub fn is_in(&self, event: &Event) -> bool {
        match all_of(event) {
            Some(subjects) => subjects.contains(self),
            None => has_word(&event.body, self.value.as_bytes()),
        }
    }
}

#[cfg(feature = "sqlite")]
impl Subject {
    /// The [hash](Self::hash) of events whose body is not JSON.
    pub(crate) const NO_JSON: i64 = 0;

    /// The key in an index. Another subject may have the same.
    pub(crate) fn hash(&self) -> i64 {
        let digest = Sha256::new()
            .chain_update(self.kind.as_str())
            .chain_update([0])
            .chain_update(&self.value)
            .finalize();
        let bytes = digest.first_chunk().copied().unwrap_or_default();
        i64::from_be_bytes(bytes)
    }

    /// The keys of an event in an index.
    pub(crate) fn hashes(event: &Event) -> Vec<i64> {
        match all_of(event) {
            Some(subjects) => subjects.iter().map(Self::hash).collect(),
            None => vec![Self::NO_JSON],
        }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The value is personal data.
        f.debug_struct("Subject")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// What an event is about, or `None` if its body is not JSON.
fn all_of(event: &Event) -> Option<BTreeSet<Subject>> {
    let body = event
        .body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&event.body);
    let body: Value = serde_json::from_slice(body).ok()?;
    let fields: Vec<&SubjectField> = match event.known_operation() {
        Some(operation) => operation.subjects.iter().collect(),
        None => {
            let all = operations::ALL.iter();
            all.flat_map(|operation| operation.subjects).collect()
        }
    };
    let mut subjects = BTreeSet::new();
    add(&body, &mut Vec::new(), &fields, &mut subjects);
    Some(subjects)
}

/// Returns the session that an event is about, if it is about one only.
pub(crate) fn session_of(event: &Event) -> Option<String> {
    let subjects = all_of(event)?.into_iter();
    let mut sessions = subjects.filter(|subject| subject.kind == SubjectKind::Session);
    let session = sessions.next()?.value;
    (sessions.next().is_none() && !session.is_empty()).then_some(session)
}

/// Adds what is at `path`. Places in a list are no part of a path.
fn add<'a>(
    value: &'a Value,
    path: &mut Vec<&'a str>,
    fields: &[&SubjectField],
    subjects: &mut BTreeSet<Subject>,
) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                path.push(name);
                add(value, path, fields, subjects);
                path.pop();
            }
        }
        Value::Array(list) => {
            for value in list {
                add(value, path, fields, subjects);
            }
        }
        Value::String(_) | Value::Number(_) => {
            for field in fields.iter().filter(|field| path.ends_with(field.path)) {
                subjects.insert(Subject::new(field.kind, text(value)));
            }
        }
        Value::Bool(_) | Value::Null => {}
    }
}

/// The text of a string, the digits of a number.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => {
            let digits = value.to_string();
            // The same number, as some write it.
            match digits.strip_suffix(".0") {
                Some(integer) => integer.to_owned(),
                None => digits,
            }
        }
    }
}

/// Whether a text contains a word, and not only as part of a longer one.
fn has_word(text: &[u8], word: &[u8]) -> bool {
    let is_part = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    !word.is_empty()
        && text.windows(word.len()).enumerate().any(|(at, found)| {
            found == word
                && !is_part(at.checked_sub(1).and_then(|before| text.get(before)))
                && !is_part(text.get(at + word.len()))
        })
}
