//! `aifi-push inbox visits`

use aifi_push::{Operation, operations::*};
use aifi_push_receiver::inbox::{Append, Event, NewEvent, SqliteInbox};
use aifi_push_testkit::{ServeProcess, http};
use chrono::TimeDelta;
use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{directory, printed, serving::serve};

/// The body of an event: the documented one, with what the visit says in it.
fn body(operation: &Operation, session: &str, time: &str, fields: &Value) -> Value {
    let mut body: Value = serde_json::from_str(operation.example.unwrap()).unwrap();
    body["sessionId"] = json!(session);
    body["session"] = Value::Null;
    body["timeOfOrigin"] = json!(format!("2026-11-24T{time}Z"));
    body["storeId"] = json!(7);
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn post(serving: &ServeProcess, operation: &Operation, body: &Value) -> u16 {
    let body = body.to_string();
    let length = format!("Content-Length: {}", body.len());
    let path = format!("POST /webhook/{}", operation.route);
    let mut request = http::head(&path, &[&length]);
    request.extend(body.as_bytes());
    serving.exchange(&request).unwrap().status
}

/// An inbox of two visits of two stores, and of two events without a session.
fn received() -> (TempDir, ServeProcess) {
    let directory = directory();
    let serving = serve(&directory, &[]);
    let (a, b) = (
        "aaaaaaaa-0000-4000-8000-000000000001",
        "b\u{202e}\u{1b}[2J-visit",
    );
    let checkout = |status: &str, total: &str| {
        json!({"orderId": 501, "status": status, "totalPrice": total, "totalTax": "2.00",
               "subtotalPrice": "10.5"})
    };
    let of_8 = |mut fields: Value| {
        fields["storeId"] = json!(8);
        fields["storeExternalId"] = json!("rom\u{1b}[31m");
        fields
    };
    let zone = json!({"checkoutZoneId": 3});
    let sold = of_8(json!({"orderId": 9, "status": "reviewed", "totalPrice": "0.10"}));
    let odd = of_8(json!({"orderId": 10, "status": "completed", "totalPrice": "1,50"}));
    // Not in the order of time.
    for (operation, session, time, fields) in [
        (&CHECKOUT, a, "10:13:10", checkout("completed", "12.50")),
        (&CHECKOUT, a, "10:13:00", checkout("draft", "13")),
        (&TRANSITION_LEFT, a, "10:12:44", json!({})),
        (&TRANSITION_ENTERED, b, "10:01:00", of_8(json!({}))),
        (&CHECKOUT_ZONE_ENTERED, a, "10:11:00", zone.clone()),
        (&CHECKOUT_ZONE_LEFT, a, "10:12:00", zone),
        (&TRANSITION_ENTERED, a, "10:00:05", json!({})),
        (&CHECKOUT, b, "10:20:00", sold),
        (&CHECKOUT, b, "10:21:00", odd),
        (&SUSPECTED_FRAUD, b, "10:22:00", of_8(json!({}))),
    ] {
        let body = body(operation, session, time, &fields);
        assert_eq!(post(&serving, operation, &body), 201, "{body}");
    }
    for operation in [&ENTRY_CODE_VERIFY, &CUSTOMER_CREATED] {
        let body = serde_json::from_str(operation.example.unwrap()).unwrap();
        assert_eq!(post(&serving, operation, &body), 201);
    }
    // It does not decode, and is of a visit all the same.
    let odd = json!({"sessionId": a, "storeId": 7, "totalPrice": "99"});
    assert_eq!(post(&serving, &CHECKOUT, &odd), 422);
    (directory, serving)
}

fn visits(directory: &TempDir, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["inbox", "visits", "--json"], arguments].concat();
    let text = printed(directory, &arguments, 0);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_visit_is_a_line() {
    let (directory, _serving) = received();
    let table = printed(&directory, &["inbox", "visits"], 0);
    assert!(table.lines().all(|line| line.chars().count() <= 80));
    assert_snapshot!(table, @r"
    SESSION     ENTERED     LEFT  STAY    STORE IN/OUT ORDER     TOTAL EVENTS NOTE
    aaaaaaaa    11-24 10:00 10:12 12m 39s 7     1/1    completed 12.50 7
    b\u{202e}\… 11-24 10:01 -     -       8     1/0    completed 1,50  4      fraud?
    2 visits, 2 events without a session (1 customer-created, 1 entry-code-verify)
    ");
    assert_snapshot!(printed(&directory, &["inbox", "visits", "--last", "1"], 0), @r"
    SESSION     ENTERED     LEFT STAY STORE IN/OUT ORDER     TOTAL EVENTS NOTE
    b\u{202e}\… 11-24 10:01 -    -    8     1/0    completed 1,50  4      fraud?
    there are more: raise --last
    2 visits, 2 events without a session (1 customer-created, 1 entry-code-verify)
    ");
    assert_snapshot!(printed(&directory, &["inbox", "visits", "--until", "1h"], 0), @"0 visits");
    assert_snapshot!(printed(&directory, &["inbox", "visits", "--store", "mars"], 0), @"0 visits");
}

#[test]
fn a_visit_is_a_story() {
    let (directory, _serving) = received();
    let ways = ["aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa"];
    let [story, of_beginning] =
        ways.map(|session| printed(&directory, &["inbox", "visits", "--session", session], 0));
    assert_eq!(story, of_beginning);
    let quarantined = story.lines().last().unwrap();
    assert!(
        quarantined.ends_with("checkout               quarantined"),
        "{story}"
    );
    assert_snapshot!(story.replace(quarantined, ""), @"
    session   aaaaaaaa-0000-4000-8000-000000000001
    customer  string (AiFi's id: string)
    store     7 (retailer's id: string)
    entered   2026-11-24 10:00:05 UTC
    left      2026-11-24 10:12:44 UTC
    stay      12m 39s
    people    1 entered, 1 left
    zone      3, 10:11:00 to 10:12:00 (1m)
    order     501 completed, total 12.50 (tax 2.00, subtotal 10.5)

    2026-11-24 10:00:05  entered
    2026-11-24 10:11:00  checkout-zone-entered  zone 3
    2026-11-24 10:12:00  checkout-zone-left     zone 3
    2026-11-24 10:12:44  left
    2026-11-24 10:13:00  checkout               order 501 draft, total 13
    2026-11-24 10:13:10  checkout               order 501 completed, total 12.50
    ");
    assert_snapshot!(printed(&directory, &["inbox", "visits", "--session", "c"], 1), @"aifi-push: no event of this session is selected: `inbox visits --json` lists sessions");
}

#[test]
fn a_session_is_found_where_the_options_say() {
    let (directory, _serving) = received();
    for session in ["aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa"] {
        for (option, value) in [("--store", "7"), ("--since", "1h")] {
            let found = visits(&directory, &["--session", session, option, value]);
            assert_eq!(found.len(), 1, "{option}");
        }
        for (option, value) in [("--store", "8"), ("--until", "1h")] {
            let of = ["inbox", "visits", "--session", session];
            let text = printed(&directory, &[&of[..], &[option, value]].concat(), 1);
            assert!(text.contains("no event of this session"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_session_of_long_ago_is_found_by_its_beginning() {
    let directory = directory();
    {
        let inbox = SqliteInbox::open(directory.path().join("events.db"))
            .await
            .unwrap();
        let body = body(&TRANSITION_LEFT, "aaaaaaaa-1", "10:00:00", &json!({}));
        let mut event = Event::new(&TRANSITION_LEFT, body.to_string());
        event.received_at -= TimeDelta::days(40);
        inbox.append(vec![NewEvent::accepted(event)]).await.unwrap();
    }
    assert!(visits(&directory, &[]).is_empty());
    for session in ["aaaaaaaa-1", "aaaa"] {
        assert_eq!(visits(&directory, &["--session", session]).len(), 1);
    }
}

#[test]
fn a_visit_is_an_object() {
    let (directory, _serving) = received();
    let all = visits(&directory, &[]);
    let sessions: Vec<_> = all.iter().map(|visit| visit["session"].clone()).collect();
    assert_eq!(
        sessions,
        [
            "aaaaaaaa-0000-4000-8000-000000000001",
            "b\u{202e}\u{1b}[2J-visit"
        ]
    );
    let first = &all[0];
    assert_eq!(first["stay_seconds"], 759);
    assert_eq!(first["zones"][0]["zone"], "3");
    assert_eq!(first["orders"].as_array().unwrap().len(), 1);
    assert_eq!(first["orders"][0]["subtotal_price"], "10.5");
    assert_eq!(first["events"].as_array().unwrap().len(), 7);
    assert_eq!(first["events"][6]["state"], "quarantined");
    assert_eq!(all[1]["fraud_suspected"], true);

    for (store, session) in [("7", 0), ("8", 1), ("rom\u{1b}[31m", 1)] {
        let found = visits(&directory, &["--store", store]);
        assert_eq!(found.len(), 1, "{store}");
        assert_eq!(found[0]["session"], sessions[session]);
    }
    let second = sessions[1].as_str().unwrap();
    assert_eq!(visits(&directory, &["--session", second]), [all[1].clone()]);
    // Nothing moves a terminal.
    for arguments in [&["--json"][..], &["--session", second], &[]] {
        let text = printed(&directory, &[&["inbox", "visits"], arguments].concat(), 0);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }

    // An event of any kind is summed up, as far as it says something.
    let checkout = first["events"][5]["id"].as_str().unwrap();
    let shown = printed(&directory, &["inbox", "show", checkout], 0);
    let summary: String = shown
        .lines()
        .skip(3)
        .take(8)
        .map(|line| format!("{line}\n"))
        .collect();
    assert_snapshot!(summary, @"
    customer  string
    role      customer
    store     7
    time      2026-11-24T10:13:10Z
    order     501
    total     12.50
    payment   NONE
    ");
}

#[test]
fn stores_are_summed_up() {
    let (directory, _serving) = received();
    assert_snapshot!(printed(&directory, &["inbox", "visits", "--by-store"], 0), @r"
     STORE  RETAILER'S ID  VISITS  MEAN STAY  ORDERS  COMPLETED  TOTAL
     7      string         1       12m 39s    1       1          12.50
     8      rom\u{1b}[31m  1       -          2       2          0.10
    a total is of completed orders, in the store's currency, which the events do not name
    1 completed order is not in it: its total is missing, not a decimal number, or would have to be rounded
    2 visits, 2 events without a session (1 customer-created, 1 entry-code-verify)
    ");
    let stores = visits(&directory, &["--by-store"]);
    assert_eq!(stores[0]["total_price"], "12.50");
    assert_eq!(stores[0]["mean_stay_seconds"], 759);
    assert_eq!(stores[1]["store"]["id"], 8);
    assert_eq!(stores[1]["orders_not_in_total"], 1);
}
