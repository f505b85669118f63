//! Decoding with an error that says which field was wrong.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category};
use serde_path_to_error::Segment;

use crate::{date_time, generated::PROPERTIES, model::Depth, repair::repair};

/// Decodes JSON.
///
/// A byte order mark is skipped, and half a surrogate pair in a string becomes U+FFFD.
///
/// # Examples
///
/// ```
/// use aifi_push::types::TransitionLeft;
///
/// let error = aifi_push::from_slice::<TransitionLeft>(b"[]").unwrap_err();
/// assert_eq!(error.to_string(), "line 1, column 0: expected an object, found a list");
/// ```
///
/// # Errors
///
/// Returns [`DecodeError`], which contains the name of the field on the wire, line and column.
pub fn from_slice<T: DeserializeOwned>(json: &[u8]) -> Result<T, DecodeError> {
    let json = repair(json);
    let decoded = match str::from_utf8(&json) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(&json),
    };
    // Tracking the path takes time, so only a body that failed is decoded with it.
    decoded.map_err(|error| {
        let mut deserializer = serde_json::Deserializer::from_slice(&json);
        match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
            Ok(_) => DecodeError::new(String::new(), &error),
            Err(error) => {
                let path = path(error.path());
                let path = match error.inner().classify() {
                    Category::Data => path,
                    Category::Io | Category::Syntax | Category::Eof => inside(&json, path),
                };
                DecodeError::new(path, error.inner())
            }
        }
    })
}

/// Returns the path of invalid JSON, which is where `path` is or inside of it: a model does not
/// track the path where it takes any JSON.
fn inside(json: &[u8], path: String) -> String {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    match serde_path_to_error::deserialize::<_, Value>(&mut deserializer) {
        Ok(_) => path,
        // It may have stopped earlier, at a number that a `Value` can't hold.
        Err(error) => Some(self::path(error.path()))
            .filter(|inside| inside.starts_with(&path))
            .unwrap_or(path),
    }
}

/// Why a body failed to decode: the field, the position and the reason.
///
/// It contains no values, and of names only those of the document, so it can be logged: a key that
/// a retailer chose may be personal data, and is shown as `*`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct DecodeError {
    path: String,
    line: usize,
    column: usize,
    reason: String,
}

impl DecodeError {
    /// Returns the path of the field by its names on the wire, such as `session.storeId`; empty for
    /// the body as a whole. A key that is not in the document is `*`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the line at which decoding stopped, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the column at which decoding stopped, in bytes.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Returns what was wrong, without the value.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    fn new(mut path: String, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let text = text
            .strip_suffix(&format!(" at line {line} column {column}"))
            .unwrap_or(&text);
        let reason = match error.classify() {
            // The texts for invalid JSON are constant.
            Category::Io | Category::Syntax | Category::Eof => text.to_owned(),
            Category::Data => match quoted(text) {
                Some(("missing field", field)) => {
                    push(&mut path, field);
                    "this field is missing".to_owned()
                }
                Some(("duplicate field", field)) => {
                    push(&mut path, field);
                    "this field occurs twice".to_owned()
                }
                _ => wrong_value(text),
            },
        };
        Self {
            path,
            line,
            column,
            reason,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}` at ", self.path)?;
        }
        let Self {
            line,
            column,
            reason,
            ..
        } = self;
        write!(f, "line {line}, column {column}: {reason}")
    }
}

fn path(path: &serde_path_to_error::Path) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Map { key } => {
                let is_known = PROPERTIES.binary_search(&key.as_str()).is_ok();
                push(&mut text, if is_known { key } else { "*" });
            }
            Segment::Seq { index } => text.push_str(&format!("[{index}]")),
            // A variant is not a name on the wire, and an unknown segment has none.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    text
}

fn push(path: &mut String, field: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(field);
}

/// Splits ``missing field `x` `` into the two parts.
fn quoted(text: &str) -> Option<(&str, &str)> {
    text.strip_suffix('`')?.split_once(" `")
}

/// Returns the reason that serde reports for a wrong value, without the value.
fn wrong_value(text: &str) -> String {
    // Serde writes `invalid type: string "7", expected i64`. The value may contain any text, but
    // what follows the last `expected` comes from the types.
    let Some((found, expected)) = text.rsplit_once(", expected ") else {
        return match text {
            Depth::EXCEEDED => text.to_owned(),
            _ => "not a value of this type".to_owned(),
        };
    };
    let expected = match expected {
        "i64" => "a 64-bit integer",
        "a sequence" => "a list",
        "a map" => "an object",
        "an RFC 3339 formatted date and time string" => date_time::EXPECTED,
        expected if expected.starts_with("struct ") => "an object",
        expected => expected,
    };
    let kinds = [
        ("invalid type: string", "a string"),
        ("invalid type: integer", "an integer"),
        ("invalid type: floating point", "another number"),
        ("invalid type: boolean", "a boolean"),
        ("invalid type: null", "null"),
        ("invalid type: map", "an object"),
        ("invalid type: sequence", "a list"),
        ("invalid value: integer", "an integer out of range"),
    ];
    match kinds.iter().find(|(kind, _)| found.starts_with(kind)) {
        Some((_, found)) => format!("expected {expected}, found {found}"),
        None => format!("expected {expected}"),
    }
}
