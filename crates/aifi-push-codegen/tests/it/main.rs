//! What the generator returns for a document, and which documents it refuses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod generated;
mod ordinary;
mod public_api;
mod refusals;
#[cfg(feature = "yaml")]
mod yaml;

use aifi_push_codegen::{Error, Problem, generate};
use serde_json::Value;

/// A document with one operation.
const DOCUMENT: &str = include_str!("../documents/transition_left.json");

/// Generates the source of the document after a change.
fn generate_with(change: impl FnOnce(&mut Value)) -> Result<String, Error> {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
    change(&mut document);
    generate(&document.to_string())
}

/// Returns the value at a JSON pointer.
#[track_caller]
fn at<'a>(document: &'a mut Value, pointer: &str) -> &'a mut Value {
    document
        .pointer_mut(pointer)
        .unwrap_or_else(|| panic!("no {pointer}"))
}

/// Returns the only problem of the document after a change.
#[track_caller]
fn problem(change: impl FnOnce(&mut Value)) -> Problem {
    match generate_with(change) {
        Err(Error::Document(problems)) => {
            assert_eq!(problems.len(), 1, "{problems:#?}");
            problems[0].clone()
        }
        other => panic!("{other:?}"),
    }
}
