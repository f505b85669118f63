//! The JSON Schema derived from the models accepts and refuses the same values as the schemas of
//! the document, and so does decoding.

use std::cell::Cell;

use aifi_push::types::{self, TransitionLeft};
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    document::{document, example, expected_round_trip, is_guess},
    strategies::values,
};

/// The document's schema `name` as JSON Schema 2020-12.
fn documented(document: &Value, name: &str) -> Validator {
    let mut schemas = document["components"]["schemas"].clone();
    normalize(&mut schemas);
    validator(&schemas, name)
}

/// The schema of the same name, derived from the models.
pub(crate) fn derived(name: &str) -> Validator {
    let schema: Value = types::json_schema().into();
    validator(&schema["$defs"], name)
}

fn validator(definitions: &Value, name: &str) -> Validator {
    let schema = json!({"$ref": format!("#/$defs/{name}"), "$defs": definitions});
    let options = jsonschema::draft202012::options();
    let options = options.should_validate_formats(true);
    options.build(&schema).unwrap()
}

/// Rewrites a schema of OpenAPI 3.0 as JSON Schema, in which unions, and properties that the vendor
/// does not document, may be anything.
fn normalize(schema: &mut Value) {
    let whole = schema.clone();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in properties {
            let required = whole["required"].as_array();
            let is_required = required.is_some_and(|required| required.contains(&json!(name)));
            if is_guess(&whole, name, property) {
                *property = json!({});
            } else if !is_required {
                // Null is the same as absence.
                *property = json!({"anyOf": [property.take(), {"type": "null"}]});
            }
        }
    }
    match schema {
        // A union accepts any other JSON.
        Value::Object(fields) if fields.contains_key("oneOf") => *schema = json!({}),
        Value::Object(fields) => {
            fields.values_mut().for_each(normalize);
            if fields.remove("nullable") == Some(json!(true)) {
                let whole = Value::Object(std::mem::take(fields));
                fields.insert("anyOf".to_owned(), json!([whole, {"type": "null"}]));
            }
            if let Some(Value::String(reference)) = fields.get_mut("$ref") {
                *reference = reference.replace("#/components/schemas/", "#/$defs/");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalize),
        _ => {}
    }
}

#[test]
fn both_schemas_and_decoding_agree() {
    let document = document();
    let schema = &document["components"]["schemas"]["TransitionLeft"];
    let (documented, derived) = (
        documented(&document, "TransitionLeft"),
        derived("TransitionLeft"),
    );
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    proptest!(ProptestConfig::with_cases(2000), |(value in values(&document, schema))| {
        let is_valid = documented.is_valid(&value);
        prop_assert_eq!(derived.is_valid(&value), is_valid);

        let decoded = aifi_push::from_slice::<TransitionLeft>(value.to_string().as_bytes());
        match decoded {
            Ok(event) => {
                prop_assert!(is_valid);
                let back = serde_json::to_value(&event).unwrap();
                prop_assert_eq!(back, expected_round_trip(&document, schema, &value));
                accepted.set(accepted.get() + 1);
            }
            Err(error) => {
                prop_assert!(!is_valid, "{}", error);
                refused.set(refused.get() + 1);
            }
        }
    });
    let counts = (accepted.get(), refused.get());
    assert!(
        counts.0 > 200 && counts.1 > 200,
        "accepted and refused: {counts:?}"
    );
}

#[test]
fn the_schemas_of_every_model_agree() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        let (documented, derived) = (documented(&document, name), derived(name));
        proptest!(ProptestConfig::with_cases(200), |(value in values(&document, schema))| {
            // A model alone is never null: it is used in an Option.
            prop_assume!(!value.is_null());
            prop_assert_eq!(derived.is_valid(&value), documented.is_valid(&value), "{}", name);
        });
    }
}

#[test]
fn the_validator_checks_formats() {
    let documented = documented(&document(), "TransitionLeft");
    assert!(documented.is_valid(&example()));
    let mut event = example();
    event["timeOfIssue"] = json!("2019-08-24");
    assert!(!documented.is_valid(&event));
}
