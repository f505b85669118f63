//! The circle from the document to the models and back closes: the JSON Schema derived from the
//! models takes and refuses the same values as the document's, and so does decoding.

use std::cell::Cell;

use aifi_push::types::{self, TransitionLeft};
use jsonschema::Validator;
use proptest::{prelude::*, sample};
use serde_json::{Map, Value, json};

use crate::document::{document, example, expected_back, reference};

/// The document's schema `name` as JSON Schema 2020-12.
fn documented(document: &Value, name: &str) -> Validator {
    let mut schemas = document["components"]["schemas"].clone();
    normalise(&mut schemas);
    validator(&schemas, name)
}

/// The schema of the same name, derived from the models.
fn derived(name: &str) -> Validator {
    let schema: Value = types::json_schema().into();
    validator(&schema["$defs"], name)
}

fn validator(definitions: &Value, name: &str) -> Validator {
    let schema = json!({"$ref": format!("#/$defs/{name}"), "$defs": definitions});
    let options = jsonschema::draft202012::options();
    let options = options.should_validate_formats(true);
    options.build(&schema).unwrap()
}

/// Says in JSON Schema what OpenAPI 3.0 says in its own way.
fn normalise(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(normalise);
            if fields.remove("nullable") == Some(json!(true)) {
                let kind = fields["type"].take();
                fields.insert("type".to_owned(), json!([kind, "null"]));
            }
            if let Some(Value::String(reference)) = fields.get_mut("$ref") {
                *reference = reference.replace("#/components/schemas/", "#/$defs/");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalise),
        _ => {}
    }
}

/// Values of a schema of the document: mostly right ones, sometimes any.
fn values(document: &Value, schema: &Value) -> BoxedStrategy<Value> {
    let right = right_values(document, schema);
    prop_oneof![60 => right, 1 => any_json()].boxed()
}

fn right_values(document: &Value, schema: &Value) -> BoxedStrategy<Value> {
    if let Some(name) = reference(schema) {
        return right_values(document, &document["components"]["schemas"][name]);
    }
    let right = match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("date-time")) => dates(),
        (Some("string"), _) => texts(schema),
        (Some("integer"), _) => any::<i64>().prop_map(|number| json!(number)).boxed(),
        (Some("number"), _) => any::<f64>().prop_map(|number| json!(number)).boxed(),
        (Some("boolean"), _) => any::<bool>().prop_map(|truth| json!(truth)).boxed(),
        (Some("array"), _) => {
            let items = values(document, &schema["items"]);
            prop::collection::vec(items, 0..3)
                .prop_map(Value::Array)
                .boxed()
        }
        (Some("object"), _) => objects(document, schema),
        (None, _) => any_json(),
        other => panic!("{other:?} is not known here"),
    };
    if schema["nullable"] == json!(true) {
        prop_oneof![4 => right, 1 => Just(Value::Null)].boxed()
    } else {
        right
    }
}

fn dates() -> BoxedStrategy<Value> {
    let zone = sample::select(vec!["Z", "+02:00", "-11:30"]);
    let fraction = sample::select(vec!["", ".5", ".123456789"]);
    (
        2000..2100_i32,
        1..13_u32,
        1..29_u32,
        0..24_u32,
        fraction,
        zone,
    )
        .prop_map(|(year, month, day, hour, fraction, zone)| {
            json!(format!(
                "{year}-{month:02}-{day:02}T{hour:02}:59:07{fraction}{zone}"
            ))
        })
        .boxed()
}

fn texts(schema: &Value) -> BoxedStrategy<Value> {
    let known = schema["x-extensible-enum"].as_array().cloned();
    match known {
        Some(known) => prop_oneof![3 => sample::select(known), 1 => text()].boxed(),
        None => text(),
    }
}

fn text() -> BoxedStrategy<Value> {
    "\\PC{0,6}".prop_map(Value::String).boxed()
}

fn any_json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(|truth| json!(truth)),
        any::<i64>().prop_map(|number| json!(number)),
        // Decoding takes 1.0 for no integer, JSON Schema for one.
        (0..1000_i32).prop_map(|number| json!(f64::from(number) + 0.5)),
        text(),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map("[a-zA-Z]{1,6}", inner, 0..4)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
    .boxed()
}

fn objects(document: &Value, schema: &Value) -> BoxedStrategy<Value> {
    let empty = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&empty);
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let fields: Vec<BoxedStrategy<Option<(String, Value)>>> = properties
        .iter()
        .map(|(name, property)| {
            let name = name.clone();
            let present = if required.contains(&json!(name)) {
                0.995
            } else {
                0.5
            };
            let value = values(document, property);
            let field = value.prop_map(move |value| (name.clone(), value));
            prop::option::weighted(present, field).boxed()
        })
        .collect();
    let unknown = prop::option::weighted(0.3, ("new[A-Z]{1,4}", any_json()));
    (fields, unknown)
        .prop_map(|(fields, unknown)| fields.into_iter().chain([unknown]).flatten().collect())
        .boxed()
}

#[test]
fn both_schemas_and_decoding_agree() {
    let document = document();
    let schema = &document["components"]["schemas"]["TransitionLeft"];
    let (documented, derived) = (
        documented(&document, "TransitionLeft"),
        derived("TransitionLeft"),
    );
    let (taken, refused) = (Cell::new(0), Cell::new(0));
    proptest!(ProptestConfig::with_cases(2000), |(value in values(&document, schema))| {
        let is_valid = documented.is_valid(&value);
        prop_assert_eq!(derived.is_valid(&value), is_valid);

        let decoded = aifi_push::from_slice::<TransitionLeft>(value.to_string().as_bytes());
        match decoded {
            Ok(event) => {
                prop_assert!(is_valid);
                let back = serde_json::to_value(&event).unwrap();
                prop_assert_eq!(back, expected_back(&document, schema, &value));
                taken.set(taken.get() + 1);
            }
            Err(error) => {
                prop_assert!(!is_valid, "{}", error);
                refused.set(refused.get() + 1);
            }
        }
    });
    let counts = (taken.get(), refused.get());
    assert!(
        counts.0 > 200 && counts.1 > 200,
        "taken and refused: {counts:?}"
    );
}

#[test]
fn the_schemas_of_every_model_agree() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        let (documented, derived) = (documented(&document, name), derived(name));
        proptest!(ProptestConfig::with_cases(200), |(value in values(&document, schema))| {
            // A model alone is never null: where it is used, an Option holds it.
            prop_assume!(!value.is_null());
            prop_assert_eq!(derived.is_valid(&value), documented.is_valid(&value), "{}", name);
        });
    }
}

#[test]
fn the_judge_can_tell() {
    let documented = documented(&document(), "TransitionLeft");
    assert!(documented.is_valid(&example()));
    let mut event = example();
    event["timeOfIssue"] = json!("2019-08-24");
    assert!(!documented.is_valid(&event));
}
