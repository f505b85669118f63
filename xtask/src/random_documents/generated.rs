//! What the generator makes of a document.

use std::panic::{self, AssertUnwindSafe};

use aifi_push_codegen::{Error, Problem, generate};
use serde_json::{Value, json};

/// How a fault begins whose document is no OpenAPI document.
const SYNTAX: &str = "invalid document";

/// What must not happen.
#[derive(Debug)]
pub(super) struct Fault {
    /// What it has in common with others of the same cause.
    pub(super) kind: String,
    pub(super) text: String,
}

impl Fault {
    /// Its kind is the first line, without names and numbers.
    pub(super) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let line = text.lines().next().unwrap_or_default();
        let line: String = line.split('`').step_by(2).collect();
        Self {
            kind: line.replace(|character: char| character.is_ascii_digit(), ""),
            text,
        }
    }

    /// Returns `true` if it is not of the compiler.
    pub(super) fn is_of_bodies(&self) -> bool {
        !self.kind.starts_with("error") && !self.kind.starts_with("warning")
    }

    fn is_of_syntax(&self) -> bool {
        self.kind.starts_with(SYNTAX)
    }
}

/// Returns the source of a document, or the problems for which it is refused.
pub(super) fn source(document: &Value) -> Result<Result<String, Vec<Problem>>, Fault> {
    let text = document.to_string();
    let generate = || panic::catch_unwind(AssertUnwindSafe(|| generate(&text)));
    match generate() {
        Ok(Ok(source)) => match generate() {
            Ok(Ok(again)) if again == source => Ok(Ok(source)),
            _ => Err(Fault::new("another source the second time")),
        },
        Ok(Err(Error::Document(problems))) => {
            match problems.iter().find(|p| !exists(document, p)) {
                Some(problem) => Err(Fault::new(format!("a pointer to nothing\n{problem}"))),
                None if problems.is_empty() => Err(Fault::new("refused without a problem")),
                None => Ok(Err(problems)),
            }
        }
        Ok(Err(error)) => Err(Fault::new(format!("{:#}", anyhow::Error::from(error)))),
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
            Err(Fault::new(format!("panic: {}", text.unwrap_or("no text"))))
        }
    }
}

/// Returns the document with what is refused fixed, and its source; `None` if too little is left.
pub(super) fn accepted(mut document: Value) -> Result<Option<(Value, String)>, (Value, Fault)> {
    /// More than a removal brings up.
    const ROUNDS: usize = 30;
    for round in 0..ROUNDS {
        match source(&document) {
            // Too much was removed.
            Err(fault) if round > 0 && fault.is_of_syntax() => return Ok(None),
            Err(fault) => return Err((document, fault)),
            Ok(Ok(source)) => {
                let has_operations = document["paths"]
                    .as_object()
                    .is_some_and(|it| !it.is_empty());
                return Ok(has_operations.then_some((document, source)));
            }
            Ok(Err(problems)) => {
                for problem in &problems {
                    fix(&mut document, pointer(problem));
                }
            }
        }
    }
    Ok(None)
}

/// Replaces what is refused by something plain, or removes it.
fn fix(document: &mut Value, pointer: &str) {
    let property = json!({"type": "string", "nullable": true, "x-provenance": "documented"});
    let object = json!({"type": "object", "properties": {"id": property}});
    let plain = match parent(pointer) {
        "/components/schemas" => object,
        parent if parent.ends_with("/properties") => property,
        _ => Value::Null,
    };
    match document.pointer_mut(pointer) {
        Some(value) if !plain.is_null() && *value != plain => *value = plain,
        Some(_) => {
            remove(document, pointer);
        }
        None => {
            remove(document, parent(pointer));
        }
    }
}

/// Removes a value, if there is one.
pub(super) fn remove(document: &mut Value, pointer: &str) -> bool {
    let Some((parent, last)) = pointer.rsplit_once('/') else {
        return false;
    };
    match document.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            let name = last.replace("~1", "/").replace("~0", "~");
            fields.remove(&name).is_some()
        }
        Some(Value::Array(items)) => match last.parse() {
            Ok(index) if index < items.len() => {
                items.remove(index);
                true
            }
            _ => false,
        },
        _ => false,
    }
}

/// Returns `true` if the value, or the one that lacks it, is in the document.
fn exists(document: &Value, problem: &Problem) -> bool {
    let pointer = pointer(problem);
    problem.pointer.starts_with('#')
        && (document.pointer(pointer).is_some() || document.pointer(parent(pointer)).is_some())
}

fn pointer(problem: &Problem) -> &str {
    problem.pointer.strip_prefix('#').unwrap_or_default()
}

fn parent(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
}
