//! What operators of a receiver are told.

use std::time::Duration;

use aifi_push_receiver::{
    Receiver, ReceiverError, Tokens,
    inbox::{Subscribe, SubscribeOptions},
};
use aifi_push_testkit::{events::documented, http::head};
use axum::http::StatusCode;
use insta::assert_snapshot;

use crate::{new_inbox, running::Running};

#[tokio::test]
async fn the_number_of_series_does_not_follow_the_callers() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox).await;
    let series = async || running.get("/metrics").await.body.lines().count();
    running.exchange(&head("PUT /nothing", &[])).await;
    let before = series().await;
    for path in 0..50 {
        running.exchange(&head(&format!("PUT /{path}"), &[])).await;
    }
    assert_eq!(series().await, before);
}

#[tokio::test]
async fn what_happens_is_counted() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    running.post(documented().as_bytes()).await;
    running.post(b"{}").await;
    running.exchange(&head("PUT /nothing", &[])).await;
    let billing = "billing".parse().unwrap();
    let subscribed = inbox.subscribe(&billing, SubscribeOptions::default());
    let subscription = subscribed.await.unwrap().subscription;
    subscription.receive(1, Duration::ZERO).await.unwrap();

    let answer = running.get("/metrics").await;
    assert!(answer.head.contains("text/plain; version=0.0.4"));
    assert!(
        answer
            .body
            .contains("# TYPE aifi_push_refused_total counter")
    );
    let openmetrics = ["Accept: application/openmetrics-text; version=1.0.0, text/plain;q=0.5"];
    let answer = running.exchange(&head("GET /metrics", &openmetrics)).await;
    assert!(answer.head.contains("application/openmetrics-text"));
    assert!(answer.body.contains("# TYPE aifi_push_refused counter"));
    // Times and sizes differ from run to run, or with the document.
    let unsteady = [
        "#",
        "_bucket",
        "seconds_sum",
        "age_seconds",
        "inbox_bytes",
        "disk_free",
    ];
    let is_steady = |line: &&str| !unsteady.iter().any(|part| line.contains(part));
    let steady: Vec<_> = answer.body.lines().filter(is_steady).collect();
    assert_snapshot!(steady.join("\n"), @r#"
    aifi_push_received_total{operation="transition_left"} 2
    aifi_push_quarantined_total{operation="transition_left"} 1
    aifi_push_decoder_panics_total 0
    aifi_push_refused_total{reason="not_found"} 1
    aifi_push_returned_total 0
    aifi_push_commit_seconds_count 2
    aifi_push_queued_events 0
    aifi_push_inbox_events 2
    aifi_push_consumer_pending_events{consumer="billing"} 1
    aifi_push_consumer_dead_events{consumer="billing"} 0
    "#);
    assert!(
        answer
            .body
            .contains(r#"consumer_oldest_pending_age_seconds{consumer="billing"}"#)
    );
}

#[tokio::test]
async fn settings_that_make_no_sense_are_named() {
    let (inbox, _directory) = new_inbox().await;
    let builder = || Receiver::builder(inbox.clone(), Tokens::new(["a"]).unwrap());
    let error = |result: Result<Receiver, ReceiverError>| result.unwrap_err().to_string();
    assert_snapshot!(error(builder().max_queued(0, 1 << 30).build()), @"max_queued: 0 events may wait: allow at least 1");
    assert_snapshot!(error(builder().max_queued(9, 10).build()), @"max_queued: a body of 1044480 bytes does not fit: allow more bytes, or smaller bodies");
    assert_snapshot!(error(builder().quarantined_status(StatusCode::FOUND).build()), @"quarantined_status: 302 says nothing about the body: choose a 2xx or a 4xx");
    let receiver = builder().build().unwrap();
    for path in [
        "webhook",
        "/a//b",
        "/{id}",
        "/*all",
        "/a b",
        "http://host/a",
    ] {
        assert!(receiver.app(path).is_err(), "{path}");
    }
    for path in ["", "/", "/a", "/a/", "/api/push/transition"] {
        assert!(receiver.app(path).is_ok(), "{path}");
    }
    assert_snapshot!(receiver.app("webhook").unwrap_err(), @r#"base_path: invalid path "webhook": expected letters, digits, `-`, `.`, `_` and `~`, and no segment `.` or `..`, such as /webhook"#);
}
