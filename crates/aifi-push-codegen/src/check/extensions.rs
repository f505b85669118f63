//! Our extensions: their names, where they are, and their values.

use serde_json::Value;

use super::{Problems, parts::Part};
use crate::{
    document::{EXTENSIBLE_ENUM, PROVENANCE, SENSITIVE, SUBJECT},
    pointer::Pointer,
    spelling,
    webhooks::{ANSWER, URL, WEBHOOK},
};

pub(super) const OF_OPERATIONS: [&str; 3] = [ANSWER, URL, WEBHOOK];

const OF_SCHEMAS: [&str; 4] = [EXTENSIBLE_ENUM, PROVENANCE, SENSITIVE, SUBJECT];

/// Checks an extension of a part, which may be somebody else's.
pub(super) fn check(
    part: Part,
    key: &str,
    value: &Value,
    pointer: &Pointer,
    problems: &mut Problems,
) {
    let place = if OF_OPERATIONS.contains(&key) {
        (Part::Operation, "of an operation")
    } else if OF_SCHEMAS.contains(&key) {
        (Part::Schema, "of a schema")
    } else {
        let names = OF_OPERATIONS.into_iter().chain(OF_SCHEMAS);
        let names = names.filter_map(|name| name.strip_prefix("x-"));
        if let Some(name) = spelling::meant(key.trim_start_matches("x-"), names) {
            problems.add(pointer, format!("unknown extension: expected `x-{name}`"));
        }
        return;
    };
    if part != place.0 {
        problems.add(
            pointer,
            format!("misplaced extension: it is one {}", place.1),
        );
        return;
    }
    let is_one_of = |known: &[&str]| value.as_str().is_some_and(|value| known.contains(&value));
    let message = match key {
        SENSITIVE if !value.is_boolean() => "invalid value: expected `true` or `false`",
        SUBJECT if !is_one_of(&["customer", "session", "shopper", "store"]) => {
            "expected `customer`, `session`, `shopper` or `store`"
        }
        PROVENANCE if !is_one_of(&["documented", "example", "assumed"]) => {
            "invalid provenance: expected `documented` (the vendor's page states it), `example` \
             (only its example shows it) or `assumed`"
        }
        _ => return,
    };
    problems.add(pointer, message);
}
