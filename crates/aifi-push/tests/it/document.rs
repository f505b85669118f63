//! The document, read as plain JSON, without the code under test.

use std::fs;

use aifi_push::{operations, types::TransitionLeft};
use serde_json::{Map, Value, json};

/// The OpenAPI document.
pub(crate) fn document() -> Value {
    let text = include_str!("../../../../openapi/aifi-push.json");
    serde_json::from_str(text).unwrap()
}

/// The event that the vendor documents, as JSON.
pub(crate) fn example() -> Value {
    serde_json::from_str(operations::TRANSITION_LEFT.example.unwrap()).unwrap()
}

/// The event that the vendor documents.
pub(crate) fn example_event() -> TransitionLeft {
    serde_json::from_value(example()).unwrap()
}

/// Returns the properties of a named schema.
pub(crate) fn properties<'a>(document: &'a Value, schema: &str) -> &'a Map<String, Value> {
    let schema = &document["components"]["schemas"][schema];
    schema["properties"].as_object().unwrap()
}

/// Returns the required properties of a named schema.
pub(crate) fn required(document: &Value, schema: &str) -> Vec<String> {
    let schema = &document["components"]["schemas"][schema];
    serde_json::from_value(schema.get("required").cloned().unwrap_or(json!([]))).unwrap()
}

/// Returns the name of the schema that a property refers to.
pub(crate) fn reference(schema: &Value) -> Option<&str> {
    let reference = match &schema["$ref"] {
        Value::Null => &schema["allOf"][0]["$ref"],
        reference => reference,
    };
    reference.as_str()?.strip_prefix("#/components/schemas/")
}

/// Returns the expected result of decoding and encoding `value`: nulls in optional fields are left
/// out, instants are written in one way.
pub(crate) fn expected_round_trip(document: &Value, schema: &Value, value: &Value) -> Value {
    if let Some(name) = reference(schema) {
        return expected_round_trip(document, &document["components"]["schemas"][name], value);
    }
    match value {
        Value::Object(fields) => {
            let empty = Map::new();
            let properties = schema["properties"].as_object().unwrap_or(&empty);
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let kept = fields.iter().filter(|(name, value)| {
                !(value.is_null()
                    && properties.contains_key(*name)
                    && !required.contains(&json!(name)))
            });
            kept.map(|(name, value)| {
                let schema = properties.get(name).unwrap_or(&Value::Null);
                (name.clone(), expected_round_trip(document, schema, value))
            })
            .collect()
        }
        Value::Array(items) => items
            .iter()
            .map(|item| expected_round_trip(document, &schema["items"], item))
            .collect(),
        Value::String(text) if schema["format"] == "date-time" => {
            let instant: chrono::DateTime<chrono::Utc> = text.parse().unwrap();
            json!(instant)
        }
        value => value.clone(),
    }
}

#[test]
fn the_example_is_the_one_on_the_vendors_page() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../openapi/examples/transition-left.documented.json"
    );
    let documented: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(example(), documented);
}

#[test]
fn every_property_has_a_provenance() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in schemas
        .keys()
        .filter(|name| schemas[*name]["type"] == "object")
    {
        for (property, schema) in properties(&document, name) {
            let provenance = schema["x-provenance"].as_str().unwrap_or_default();
            assert!(
                ["documented", "example", "assumed"].contains(&provenance),
                "{name}.{property}: {provenance:?}"
            );
        }
    }
}

#[test]
fn the_page_documents_eleven_required_fields() {
    let document = document();
    assert_eq!(required(&document, "TransitionLeft").len(), 11);
    for (name, schema) in properties(&document, "TransitionLeft") {
        assert_eq!(schema["x-provenance"], "documented", "{name}");
    }
}
