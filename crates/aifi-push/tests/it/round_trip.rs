//! Decoding and encoding keeps events as they are.

use aifi_push::types::TransitionLeft;
use serde_json::{Value, json};

use crate::document::{document, example, expected_round_trip};

/// Decodes and encodes, and compares the result with the expected one.
#[track_caller]
fn assert_round_trip(value: &Value) {
    let event: TransitionLeft = aifi_push::from_slice(value.to_string().as_bytes()).unwrap();
    let document = document();
    let schema = &document["components"]["schemas"]["TransitionLeft"];
    let expected = expected_round_trip(&document, schema, value);
    assert_eq!(serde_json::to_value(&event).unwrap(), expected);
}

/// Calls `change` with every object in `value`, innermost first.
fn for_each_object(
    value: &mut Value,
    change: &mut impl FnMut(&mut serde_json::Map<String, Value>),
) {
    match value {
        Value::Object(fields) => {
            fields
                .values_mut()
                .for_each(|value| for_each_object(value, change));
            change(fields);
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|value| for_each_object(value, change)),
        _ => {}
    }
}

#[test]
fn the_documented_event_is_kept() {
    assert_round_trip(&example());
}

#[test]
fn unknown_fields_survive_at_every_level() {
    let mut event = example();
    let mut count = 0;
    for_each_object(&mut event, &mut |fields| {
        count += 1;
        let unknown = json!({"null": null, "big": u64::MAX, "list": [1, 2.5, "x", []], "no": -1});
        fields.insert("notInTheDocument".to_owned(), unknown);
        fields.insert("extra".to_owned(), json!("also unknown"));
    });
    assert!(count > 8, "the example has {count} objects");
    assert_round_trip(&event);
}

#[test]
fn a_session_may_be_null() {
    let mut event = example();
    event["session"] = Value::Null;
    event["storeExternalId"] = Value::Null;
    assert_round_trip(&event);
}

#[test]
fn null_and_absent_are_the_same_in_a_nested_field() {
    let mut event = example();
    let empty = json!({});
    for name in ["session", "customer", "store", "payment", "shopper"] {
        let nested = event[name].as_object_mut().unwrap();
        nested.values_mut().for_each(|value| *value = Value::Null);
    }
    let nulls: TransitionLeft = serde_json::from_value(event.clone()).unwrap();
    for name in ["session", "customer", "store", "payment", "shopper"] {
        event[name] = empty.clone();
    }
    let absent: TransitionLeft = serde_json::from_value(event.clone()).unwrap();
    assert_eq!(nulls, absent);
    assert_eq!(serde_json::to_value(&nulls).unwrap(), event);
}

#[test]
fn offsets_and_nanoseconds_are_kept_as_instants() {
    let mut event = example();
    event["timeOfOrigin"] = json!("2026-03-29T03:30:00.123456789+02:00");
    event["timeOfIssue"] = json!("2026-03-28T20:30:00.5-05:00");
    assert_round_trip(&event);
    let event: TransitionLeft = serde_json::from_value(event).unwrap();
    assert_eq!(
        event.time_of_origin.to_rfc3339(),
        "2026-03-29T01:30:00.123456789+00:00"
    );
    assert_eq!(event.time_of_issue.timestamp_subsec_millis(), 500);
}

#[test]
fn fields_without_a_type_accept_any_json() {
    for value in [
        json!("2019-08-24T14:15:22Z"),
        json!(1_566_656_122),
        json!({"deep": [true]}),
        json!(false),
    ] {
        let mut event = example();
        event["session"]["referencedSessionId"] = value.clone();
        event["session"]["storeIdScannableAt"] = value;
        assert_round_trip(&event);
    }
}

#[test]
fn metadata_may_be_deep() {
    let deep = (0..100).fold(json!("bottom"), |inner, _| json!({ "in": inner }));
    let mut event = example();
    event["session"]["metadata"]["deep"] = deep.clone();
    event["customer"]["metadata"]["deep"] = deep;
    assert_round_trip(&event);
}

#[test]
fn metadata_may_be_large() {
    let mut event = example();
    let item = json!({"sku": "4006381333931", "text": "x".repeat(1000), "price": 1.99});
    event["session"]["metadata"]["basket"] = Value::Array(vec![item; 8 * 1024]);
    assert!(event.to_string().len() > 8 * 1024 * 1024);
    assert_round_trip(&event);
}
