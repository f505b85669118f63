//! Documentation comments from the descriptions of the document.

use openapiv3::{Operation, Schema};
use syn::{Attribute, parse_quote};

use crate::document::{PROVENANCE, SENSITIVE, is_guess};

/// Returns a `#[doc]` attribute for each line, with the space that a hand-written comment has.
pub(crate) fn doc_attributes(text: &str) -> Vec<Attribute> {
    text.lines()
        .map(|line| match line {
            "" => parse_quote!(#[doc = ""]),
            line => {
                let line = format!(" {line}");
                parse_quote!(#[doc = #line])
            }
        })
        .collect()
}

pub(crate) fn schema_doc(name: &str, schema: &Schema) -> String {
    let description = schema.schema_data.description.clone();
    description.unwrap_or_else(|| format!("`{name}` of the document."))
}

/// Returns the description of a property, its name on the wire, its provenance, and where a value is
/// that does not fit.
pub(crate) fn property_doc(wire_name: &str, property: &Schema, required: bool) -> String {
    let source = match extension(property, PROVENANCE) {
        Some("documented") => "documented by the vendor",
        Some("example") => "from the vendor's example",
        _ => "assumed: the vendor does not document it",
    };
    let mut paragraphs: Vec<String> = Vec::new();
    paragraphs.extend(property.schema_data.description.clone());
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
