//! What real senders write decodes, and encodes as it was.

use aifi_push::{
    Json,
    types::{SessionStatus, TransitionLeft},
};
use serde_json::{Value, json};

use crate::document::{document, example, expected_round_trip};
#[cfg(feature = "schemars")]
use crate::schema_round_trip::derived;

/// The documented event with JSON text for the value at a pointer.
fn example_with(pointer: &str, json: &str) -> String {
    let mut event = example();
    *event.pointer_mut(pointer).unwrap() = json!("MARK");
    event.to_string().replace("\"MARK\"", json)
}

#[track_caller]
fn decode(json: impl AsRef<[u8]>) -> TransitionLeft {
    aifi_push::from_slice(json.as_ref()).unwrap()
}

/// Decodes and encodes the documented event with `json` at a pointer, and returns what is there
/// then, as text.
#[track_caller]
fn round_trip(pointer: &str, json: &str) -> String {
    let encoded = serde_json::to_string(&decode(example_with(pointer, json))).unwrap();
    let mut rest = &*encoded;
    for name in pointer.split('/').skip(1) {
        let name = format!("\"{name}\":");
        rest = &rest[rest.find(&name).unwrap() + name.len()..];
    }
    let end = rest.find([',', '}']).unwrap();
    rest[..end].to_owned()
}

const NUMBERS: [&str; 9] = [
    "12.917521550408111",
    "909.0052999999999",
    "1.1900000000000002",
    "1.10",
    "2.0",
    "-0",
    "1e400",
    "123456789012345678901234567890",
    "20000000000000000001",
];

#[test]
fn a_byte_order_mark_is_skipped() {
    let body = [b"\xef\xbb\xbf", example().to_string().as_bytes()].concat();
    assert_eq!(decode(body), decode(example().to_string()));
}

#[test]
fn half_a_surrogate_pair_is_replaced() {
    let cases = [
        (r#""half \ud83d""#, "half \u{fffd}"),
        (r#""\uDE00 half""#, "\u{fffd} half"),
        (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
        (r#""\ud83d\u0041""#, "\u{fffd}A"),
        (r#""\ud83d\n""#, "\u{fffd}\n"),
        (r#""\\ud83d""#, r"\ud83d"),
        (r#""\\\ud83d""#, "\\\u{fffd}"),
        (r#""\ud83d\ude00""#, "\u{1f600}"),
    ];
    for (json, text) in cases {
        let event = decode(example_with("/shopperId", json));
        assert_eq!(event.shopper_id, text, "{json}");
        let event = decode(example_with("/customer/metadata/arbitraryKey", json));
        let metadata = event.customer.metadata.unwrap();
        assert_eq!(metadata["arbitraryKey"].decode::<String>().unwrap(), text);
    }
}

#[test]
fn a_number_keeps_its_digits_wherever_it_is() {
    for number in NUMBERS {
        for pointer in [
            "/customer/metadata/arbitraryKey",
            "/session/metadata/exampleKey",
            "/session/referencedSessionId",
            "/session/storeIdScannableAt",
            "/session/metadata/events",
            // A text and a date by the example.
            "/session/locationId",
            "/session/expiresAt",
        ] {
            assert_eq!(round_trip(pointer, number), number, "{pointer}");
        }
    }
}

#[test]
fn an_integer_has_many_spellings() {
    for (json, number) in [
        ("2.0", 2),
        ("2e0", 2),
        ("20e-1", 2),
        ("0.2E+1", 2),
        ("-0", 0),
        ("-0.0", 0),
        ("0e999999999999", 0),
        ("-1.50e1", -15),
        ("9007199254740993.0", 9_007_199_254_740_993),
        ("-9223372036854775808", i64::MIN),
        ("92233720368547758070e-1", i64::MAX),
    ] {
        assert_eq!(decode(example_with("/storeId", json)).store_id, number);
        let session = decode(example_with("/session/groupSize", json)).session;
        assert_eq!(session.unwrap().group_size, Some(number), "{json}");
    }
}

#[test]
fn what_is_no_integer_is_kept_if_the_vendor_does_not_document_it() {
    for json in [
        "2.5",
        "1e-1",
        "1e400",
        "9223372036854775808",
        "1e99999999999",
        "\"2\"",
        "[]",
    ] {
        let session = decode(example_with("/session/groupSize", json))
            .session
            .unwrap();
        assert_eq!(session.group_size, None);
        assert_eq!(session.extra["groupSize"].as_str(), json);
        aifi_push::from_slice::<TransitionLeft>(example_with("/storeId", json).as_bytes())
            .unwrap_err();
    }
}

#[test]
fn an_odd_value_costs_one_field() {
    let mut odd = example();
    let changes = [
        ("/session/status", json!(7)),
        ("/session/metadata/events", json!("none")),
        ("/session/createdAt", json!("")),
        ("/customer/role", json!({"name": "vip"})),
        ("/customer/metadata", json!(["a", 1])),
        ("/store/oasisApiStoreId", json!("7")),
        ("/payment/paymentProvider", json!(false)),
    ];
    for (pointer, value) in changes.clone() {
        *odd.pointer_mut(pointer).unwrap() = value;
    }
    let event = decode(odd.to_string());
    let encoded = serde_json::to_value(&event).unwrap();
    let document = document();
    let schema = &document["components"]["schemas"]["TransitionLeft"];
    assert_eq!(encoded, expected_round_trip(&document, schema, &odd));
    for (pointer, value) in changes {
        assert_eq!(encoded.pointer(pointer), Some(&value));
    }
    let session = event.session.unwrap();
    assert_eq!((&session.status, session.id), (&None, Some(0)));
    assert_eq!(
        session.metadata.unwrap().extra["exampleKey"],
        Json::from("exampleValue")
    );
    assert_eq!(event.customer.id.as_deref(), Some("string"));
}

#[test]
fn an_odd_value_inside_of_a_list_costs_one_field_of_one_item() {
    let events = r#"[{"eventId":7,"metadata":{}},{"eventId":"e"}]"#;
    let event = decode(example_with("/session/metadata/events", events));
    let events = event.session.unwrap().metadata.unwrap().events.unwrap();
    assert_eq!(events[0].event_id, None);
    assert_eq!(events[0].extra["eventId"], Json::from(7));
    assert!(events[0].metadata.is_some());
    assert_eq!(events[1].event_id.as_deref(), Some("e"));
}

#[test]
fn a_list_with_an_odd_item_is_kept_as_a_whole() {
    for json in [r#"[{"eventId":"e"},"odd"]"#, "[null]", "[[]]"] {
        let event = decode(example_with("/session/metadata/events", json));
        let metadata = event.session.unwrap().metadata.unwrap();
        assert_eq!(metadata.events, None);
        assert_eq!(metadata.extra["events"].as_str(), json);
    }
}

#[test]
fn the_last_of_two_values_counts_where_the_vendor_documents_nothing() {
    let status = |json: &str| {
        let session = format!(r#"{{"status": "active", "status": {json}}}"#);
        decode(example_with("/session", &session)).session.unwrap()
    };
    assert_eq!(status("\"done\"").status, Some(SessionStatus::from("done")));
    assert_eq!(status("7").status, None);
    assert_eq!(status("7").extra["status"], Json::from(7));
    assert_eq!(status("7, \"status\": \"active\"").extra.len(), 0);
}

#[test]
fn json_takes_one_line_and_keeps_its_spelling() {
    let json = "{ \"b\" :\t[ 1.0,\r\n \"\\u00e9 \\\" x\" ],\n \"a\" : { } }";
    let event = decode(example_with("/customer/metadata/arbitraryKey", json));
    let metadata = event.customer.metadata.unwrap();
    assert_eq!(
        metadata["arbitraryKey"].as_str(),
        r#"{"b":[1.0,"\u00e9 \" x"],"a":{}}"#
    );
}

#[test]
fn json_may_be_as_deep_as_it_likes() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let event = decode(example_with("/customer/metadata/arbitraryKey", &deep));
    assert_eq!(
        event.customer.metadata.as_ref().unwrap()["arbitraryKey"].as_str(),
        deep
    );
    let encoded = serde_json::to_string(&event).unwrap();
    assert!(encoded.contains(&deep));
    let metadata = &event.customer.metadata.unwrap()["arbitraryKey"];
    assert!(metadata.decode::<Value>().is_err());
}

/// Serde buffers what it decodes in these, and hands it out without the text.
#[test]
fn a_model_inside_of_other_types_of_serde() {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Left(Box<TransitionLeft>),
    }
    #[derive(serde::Deserialize)]
    struct Flat {
        #[serde(flatten)]
        left: TransitionLeft,
    }
    let text = example_with("/session/groupSize", "2");
    let expected = decode(&text);
    let Untagged::Left(left) = serde_json::from_str(&text).unwrap();
    assert_eq!(*left, expected);
    assert_eq!(serde_json::from_str::<Flat>(&text).unwrap().left, expected);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        serde_json::from_value::<TransitionLeft>(value).unwrap(),
        expected
    );
    let read: TransitionLeft = serde_json::from_reader(text.as_bytes()).unwrap();
    assert_eq!(read, expected);
}

#[test]
fn dates_that_mean_one_instant() {
    for (text, encoded) in [
        ("2026-11-24t10:00:00z", "2026-11-24T10:00:00Z"),
        ("2026-11-24 10:00:00Z", "2026-11-24T10:00:00Z"),
        ("2026-11-24T12:00:00+0200", "2026-11-24T10:00:00Z"),
        ("2026-11-24 12:00:00 +0200", "2026-11-24T10:00:00Z"),
        ("2026-11-24 10:00:00 UTC", "2026-11-24T10:00:00Z"),
        ("2026-11-24T12:00:00+02", "2026-11-24T10:00:00Z"),
        ("2026-11-24T10:00Z", "2026-11-24T10:00:00Z"),
        ("2026-11-24T10:00:00,5Z", "2026-11-24T10:00:00.500Z"),
        (
            "2026-11-24T10:00:00.1234567891Z",
            "2026-11-24T10:00:00.123456789Z",
        ),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.500Z"),
        ("2024-02-29T23:59:59-00:00", "2024-02-29T23:59:59Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ] {
        let json = json!(text).to_string();
        for pointer in ["/timeOfIssue", "/session/expiresAt"] {
            let back = round_trip_of_text(pointer, &json);
            assert_eq!(back, encoded, "{text}");
            chrono::DateTime::parse_from_rfc3339(&back).unwrap();
        }
        #[cfg(feature = "schemars")]
        {
            let event = serde_json::from_str(&example_with("/timeOfIssue", &json)).unwrap();
            assert!(derived("TransitionLeft").is_valid(&event), "{text}");
        }
    }
}

/// .NET writes the plus as an escape.
#[test]
fn a_date_with_escapes() {
    let json = r#""2026-11-24T12:00:00\u002B02:00""#;
    for pointer in ["/timeOfIssue", "/session/expiresAt"] {
        assert_eq!(round_trip_of_text(pointer, json), "2026-11-24T10:00:00Z");
    }
    let json = r#""caf\u00e9""#;
    assert_eq!(round_trip_of_text("/session/locationId", json), "caf\u{e9}");
}

#[track_caller]
fn round_trip_of_text(pointer: &str, json: &str) -> String {
    let encoded = serde_json::to_value(decode(example_with(pointer, json))).unwrap();
    encoded
        .pointer(pointer)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn dates_that_mean_no_instant() {
    for text in [
        "",
        "2026-11-24",
        "2026-11-24T10:00:00",
        "2026-11-24T10Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T10:60:00Z",
        "2026-11-24T10:00:61Z",
        "2026-11-24T10:00:00.Z",
        "2026-02-30T10:00:00Z",
        "2026-11-24T10:00:00+24:00",
        "2026-11-24T10:00:00+2:00",
        "2026-11-24T10:00:00 CET",
        "+2026-11-24T10:00:00Z",
        "2026-11-24T10:00:00ZZ",
        "2026-11-2\u{e9}T10:00:00Z",
        "2026-11-24T10:00:00+\u{e9}00",
        // They are in the year 10000 and -1 of UTC.
        "9999-12-31T23:59:59-01:00",
        "0000-01-01T00:00:00+01:00",
        "1566656122",
    ] {
        let json = json!(text).to_string();
        aifi_push::from_slice::<TransitionLeft>(example_with("/timeOfIssue", &json).as_bytes())
            .expect_err(text);
        let session = decode(example_with("/session/expiresAt", &json))
            .session
            .unwrap();
        assert_eq!(session.expires_at, None, "{text}");
        assert_eq!(session.extra["expiresAt"], Json::from(text));
    }
}
