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
    Played a visit against a receiver on http://127.0.0.1:PORT.
    The platform asked if an entry code is valid, let the customer in, and pushed what happened:

      2026-11-24 10:00:00  entry-code-verify      answered OK

      session   5f0c1f7e-3a54-4c1d-9d0b-6a1e0c7b9e42
      customer  loyalty-81723 (AiFi's id: 4711)
      store     7 (retailer's id: berlin-3)
      entered   2026-11-24 10:00:05 UTC
      left      2026-11-24 10:11:44 UTC
      stay      11m 39s
      people    1 entered, 1 left
      zone      till-2, 10:11:02 to 10:11:40 (38s)
      order     90417 completed, total 12.50 (tax 0.82, subtotal 11.68)

      2026-11-24 10:00:05  entered
      2026-11-24 10:11:02  checkout-zone-entered  zone till-2
      2026-11-24 10:11:40  checkout-zone-left     zone till-2
      2026-11-24 10:11:44  left
      2026-11-24 10:11:50  checkout               order 90417 draft, total 12.50
      2026-11-24 10:12:11  checkout               order 90417 completed, total 12.50

    ✓ a wrong token is refused
    ✓ 7 events are accepted, each when it was on disk
    ✓ all 217 values of the events arrived
    ✓ the platform is told that the entry code is valid, and for which session
    ✓ 6 events are one visit, of the session in that answer
    ✓ times, zone, order and total of the visit are those of the script
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
    assert_eq!(report["checks"].as_array().unwrap().len(), 6);
    let visit = &report["visit"];
    assert_eq!(visit["stay_seconds"], json!(699));
    assert_eq!(visit["orders"][0]["total_price"], json!("12.50"));
    assert_eq!(report["visit_seconds"], visit["stay_seconds"]);
    assert_eq!(report["event"]["sessionId"], visit["session"]);
    assert_eq!(report["event"]["timeOfOrigin"], visit["exited_at"]);
    let kinds = visit["events"].as_array().unwrap().iter();
    let kinds: Vec<_> = kinds.map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "entered",
            "checkout-zone-entered",
            "checkout-zone-left",
            "left",
            "checkout",
            "checkout"
        ]
    );
}
