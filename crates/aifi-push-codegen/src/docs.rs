//! Documentation comments from the descriptions of the document.

use openapiv3::{Operation, Schema};
use syn::{Attribute, parse_quote};

use crate::document::{PROVENANCE, SENSITIVE, is_guess, notes};

/// Returns a `#[doc]` attribute for each line, with the space that a hand-written comment has.
pub(crate) fn doc_attributes(text: &str) -> Vec<Attribute> {
    without_tests(text)
        .iter()
        .map(|line| match line.as_str() {
            "" => parse_quote!(#[doc = ""]),
            line => {
                let line = format!(" {line}");
                parse_quote!(#[doc = #line])
            }
        })
        .collect()
}

/// Rustdoc would run code of a description as a test.
fn without_tests(text: &str) -> Vec<String> {
    let mut fence = None;
    let mut lines = Vec::new();
    let text: String = text
        .replace("\r\n", "\n")
        .chars()
        .filter_map(visible)
        .collect();
    for line in text.lines() {
        let line = line.trim_end();
        let inner = line.trim_start();
        let mark: String = inner
            .chars()
            .take_while(|mark| "`~".contains(*mark))
            .collect();
        let is_fence = mark.len() >= 3;
        match &fence {
            None if is_fence && !inner[mark.len()..].contains('`') => {
                lines.push(format!("{mark}text"));
                fence = Some(mark);
            }
            // Four spaces begin a block of code.
            None => {
                let indent = (line.len() - inner.len()).min(3);
                lines.push(format!("{:indent$}{inner}", ""));
            }
            Some(open) => {
                let ends = inner == mark && mark.starts_with(open.as_str());
                lines.push(match ends {
                    true => inner.to_owned(),
                    false => line.to_owned(),
                });
                if ends {
                    fence = None;
                }
            }
        }
    }
    // What follows would be part of the code.
    lines.extend(fence);
    lines
}

/// Returns `true` if nothing of a text would be in a comment.
pub(crate) fn is_blank(text: &str) -> bool {
    let mut visible = text.chars().filter_map(visible);
    visible.all(char::is_whitespace)
}

/// Returns what a comment of Rust may contain: no character that moves what is around it.
fn visible(character: char) -> Option<char> {
    match character {
        '\n' | '\t' => Some(character),
        '\r' => Some('\n'),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        character if character.is_control() => None,
        character => Some(character),
    }
}

pub(crate) fn schema_doc(name: &str, schema: &Schema) -> String {
    let description = schema.schema_data.description.clone();
    let description = description.unwrap_or_else(|| format!("`{name}` of the document."));
    let mut paragraphs = vec![description];
    paragraphs.extend(notes(schema).map(str::to_owned));
    paragraphs.join("\n\n")
}

/// Returns the description of a property, its name on the wire, its provenance, and where a value
/// is that does not fit.
pub(crate) fn property_doc(wire_name: &str, property: &Schema, required: bool) -> String {
    let source = match extension(property, PROVENANCE) {
        Some("documented") => "documented by the vendor",
        Some("example") => "from the vendor's example",
        _ => "assumed: the vendor does not document it",
    };
    let mut paragraphs: Vec<String> = Vec::new();
    paragraphs.extend(property.schema_data.description.clone());
    paragraphs.extend(notes(property).map(str::to_owned));
    let odd = match is_guess(property, required) {
        true => " A value that does not fit is in `extra`.",
        false => "",
    };
    paragraphs.push(format!("`{wire_name}` on the wire, {source}.{odd}"));
    paragraphs.join("\n\n")
}

pub(crate) fn operation_doc(method: &str, path: &str, operation: &Operation) -> String {
    let mut paragraphs: Vec<String> = Vec::new();
    paragraphs.extend(operation.summary.clone());
    paragraphs.extend(operation.description.clone());
    paragraphs.push(format!("`{} {path}`", method.to_uppercase()));
    paragraphs.join("\n\n")
}

pub(crate) fn is_sensitive(property: &Schema) -> bool {
    let extension = property.schema_data.extensions.get(SENSITIVE);
    extension.and_then(serde_json::Value::as_bool) == Some(true)
}

fn extension<'a>(schema: &'a Schema, name: &str) -> Option<&'a str> {
    schema.schema_data.extensions.get(name)?.as_str()
}
