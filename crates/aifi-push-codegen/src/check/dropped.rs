//! What the parser of the document would drop in silence: keys that it does not know.

use serde_json::{Map, Value};

use super::Problems;
use crate::{
    document::{Document, EXTENSIBLE_ENUM, PROVENANCE, SENSITIVE, SUBJECT},
    pointer::Pointer,
};

const PATH_ITEM: [&str; 13] = [
    "$ref",
    "delete",
    "description",
    "get",
    "head",
    "options",
    "parameters",
    "patch",
    "post",
    "put",
    "servers",
    "summary",
    "trace",
];

const EXTENSIONS: [&str; 4] = [EXTENSIBLE_ENUM, PROVENANCE, SENSITIVE, SUBJECT];

pub(super) fn check(document: &Document, problems: &mut Problems) {
    check_paths(&document.json, problems);
    check_extensions(&document.json, &Pointer::root(), problems);
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
            if !PATH_ITEM.contains(&key.as_str()) {
                problems.add(
                    &pointer,
                    "unknown method: expected one in lower case, such as `post`",
                );
            }
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
        [b'0'..=b'9', b'X', b'X'] => true,
        [_, _, _] => status.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

/// Checks the names and the values of our extensions, wherever they are.
fn check_extensions(value: &Value, pointer: &Pointer, problems: &mut Problems) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let pointer = pointer.join(key);
                check_extension(key, value, &pointer, problems);
                // An example may have any key.
                if !matches!(key.as_str(), "example" | "examples") {
                    check_extensions(value, &pointer, problems);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check_extensions(item, &pointer.join(&index.to_string()), problems);
            }
        }
        _ => {}
    }
}

fn check_extension(key: &str, value: &Value, pointer: &Pointer, problems: &mut Problems) {
    if key == SENSITIVE && !value.is_boolean() {
        problems.add(pointer, "invalid value: expected `true` or `false`");
    }
    if !key.starts_with("x-") || EXTENSIONS.contains(&key) {
        return;
    }
    let misspelled = EXTENSIONS
        .into_iter()
        .find(|name| strsim::levenshtein(key, name) <= 2);
    if let Some(name) = misspelled {
        problems.add(pointer, format!("unknown extension: expected `{name}`"));
    }
}

/// Returns the entries of an object, without extensions.
fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let fields = value.as_object().into_iter().flat_map(Map::iter);
    fields.filter(|(key, _)| !key.starts_with("x-"))
}
