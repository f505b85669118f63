//! The operations beside `transition_left`: what the vendor's examples and guide show of them.

use std::{fs, path::PathBuf};

use aifi_push::{
    Answer, CalledUrl, Operation, from_slice, operations,
    types::{CheckoutZoneEntered, EntryCodeVerifyAnswer, EntryCodeVerifyStatus, TransitionLeft},
};
use serde_json::{Value, json};

use crate::document::{document, example_of};

/// Returns an example of the vendor's.
fn vendors(file: &str) -> Value {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../openapi/examples");
    serde_json::from_slice(&fs::read(directory.join(file)).unwrap()).unwrap()
}

/// Fails if `whole` lacks a value that `part` has. The public copies of some examples end early.
#[track_caller]
fn assert_contains(whole: &Value, part: &Value, path: &str) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (key, part) in part {
                assert_contains(&whole[key], part, &format!("{path}/{key}"));
            }
        }
        _ => assert_eq!(whole, part, "{path}"),
    }
}

#[test]
fn the_examples_are_those_of_the_vendors_pages() {
    for operation in operations::ALL {
        let name = operation
            .path
            .trim_start_matches("/api/push/")
            .replace('/', "-");
        let (file, is_whole) = match operation.id {
            "checkout_zone_entered" => (format!("{name}.guide.json"), true),
            "transition_left" | "customer_created" | "entry_code_notify" | "entry_code_verify"
            | "planogram_error" => (format!("{name}.documented.json"), true),
            _ => (format!("{name}.incomplete.json"), false),
        };
        let (example, vendors) = (example_of(operation), vendors(&file));
        assert_contains(&example, &vendors, operation.id);
        assert!(!is_whole || example == vendors, "{}", operation.id);
    }
}

#[test]
fn what_an_incomplete_example_lacks_is_that_of_transition_left() {
    let known = example_of(&operations::TRANSITION_LEFT);
    for operation in operations::ALL {
        for (key, value) in example_of(operation).as_object().unwrap() {
            if operation.id != "checkout_zone_entered"
                && let Some(known) = known.get(key)
            {
                assert_eq!(value, known, "{} {key}", operation.id);
            }
        }
    }
}

#[test]
fn the_webhooks_are_those_of_the_vendors_console() {
    let webhooks = operations::ALL.iter().map(|operation| {
        let Operation {
            kind,
            route,
            webhook,
            url,
            answer,
            ..
        } = operation;
        let url = match url {
            CalledUrl::Base => "base",
            _ => "exact",
        };
        let answer = match answer {
            Answer::Used => "used",
            _ => "ignored",
        };
        format!("{webhook} {url} {answer} {route} {kind}\n")
    });
    insta::assert_snapshot!(webhooks.collect::<String>(), @"
    transitions base ignored left left
    transitions base ignored entered entered
    checkout-zone base ignored checkout-zone/entered checkout-zone-entered
    checkout-zone base ignored checkout-zone/left checkout-zone-left
    checkout exact used checkout checkout
    cart-mutator exact used cart-mutator cart-mutator
    order-price exact used order-price order-price
    customer-created exact ignored customer-created customer-created
    entry-code-verify exact used entry-code/verify entry-code-verify
    entry-code-notify exact ignored entry-code/notify entry-code-notify
    identity-matching exact ignored identity-matching identity-matching
    planogram-error exact ignored planogram-error planogram-error
    suspected-fraud exact ignored suspected-fraud suspected-fraud
    ");
}

#[test]
fn an_operation_is_found_by_each_of_its_names() {
    for operation in operations::ALL {
        let names = [
            operation.kind.to_owned(),
            operation.id.to_owned(),
            operation.id.replace('_', "-"),
            operation.route.to_owned(),
            operation.path.to_owned(),
        ];
        for name in names {
            let found = Operation::find(&name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(found.id, operation.id, "{name}");
        }
    }
    for name in ["", "push", "zone-left", "transitions"] {
        assert!(Operation::find(name).is_none(), "{name}");
    }
}

#[test]
fn the_older_body_of_the_guide_decodes() {
    let body = vendors("checkout-zone-entered.guide.json");
    let event: CheckoutZoneEntered = from_slice(body.to_string().as_bytes()).unwrap();
    assert!(event.session.is_none());
    assert_eq!(
        serde_json::to_value(&event.checkout_zone_id).unwrap(),
        json!(1)
    );
    let encoded = serde_json::to_string(&event).unwrap();
    let again: CheckoutZoneEntered = from_slice(encoded.as_bytes()).unwrap();
    assert_eq!(again, event);
}

#[test]
fn a_checkout_zone_has_a_text_or_an_integer() {
    for operation in [
        &operations::CHECKOUT_ZONE_ENTERED,
        &operations::CHECKOUT_ZONE_LEFT,
    ] {
        for id in [json!("7"), json!(7), json!(7.5), json!({"zone": 7})] {
            let mut body = example_of(operation);
            body["checkoutZoneId"] = id.clone();
            operation.check(body.to_string().as_bytes()).unwrap();
        }
    }
}

#[test]
fn the_documented_answer_decodes() {
    let answer = vendors("entry-code-verify.response.json");
    let path =
        "/paths/~1api~1push~1entry-code~1verify/post/responses/2XX/content/application~1json";
    assert_eq!(document().pointer(path).unwrap()["example"], answer);
    let decoded: EntryCodeVerifyAnswer = from_slice(answer.to_string().as_bytes()).unwrap();
    assert_eq!(decoded.status, Some(EntryCodeVerifyStatus::Failed));
    assert_eq!(serde_json::to_value(&decoded).unwrap(), answer);
}

#[test]
fn odd_metadata_costs_no_event() {
    for events in [
        json!(1),
        json!("x"),
        json!([1]),
        json!([{"eventId": 7}]),
        json!({}),
    ] {
        let mut body = example_of(&operations::TRANSITION_LEFT);
        body["session"]["metadata"]["events"] = events.clone();
        let event: TransitionLeft = from_slice(body.to_string().as_bytes()).unwrap();
        let encoded = serde_json::to_value(&event).unwrap();
        assert_eq!(encoded["session"]["metadata"]["events"], events);
    }
}
