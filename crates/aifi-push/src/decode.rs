//! Decoding with an error that says which field was wrong.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::Segment;

/// Decodes JSON.
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
    // Tracking the path takes time, so only a body that failed is decoded with it.
    serde_json::from_slice(json).map_err(|error| {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
            Ok(_) => DecodeError::new(String::new(), &error),
            Err(error) => DecodeError::new(path(error.path()), error.inner()),
        }
    })
}

/// Why a body failed to decode: the field, the position and the reason.
///
/// It contains the names of fields but no values, so it can be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct DecodeError {
    path: String,
    line: usize,
    column: usize,
    reason: String,
}

impl DecodeError {
    /// Returns the path of the field by its names on the wire, such as
    /// `session.metadata.events[0].eventId`; empty for the body as a whole.
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
            Segment::Map { key } => push(&mut text, key),
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

const DATE_TIME: &str = "a date-time with a zone, such as 2019-08-24T14:15:22Z";

/// Returns the reason that serde reports for a wrong value, without the value.
fn wrong_value(text: &str) -> String {
    // Serde writes `invalid type: string "7", expected i64`. The value may contain any text, but
    // what follows the last `expected` comes from the types.
    let Some((found, expected)) = text.rsplit_once(", expected ") else {
        return not_a_date_time(text);
    };
    let expected = match expected {
        "i64" => "a 64-bit integer",
        "i32" => "a 32-bit integer",
        "a sequence" => "a list",
        "a map" => "an object",
        "an RFC 3339 formatted date and time string" => DATE_TIME,
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

/// Chrono reports what is wrong with a date-time, but not that one is expected.
fn not_a_date_time(text: &str) -> String {
    let chrono = [
        "input contains invalid characters",
        "input is not enough for unique date and time",
        "input is out of range",
        "no possible date and time matching input",
        "premature end of input",
        "trailing input",
    ];
    if chrono.contains(&text) {
        format!("expected {DATE_TIME}: {text}")
    } else {
        "not a value of this type".to_owned()
    }
}
