//! What the parser of the document would drop in silence: keys that it does not know.

use serde_json::{Map, Value};

use super::{
    Problems, extensions,
    parts::{Below, Part},
};
use crate::{document::Document, pointer::Pointer, spelling};

pub(super) fn check(document: &Document, problems: &mut Problems) {
    check_paths(&document.json, problems);
    check_keys(&document.json, &Pointer::root(), Part::Document, problems);
}

fn check_paths(document: &Value, problems: &mut Problems) {
    let pointer = Pointer::root().join("paths");
    for (path, item) in entries(&document["paths"]) {
        let pointer = pointer.join(path);
        if !path.starts_with('/') {
            problems.add(&pointer, "invalid path: expected a leading `/`");
        }
        for (key, operation) in entries(item) {
            let pointer = pointer.join(key);
            let pointer = pointer.join("responses");
            for (status, _) in entries(&operation["responses"]) {
                if !is_status(status) {
                    problems.add(
                        &pointer.join(status),
                        "invalid status: expected one such as `204`, `2XX` or `default`",
                    );
                }
            }
        }
    }
}

fn is_status(status: &str) -> bool {
    match status.as_bytes() {
        b"default" => true,
        [b'1'..=b'5', b'X', b'X'] => true,
        [b'1'..=b'5', tens, ones] => tens.is_ascii_digit() && ones.is_ascii_digit(),
        _ => false,
    }
}

/// Checks the keys of a part, and of the parts below.
fn check_keys(value: &Value, pointer: &Pointer, part: Part, problems: &mut Problems) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let pointer = pointer.join(key);
        if key.starts_with("x-") {
            extensions::check(part, key, value, &pointer, problems);
            continue;
        }
        match part.below(key) {
            None => {
                if let Some(message) = unknown_key(part, key) {
                    problems.add(&pointer, message);
                }
            }
            Some(Below::One(part)) => check_keys(value, &pointer, part, problems),
            Some(Below::List(part)) => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check_keys(item, &pointer.join(&index.to_string()), part, problems);
                }
            }
            Some(Below::Named(part)) => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    let pointer = pointer.join(name);
                    // Beside paths and statuses, which are no names, there may be extensions.
                    match part {
                        Part::Path | Part::Response if name.starts_with("x-") => {
                            extensions::check(Part::Document, name, value, &pointer, problems);
                        }
                        part => check_keys(value, &pointer, part, problems),
                    }
                }
            }
            Some(Below::Other) => {}
        }
    }
}

/// Returns what is wrong with a key that is none of a part. The keywords of a schema are checked
/// where it is read.
fn unknown_key(part: Part, key: &str) -> Option<String> {
    match part {
        Part::Schema => return None,
        Part::Path => {
            return Some("unknown method: expected one in lower case, such as `post`".to_owned());
        }
        _ => {}
    }
    let ours = extensions::OF_OPERATIONS;
    let known = part.keys().iter().map(|(name, _)| *name).chain(ours);
    let expected = match spelling::meant(key, known) {
        Some(known) => format!("expected `{known}`"),
        None => "remove it, or write it as an extension `x-…`".to_owned(),
    };
    Some(format!("unknown key: {expected}"))
}

/// Returns the entries of an object, without extensions.
fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let fields = value.as_object().into_iter().flat_map(Map::iter);
    fields.filter(|(key, _)| !key.starts_with("x-"))
}
