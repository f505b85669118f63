//! `aifi-push check`, `example` and `schema`

use insta::assert_snapshot;
use serde_json::Value;

use crate::{aifi_push_in, directory, documented, printed, write};

#[test]
fn each_problem_has_its_place() {
    let directory = directory();
    let event: Value = serde_json::from_str(documented()).unwrap();
    let pretty = serde_json::to_string_pretty(&event).unwrap();
    write(&directory, "good.json", &pretty);
    write(
        &directory,
        "bad.json",
        pretty.replace(r#""storeExternalId": "string""#, r#""storeExternalId": 7"#),
    );
    write(&directory, "cut.json", &pretty[..100]);
    write(
        &directory,
        "many.ndjson",
        format!("{}\n\n[]\n{{\"a\": 1\n", documented()),
    );
    assert_snapshot!(printed(&directory, &["check", "good.json"], 0), @"1 checked, 0 wrong");
    assert_snapshot!(printed(&directory, &["check", "good.json", "bad.json", "cut.json", "many.ndjson"], 1), @"
    bad.json:61:22: storeExternalId: expected a string, found an integer
    cut.json:6:16: customer.metadata: EOF while parsing a string
    many.ndjson:4:7: the body as a whole: EOF while parsing an object
    5 checked, 3 wrong
    ");
    assert_snapshot!(printed(&directory, &["check", "none.json"], 1), @"aifi-push: none.json: No such file or directory (os error 2)");

    let mut from_stdin = aifi_push_in(&directory, &["check", "-"]);
    from_stdin.write_stdin(documented()).assert().success();
}

#[test]
fn an_example_is_fresh_and_decodes() {
    let directory = directory();
    let one = printed(&directory, &["example"], 0);
    write(&directory, "one.json", &one);
    write(
        &directory,
        "many.ndjson",
        printed(&directory, &["example", "--count", "3"], 0),
    );
    assert_snapshot!(printed(&directory, &["check", "one.json", "many.ndjson"], 0), @"4 checked, 0 wrong");
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["sessionId"], one["session"]["sessionId"]);
    assert_ne!(one["sessionId"], one["session"]["code"]);
    assert!(!one.to_string().contains("2019-08-24"));
    assert!(!one.to_string().contains("d3a00526"));
}

#[test]
fn the_schema_of_a_model_is_printed() {
    let directory = directory();
    let schema: Value =
        serde_json::from_str(&printed(&directory, &["schema", "TransitionLeft"], 0)).unwrap();
    assert_eq!(schema["$ref"], "#/$defs/TransitionLeft");
    let all: Value = serde_json::from_str(&printed(&directory, &["schema"], 0)).unwrap();
    assert_eq!(all["$defs"], schema["$defs"]);
    assert_snapshot!(printed(&directory, &["schema", "Song"], 1), @"aifi-push: no model Song: expected one of ApiError, ApiErrorDetail, CartItem, CartMutator, Checkout, CheckoutZoneEntered, CheckoutZoneLeft, Customer, CustomerCreated, CustomerPersonalInfo, CustomerRole, EntryCodeNotify, EntryCodeVerify, EntryCodeVerifyAnswer, EntryCodeVerifyStatus, IdentityMatching, IntegerOrString, OrderPrice, OrderStatus, Payment, PaymentProvider, PlanogramError, Session, SessionMetadata, SessionMetadataEvent, SessionStatus, Shopper, Store, SuspectedFraud, TransitionEntered, TransitionLeft");
}
