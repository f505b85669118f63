//! Errors of a body contain the field, line and column, but not the value.

use aifi_push::{DecodeError, types::TransitionLeft};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::document::{document, example, required};

#[track_caller]
fn refused(json: impl AsRef<[u8]>) -> DecodeError {
    aifi_push::from_slice::<TransitionLeft>(json.as_ref()).unwrap_err()
}

/// The documented event with another value at a JSON pointer.
fn example_with(pointer: &str, value: Value) -> String {
    let mut event = example();
    *event.pointer_mut(pointer).unwrap() = value;
    format!("{event:#}")
}

#[test]
fn truncated() {
    let whole = example_with("/storeId", json!(7));
    assert_snapshot!(refused(&whole[..600]), @"`session.customerLastEnteredAt` at line 21, column 35: EOF while parsing a string");
    assert_snapshot!(refused(""), @"line 1, column 0: EOF while parsing a value");
}

#[test]
fn any_truncation_is_an_error() {
    let whole = example().to_string();
    for end in 0..whole.len() {
        let error = refused(&whole[..end]);
        assert!(error.reason().starts_with("EOF"), "{end}: {error}");
    }
}

#[test]
fn not_an_object() {
    assert_snapshot!(refused("[]"), @"line 1, column 0: expected an object, found a list");
    assert_snapshot!(refused("null"), @"line 1, column 4: expected an object, found null");
    assert_snapshot!(refused("\"text\""), @"line 1, column 6: expected an object, found a string");
    assert_snapshot!(refused("<html>"), @"line 1, column 1: expected value");
}

#[test]
fn something_after_the_event() {
    assert_snapshot!(refused(example().to_string() + "{}"), @"line 1, column 1407: trailing characters");
}

#[test]
fn each_required_field_missing() {
    for name in required(&document(), "TransitionLeft") {
        let mut event = example();
        event.as_object_mut().unwrap().remove(&name);
        let error = refused(event.to_string());
        assert_eq!(error.path(), name);
        assert_eq!(error.reason(), "this field is missing");
    }
}

#[test]
fn a_field_missing() {
    assert_snapshot!(refused(r#"{"sessionId": "s"}"#), @"`session` at line 1, column 18: this field is missing");
}

#[test]
fn null_where_it_is_not_documented() {
    assert_snapshot!(refused(example_with("/customer", Value::Null)), @"`customer` at line 2, column 18: expected an object, found null");
    assert_snapshot!(refused(example_with("/storeId", Value::Null)), @"`storeId` at line 62, column 17: expected a 64-bit integer, found null");
}

#[test]
fn a_string_for_a_number() {
    assert_snapshot!(refused(example_with("/storeId", json!("7"))), @"`storeId` at line 62, column 16: expected a 64-bit integer, found a string");
    assert_snapshot!(refused(example_with("/session/groupSize", json!("2"))), @"`session.groupSize` at line 27, column 20: expected a 64-bit integer, found a string");
}

#[test]
fn a_number_for_a_string() {
    assert_snapshot!(refused(example_with("/shopperId", json!(7))), @"`shopperId` at line 56, column 16: expected a string, found an integer");
    assert_snapshot!(refused(example_with("/session/status", json!(7))), @"`session.status` at line 45, column 15: expected a string, found an integer");
    assert_snapshot!(refused(example_with("/session/metadata/events/0/eventId", json!(7))), @"`session.metadata.events[0].eventId` at line 33, column 22: expected a string, found an integer");
}

#[test]
fn a_list_for_an_object() {
    assert_snapshot!(refused(example_with("/store", json!([]))), @"`store` at line 57, column 11: expected an object, found a list");
    assert_snapshot!(refused(example_with("/session/metadata/events", json!({}))), @"`session.metadata.events` at line 31, column 16: expected a list, found an object");
}

#[test]
fn dates() {
    assert_snapshot!(refused(example_with("/session/customerFirstEnteredAt", json!("2019-08-24T14:15:22"))), @"`session.customerFirstEnteredAt` at line 18, column 51: expected a date-time with a zone, such as 2019-08-24T14:15:22Z: premature end of input");
    assert_snapshot!(refused(example_with("/timeOfIssue", json!("yesterday"))), @"`timeOfIssue` at line 63, column 28: expected a date-time with a zone, such as 2019-08-24T14:15:22Z: input contains invalid characters");
    assert_snapshot!(refused(example_with("/timeOfIssue", json!("2019-02-30T00:00:00Z"))), @"`timeOfIssue` at line 63, column 39: expected a date-time with a zone, such as 2019-08-24T14:15:22Z: input is out of range");
    assert_snapshot!(refused(example_with("/timeOfIssue", json!(1_566_656_122))), @"`timeOfIssue` at line 63, column 27: expected a date-time with a zone, such as 2019-08-24T14:15:22Z, found an integer");
}

#[test]
fn ids_beyond_64_bits() {
    assert_snapshot!(refused(example_with("/session/id", json!(u64::MAX))), @"`session.id` at line 28, column 30: expected a 64-bit integer, found an integer out of range");
    let huge =
        example_with("/session/id", json!(0)).replace("\"id\": 0", "\"id\": 99999999999999999999");
    assert_snapshot!(refused(huge), @"`session.id` at line 28, column 30: expected a 64-bit integer, found another number");
    assert_snapshot!(refused(example_with("/session/id", json!(1.5))), @"`session.id` at line 28, column 13: expected a 64-bit integer, found another number");
}

#[test]
fn duplicate_keys() {
    let twice = example().to_string().replacen('{', "{\"storeId\": 1,", 1);
    assert_snapshot!(refused(twice), @"`storeId` at line 1, column 1341: this field occurs twice");
    let nested = r#"{"session": {"id": 1, "id": 2}}"#;
    assert_snapshot!(refused(nested), @"`session.id` at line 1, column 26: this field occurs twice");
}

#[test]
fn invalid_utf_8() {
    let mut event = example_with("/shopperId", json!("MARK")).into_bytes();
    let at = event
        .windows(4)
        .position(|window| window == b"MARK")
        .unwrap();
    event[at] = 0xff;
    assert_snapshot!(refused(event), @"`shopperId` at line 56, column 17: invalid unicode code point");
}

#[test]
fn deep_nesting() {
    let mut event = example();
    event["session"]["metadata"]["deep"] = json!("MARK");
    let event = event.to_string().replace("\"MARK\"", &"[".repeat(100_000));
    assert_snapshot!(refused(event).reason(), @"recursion limit exceeded");
}

#[test]
fn no_error_contains_a_value() {
    let secret = "hunter2, expected nothing";
    let pointers = [
        "/session",
        "/customer",
        "/storeId",
        "/store",
        "/timeOfIssue",
        "/payment",
        "/shopper",
        "/session/id",
        "/session/createdAt",
        "/session/suspectedFraud",
        "/session/metadata",
        "/session/metadata/events",
        "/customer/metadata",
    ];
    for pointer in pointers {
        let error = refused(example_with(pointer, json!(secret)));
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}
