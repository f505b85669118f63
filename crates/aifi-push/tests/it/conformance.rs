//! Calls to a third-party server that validates each against the document.
//!
//! `cargo xtask ci --all --only Prism` starts it, and sets its origin and its token.

use std::env;

use aifi_push::{Client, Error, operations::TRANSITION_LEFT, types::TransitionLeft};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::Value;

use crate::{
    document::{document, example_event, is_valid},
    strategies::values,
};

fn client(base_path: &str) -> Client {
    let origin = env::var("AIFI_PUSH_VALIDATOR").expect("AIFI_PUSH_VALIDATOR is not set");
    let token = env::var("AIFI_PUSH_TOKEN").expect("AIFI_PUSH_TOKEN is not set");
    let client = Client::builder(origin + base_path).bearer_token(token);
    client.build().unwrap()
}

/// The server is written in JavaScript, and refuses integers of more than 53 bits.
fn shorten_integers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(integer) = number.as_i64() {
                *number = (integer % (1 << 53)).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shorten_integers),
        Value::Object(fields) => fields.values_mut().for_each(shorten_integers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[tokio::test]
#[ignore = "requires a server: cargo xtask ci --all --only Prism"]
async fn the_documented_event_and_generated_ones_are_accepted() {
    let client = client("");
    client.transition_left(&example_event()).await.unwrap();

    let document = document();
    let schema = &document["components"]["schemas"]["TransitionLeft"];
    let values = values(&document, schema);
    let mut runner = TestRunner::deterministic();
    let mut sent = 0;
    while sent < 1000 {
        let mut value = values.new_tree(&mut runner).unwrap().current();
        shorten_integers(&mut value);
        if !is_valid(&document, schema, &value) {
            continue;
        }
        let text = value.to_string();
        let event: TransitionLeft = aifi_push::from_slice(text.as_bytes()).unwrap();
        let response = client.transition_left(&event).await;
        let body = response
            .unwrap_or_else(|error| panic!("{error}: {text}"))
            .decode();
        body.unwrap();
        sent += 1;
    }
}

#[tokio::test]
#[ignore = "requires a server: cargo xtask ci --all --only Prism"]
async fn invalid_events_are_refused() {
    let body = br#"{"sessionId": 7}"#.to_vec();
    let base_path = TRANSITION_LEFT.path.strip_suffix("/left").unwrap();
    let delivered = client(base_path).deliver(&TRANSITION_LEFT, body).await;
    let error = delivered.unwrap_err();
    assert!(matches!(error, Error::Rejected { .. }), "{error}");
}
