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
}

#[test]
fn a_number_for_a_string() {
    assert_snapshot!(refused(example_with("/shopperId", json!(7))), @"`shopperId` at line 56, column 16: expected a string, found an integer");
}

#[test]
fn a_list_for_an_object() {
    assert_snapshot!(refused(example_with("/store", json!([]))), @"`store` at line 57, column 11: expected an object, found a list");
}

#[test]
fn dates() {
    assert_snapshot!(refused(example_with("/timeOfIssue", json!("2019-08-24T14:15:22"))), @"`timeOfIssue` at line 63, column 38: expected a date-time with a zone, such as 2019-08-24T14:15:22Z");
    assert_snapshot!(refused(example_with("/timeOfIssue", json!("yesterday"))), @"`timeOfIssue` at line 63, column 28: expected a date-time with a zone, such as 2019-08-24T14:15:22Z");
    assert_snapshot!(refused(example_with("/timeOfIssue", json!("2019-02-30T00:00:00Z"))), @"`timeOfIssue` at line 63, column 39: expected a date-time with a zone, such as 2019-08-24T14:15:22Z");
    assert_snapshot!(refused(example_with("/timeOfIssue", json!(1_566_656_122))), @"`timeOfIssue` at line 63, column 27: expected a date-time with a zone, such as 2019-08-24T14:15:22Z, found an integer");
}

#[test]
fn ids_beyond_64_bits() {
    for (number, reason) in [
        ("18446744073709551615", "an integer out of range"),
        ("99999999999999999999", "an integer out of range"),
        ("1e20", "an integer out of range"),
        ("1.5", "another number"),
        ("1e400", "another number"),
    ] {
        let error = refused(example_with("/storeId", json!("MARK")).replace("\"MARK\"", number));
        assert_eq!(error.path(), "storeId");
        assert_eq!(
            error.reason(),
            format!("expected a 64-bit integer, found {reason}")
        );
    }
}

#[test]
fn duplicate_keys() {
    let twice = example().to_string().replacen('{', "{\"storeId\": 1,", 1);
    assert_snapshot!(refused(twice), @"`storeId` at line 1, column 1341: this field occurs twice");
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
    assert_snapshot!(refused(event).reason(), @"expected value");
}

#[test]
fn no_error_contains_a_key_of_the_retailer() {
    let key = "jo.doe@customer.example";
    let broken = |pointer: &str, value: &str| {
        let mut event = example();
        event.pointer_mut(pointer).unwrap()[key] = json!("MARK");
        refused(event.to_string().replace("\"MARK\"", value))
    };
    for pointer in [
        "",
        "/session",
        "/session/metadata",
        "/customer/metadata",
        "/store",
    ] {
        for value in [
            "\\",
            "\"\\x\"",
            "[1",
            "{\"ann@customer.example\": nul}",
            "tru",
        ] {
            let error = broken(pointer, value);
            let shown = format!("{error} {error:?} {}", error.path());
            assert!(!shown.contains("customer.example"), "{shown}");
        }
    }
    for (pointer, path) in [
        ("", "*"),
        ("/session", "session.*"),
        ("/session/metadata", "session.metadata.*"),
        ("/customer/metadata", "customer.metadata.*"),
    ] {
        assert_eq!(broken(pointer, "nul").path(), path);
    }
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
    ];
    for pointer in pointers {
        let error = refused(example_with(pointer, json!(secret)));
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}
