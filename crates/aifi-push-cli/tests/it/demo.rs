//! `aifi-push demo`

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{aifi_push_in, directory};

#[test]
fn for_people() {
    let output = aifi_push_in(&directory(), &["demo"])
        .assert()
        .success()
        .get_output()
        .clone();
    let text = String::from_utf8(output.stdout).unwrap();
    let (before, after) = text.split_once("127.0.0.1:").unwrap();
    let after = after.trim_start_matches(char::is_numeric);
    assert_snapshot!(format!("{before}127.0.0.1:PORT{after}"), @"
    Pushed the event of the vendor's page, with its placeholder values, to
    http://127.0.0.1:PORT/api/push/transition/left

    A customer left a store:
      customer  string (customer)
      shopper   string
      store     0 (retailer's id: string)
      left      2019-08-24 14:15:22 UTC
      visit     0s
      session   active
      payment   NONE

    ✓ a wrong token is refused
    ✓ the right one is accepted, with status 201
    ✓ the event was on disk by then, under the id of the response
    ✓ all 43 values of the event arrived
    ");
}

#[test]
fn for_programs() {
    let output = aifi_push_in(&directory(), &["demo", "--json"])
        .assert()
        .success()
        .get_output()
        .clone();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], json!(true));
    assert_eq!(report["event"]["session"]["status"], json!("active"));
    assert_eq!(report["visit_seconds"], json!(0));
    assert_eq!(report["checks"].as_array().unwrap().len(), 4);
}
