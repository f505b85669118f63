//! `Debug` output helps to find an event, and contains no customer data.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::document::{document, example, properties, reference};

#[test]
fn sensitive_and_unknown_fields_are_left_out() {
    let document = document();
    let mut event = example();
    mark(&document, "TransitionLeft", &mut event);
    assert!(event.to_string().contains("SECRET"));
    let event: aifi_push::types::TransitionLeft = serde_json::from_value(event).unwrap();
    let debug = format!("{event:?} {event:#?}");
    assert!(!debug.contains("SECRET"), "{debug}");
}

/// Puts a mark into each sensitive string, each map, and a new field of each object.
fn mark(document: &Value, schema: &str, value: &mut Value) {
    for (name, property) in properties(document, schema) {
        let field = &mut value[name];
        let sensitive = property["x-sensitive"] == json!(true);
        match reference(property) {
            Some(schema) if document["components"]["schemas"][schema]["type"] == "object" => {
                mark(document, schema, field);
            }
            _ if sensitive && property["type"] == "string" => *field = json!("SECRET"),
            _ if sensitive && property["type"] == "object" => *field = json!({"SECRET": 1}),
            _ => {}
        }
    }
    value["unknown"] = json!("SECRET");
}

#[test]
fn what_is_shown() {
    let store: aifi_push::types::Store =
        serde_json::from_value(json!({"oasisApiStoreId": 7, "new": true})).unwrap();
    assert_snapshot!(format!("{store:?}"), @"Store { oasis_api_store_id: Some(7), aifi_unique_store_id: None, .. }");
}
