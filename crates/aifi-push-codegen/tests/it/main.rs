//! What the generator makes of a document, and of which documents it makes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod generated;
mod refusals;

use aifi_push_codegen::{Error, Problem, generate};
use serde_json::Value;

const DOCUMENT: &str = include_str!("../../../../openapi/aifi-push.json");

/// The source made of our document, after a change of the document.
fn generate_with(change: impl FnOnce(&mut Value)) -> Result<String, Error> {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
    change(&mut document);
    generate(&document.to_string())
}

/// The value in a document at a JSON pointer.
#[track_caller]
fn at<'a>(document: &'a mut Value, pointer: &str) -> &'a mut Value {
    document
        .pointer_mut(pointer)
        .unwrap_or_else(|| panic!("no {pointer}"))
}

/// The one problem that a change of our document makes.
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
