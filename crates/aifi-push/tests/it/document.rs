//! The document, read as plain JSON, without the code under test.

use std::fs;

use aifi_push::{Operation, operations};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// The OpenAPI document.
pub(crate) fn document() -> Value {
    let text = include_str!("../../../../openapi/aifi-push.json");
    serde_json::from_str(text).unwrap()
}

/// The example of an operation, as JSON.
pub(crate) fn example_of(operation: &Operation) -> Value {
    serde_json::from_str(operation.example.unwrap()).unwrap()
}

/// The event that the vendor documents, as JSON.
pub(crate) fn example() -> Value {
    example_of(&operations::TRANSITION_LEFT)
}

/// The event that the vendor documents.
#[cfg(feature = "client")]
pub(crate) fn example_event() -> aifi_push::types::TransitionLeft {
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

/// Returns `true` if the type of a property is a guess, which a value need not follow.
pub(crate) fn is_guess(schema: &Value, name: &str, property: &Value) -> bool {
    let required = schema["required"].as_array();
    let is_required = required.is_some_and(|required| required.contains(&json!(name)));
    !is_required && property["x-provenance"] != "documented"
}

/// Returns `true` if `value` is valid by the document.
#[cfg(feature = "client")]
pub(crate) fn is_valid(document: &Value, schema: &Value, value: &Value) -> bool {
    conforms(document, schema, value, |_, _, _| true)
}

/// Returns `true` if the type of a schema can hold `value`.
fn fits(document: &Value, schema: &Value, value: &Value) -> bool {
    conforms(document, schema, value, |schema, name, property| {
        !is_guess(schema, name, property)
    })
}

/// Returns `true` if `value` conforms to a schema but for the properties that are not checked.
fn conforms(
    document: &Value,
    schema: &Value,
    value: &Value,
    is_checked: fn(&Value, &str, &Value) -> bool,
) -> bool {
    if value.is_null() && schema["nullable"] == json!(true) {
        return true;
    }
    if let Some(name) = reference(schema) {
        let schema = &document["components"]["schemas"][name];
        return conforms(document, schema, value, is_checked);
    }
    match (schema["type"].as_str(), value) {
        (Some("string"), Value::String(text)) => {
            schema["format"] != "date-time" || text.parse::<DateTime<Utc>>().is_ok()
        }
        (Some("integer"), value) => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        (Some("number"), value) => value.is_number(),
        (Some("boolean"), value) => value.is_boolean(),
        (Some("array"), Value::Array(items)) => {
            let mut items = items.iter();
            items.all(|item| conforms(document, &schema["items"], item, is_checked))
        }
        (Some("object"), Value::Object(fields)) => {
            let mut required = schema["required"].as_array().into_iter().flatten();
            if required.any(|name| name.as_str().is_none_or(|name| !fields.contains_key(name))) {
                return false;
            }
            let required_names = schema["required"].as_array().cloned().unwrap_or_default();
            let empty = Map::new();
            let properties = schema["properties"].as_object().unwrap_or(&empty);
            let mut checked = properties
                .iter()
                .filter(|(name, property)| is_checked(schema, name, property));
            // Null and absent are the same where a property is not required.
            let is_absent =
                |name: &String| value[name].is_null() && !required_names.contains(&json!(name));
            checked.all(|(name, property)| {
                is_absent(name) || conforms(document, property, &value[name], is_checked)
            })
        }
        (None, _) => true,
        _ => false,
    }
}

/// Returns the expected result of decoding and encoding `value`: nulls in optional fields are left
/// out, instants and integers are written in one way, and what does not fit is as it was.
pub(crate) fn expected_round_trip(document: &Value, schema: &Value, value: &Value) -> Value {
    if let Some(name) = reference(schema) {
        return expected_round_trip(document, &document["components"]["schemas"][name], value);
    }
    if !fits(document, schema, value) {
        return value.clone();
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
            json!(text.parse::<DateTime<Utc>>().unwrap())
        }
        Value::Number(number)
            if accepts_integer(schema) && number.is_f64() && is_integral(number) =>
        {
            json!(format!("{value}").parse::<f64>().unwrap() as i64)
        }
        value => value.clone(),
    }
}

/// Returns `true` if a schema is that of an integer, or a union with one.
fn accepts_integer(schema: &Value) -> bool {
    let mut alternatives = schema["oneOf"].as_array().into_iter().flatten();
    schema["type"] == "integer" || alternatives.any(accepts_integer)
}

fn is_integral(number: &serde_json::Number) -> bool {
    number.as_f64().is_some_and(|number| number.fract() == 0.0)
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
fn every_example_decodes() {
    for operation in operations::ALL {
        let example = operation
            .example
            .unwrap_or_else(|| panic!("{}", operation.id));
        operation.check(example.as_bytes()).unwrap();
    }
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

#[test]
fn an_operation_says_whom_its_events_are_about() {
    let subjects = operations::TRANSITION_LEFT.subjects.iter();
    let subjects: Vec<_> = subjects
        .map(|field| format!("{} {}", field.kind.as_str(), field.path.join("/")))
        .collect();
    insta::assert_snapshot!(subjects.join("\n"), @"
    session sessionId
    session session/id
    customer session/customerId
    session session/sessionToken
    session session/sessionId
    session session/referencedSessionId
    store session/storeId
    customer customer/externalId
    customer customer/id
    store storeId
    store store/oasisApiStoreId
    store store/aifiUniqueStoreId
    store storeExternalId
    shopper shopperId
    shopper shopper/shopperId
    ");
}
