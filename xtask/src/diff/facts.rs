//! What of a document reaches whoever imports the crate.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Everything that the generated source follows from, but for its documentation.
#[derive(Debug)]
pub(super) struct Facts {
    /// The default server.
    pub(super) server: String,
    /// By operationId.
    pub(super) operations: BTreeMap<String, Operation>,
    /// By name.
    pub(super) schemas: BTreeMap<String, Schema>,
}

#[derive(Debug)]
pub(super) struct Operation {
    /// Method and path.
    pub(super) address: String,
    pub(super) body: String,
    pub(super) answer: String,
    pub(super) deprecated: bool,
}

#[derive(Debug)]
pub(super) enum Schema {
    Object(BTreeMap<String, Property>),
    OpenSet(BTreeSet<String>),
}

#[derive(Debug)]
pub(super) struct Property {
    /// The type, with ` or null` for one that may be null.
    pub(super) kind: String,
    pub(super) required: bool,
    pub(super) deprecated: bool,
    pub(super) sensitive: bool,
    pub(super) provenance: String,
}

impl Facts {
    pub(super) fn of(document: &Value) -> Self {
        let paths = entries(&document["paths"]);
        let operations = paths.flat_map(|(path, item)| {
            entries(item).map(move |(method, operation)| (path, method, operation))
        });
        let schemas = &document["components"]["schemas"];
        Self {
            server: text(&document["servers"][0]["url"]),
            operations: operations
                .map(|(path, method, operation)| {
                    let address = format!("{} {path}", method.to_uppercase());
                    let id = text(&operation["operationId"]);
                    (id, Operation::of(address, operation, schemas))
                })
                .collect(),
            schemas: entries(schemas)
                .map(|(name, schema)| (name.to_owned(), Schema::of(schema, schemas)))
                .collect(),
        }
    }
}

impl Operation {
    fn of(address: String, operation: &Value, schemas: &Value) -> Self {
        let kind =
            |content: &Value| kind(&content["content"]["application/json"]["schema"], schemas);
        Self {
            address,
            body: kind(&operation["requestBody"]),
            answer: kind(&operation["responses"]["2XX"]),
            deprecated: operation["deprecated"] == true,
        }
    }
}

impl Schema {
    fn of(schema: &Value, schemas: &Value) -> Self {
        if let Some(values) = schema["x-extensible-enum"].as_array() {
            return Self::OpenSet(values.iter().map(text).collect());
        }
        let required = schema["required"].as_array();
        let is_required =
            |name: &str| required.is_some_and(|names| names.iter().any(|n| n == name));
        let properties = entries(&schema["properties"]).map(|(name, property)| {
            let property = Property {
                kind: kind(property, schemas),
                required: is_required(name),
                deprecated: property["deprecated"] == true,
                sensitive: property["x-sensitive"] == true,
                provenance: text(&property["x-provenance"]),
            };
            (name.to_owned(), property)
        });
        Self::Object(properties.collect())
    }
}

/// The type of a schema where it is used. Formats that make no other Rust type are left out.
fn kind(schema: &Value, schemas: &Value) -> String {
    let reference = match &schema["allOf"][0]["$ref"] {
        Value::Null => &schema["$ref"],
        reference => reference,
    };
    let reference = reference
        .as_str()
        .and_then(|reference| reference.rsplit('/').next());
    let (kind, nullable) = match (reference, schema["type"].as_str()) {
        (Some(name), _) => (name.to_owned(), schemas[name]["nullable"] == true),
        (None, Some("array")) => (
            format!("list of {}", kind(&schema["items"], schemas)),
            false,
        ),
        (None, Some("object")) => {
            let values = kind(&schema["additionalProperties"], schemas);
            (format!("map of {values}"), false)
        }
        (None, Some(ty)) => match schema["format"].as_str() {
            Some(format @ ("date-time" | "int32")) => (format!("{ty} ({format})"), false),
            _ => (ty.to_owned(), false),
        },
        (None, None) => ("any JSON".to_owned(), false),
    };
    if nullable || schema["nullable"] == true {
        format!("{kind} or null")
    } else {
        kind
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let object = value.as_object().into_iter();
    object.flat_map(|object| object.iter().map(|(key, value)| (key.as_str(), value)))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
