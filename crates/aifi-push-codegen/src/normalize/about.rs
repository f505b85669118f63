//! What a schema says beside the type.

use indexmap::IndexMap;
use openapiv3::SchemaData;
use serde_json::Value;

use super::{keywords::LIMITS, place::Place};
use crate::{
    docs::is_blank,
    document::{EXTENSIBLE_ENUM, NOTES, SENSITIVE},
    node::Node,
};

/// What a schema says beside the type.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    pub(super) description: Option<String>,
    pub(super) nullable: bool,
    pub(super) deprecated: bool,
    pub(super) extensions: IndexMap<String, Value>,
    /// What the decoder ignores, for the documentation.
    pub(super) notes: Vec<String>,
}

impl About {
    /// Reads what a schema says itself.
    pub(super) fn of(place: &Place<'_>) -> Self {
        let is_true = |keyword| place.get(keyword).is_some_and(Node::is_true);
        let description = place.get("description").and_then(Node::as_str);
        let description = description.filter(|text| !is_blank(text));
        let extensions = place
            .node
            .entries()
            .filter(|(key, _)| key.starts_with("x-") && *key != EXTENSIBLE_ENUM && *key != NOTES);
        Self {
            description: description.map(str::to_owned),
            nullable: is_true("nullable"),
            deprecated: is_true("deprecated"),
            extensions: extensions
                .map(|(key, value)| (key.to_owned(), value.to_value()))
                .collect(),
            notes: limits(place),
        }
    }

    /// Returns what remains of it where a type is used that has documentation of its own.
    pub(super) fn elsewhere(mut self) -> Self {
        self.extensions.retain(|key, _| key == SENSITIVE);
        Self {
            nullable: self.nullable,
            extensions: self.extensions,
            ..Self::default()
        }
    }

    /// Adds what a schema says itself to what the schema says that it refers to.
    pub(super) fn with(mut self, own: Self) -> Self {
        self.description = own.description.or(self.description);
        self.nullable |= own.nullable;
        self.deprecated |= own.deprecated;
        self.extensions.extend(own.extensions);
        self.notes.extend(own.notes);
        self
    }

    /// Keeps a value out of `Debug` if a part of it must be.
    pub(super) fn add_sensitive(&mut self, part: &IndexMap<String, Value>) {
        if part.get(SENSITIVE) == Some(&Value::Bool(true)) {
            self.extensions
                .insert(SENSITIVE.to_owned(), Value::Bool(true));
        }
    }

    pub(super) fn into_data(mut self) -> SchemaData {
        if !self.notes.is_empty() {
            self.extensions.insert(NOTES.to_owned(), self.notes.into());
        }
        SchemaData {
            description: self.description,
            nullable: self.nullable,
            deprecated: self.deprecated,
            extensions: self.extensions,
            ..SchemaData::default()
        }
    }
}

/// Returns the limits of a schema as a sentence.
fn limits(place: &Place<'_>) -> Vec<String> {
    let limits = place.node.entries().filter(|(key, value)| {
        LIMITS.contains(key) && **value != Node::Bool(false) && *key != "default"
    });
    let limits: Vec<String> = limits
        .map(|(key, value)| match value {
            Node::Object(_) | Node::List(_) => format!("`{key}`"),
            Node::String(text) => format!("`{key}: {text}`"),
            value => format!("`{key}: {value}`"),
        })
        .collect();
    let mut notes = Vec::new();
    if !limits.is_empty() {
        notes.push(format!(
            "Limits in the document, which decoding ignores: {}.",
            limits.join(", ")
        ));
    }
    if let Some(default) = place.get("default") {
        notes.push(format!(
            "Default in the document, which decoding ignores: `{default}`."
        ));
    }
    notes
}
