//! Strategies for values that a schema of the document accepts, and a few that it does not.

use proptest::{prelude::*, sample};
use serde_json::{Map, Value, json};

use crate::document::reference;

/// Returns values for a schema of the document: mostly valid ones, sometimes any.
pub(crate) fn values(document: &Value, schema: &Value) -> BoxedStrategy<Value> {
    let valid = valid_values(document, schema);
    prop_oneof![60 => valid, 1 => any_json()].boxed()
}

fn valid_values(document: &Value, schema: &Value) -> BoxedStrategy<Value> {
    let valid = match (schema["type"].as_str(), schema["format"].as_str()) {
        _ if reference(schema).is_some() => {
            let name = reference(schema).unwrap_or_default();
            valid_values(document, &document["components"]["schemas"][name])
        }
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
        other => panic!("unexpected type: {other:?}"),
    };
    if schema["nullable"] == json!(true) {
        prop_oneof![4 => valid, 1 => Just(Value::Null)].boxed()
    } else {
        valid
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
        // Half of them are integers for JSON Schema, and for decoding.
        (0..1000_i32).prop_map(|number| json!(f64::from(number) / 2.0)),
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
