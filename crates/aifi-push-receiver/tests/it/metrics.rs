//! What operators of a receiver are told.

use std::{sync::Arc, time::Duration};

use aifi_push::{operations, types::TransitionLeft};
use aifi_push_receiver::{
    ConsumerMetrics, Receiver, ReceiverError, Tokens,
    inbox::{Consumer, Delivery, HandlerError, Received, Subscribe, SubscribeOptions},
};
use aifi_push_testkit::{FaultyInbox, events::documented, http::head};
use axum::http::StatusCode;
use insta::assert_snapshot;
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::sync::{mpsc, oneshot};

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
async fn every_counter_starts_at_0() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox).await;
    let metrics = running.get("/metrics").await.body;
    for operation in operations::ALL {
        for name in ["received", "quarantined"] {
            let id = operation.id;
            let line = format!("aifi_push_{name}_total{{operation=\"{id}\"}} 0\n");
            assert!(metrics.contains(&line), "{line}{metrics}");
        }
    }
    assert!(metrics.contains("aifi_push_refused_total{reason=\"unauthorized\"} 0\n"));
    assert!(metrics.contains("aifi_push_inbox_quarantined_events 0\n"));
    // When something arrived is not known yet.
    assert!(!metrics.contains("aifi_push_last_received_timestamp_seconds{"));
}

/// That the receiver is not ready is needed most then.
#[tokio::test]
async fn an_inbox_that_fails_has_no_gauges() {
    let (inbox, _directory) = new_inbox().await;
    let faulty = FaultyInbox::new(inbox.clone());
    faulty.set_broken(true);
    let running = Running::start(faulty.clone()).await;
    let billing = "billing".parse().unwrap();
    let subscribed = inbox.subscribe(&billing, SubscribeOptions::default());
    let _subscription = subscribed.await.unwrap().subscription;
    let of_inbox = [
        "\naifi_push_inbox_events 0\n",
        "\naifi_push_disk_free_bytes ",
        "\naifi_push_consumer_pending_events{consumer=\"billing\"} 0\n",
    ];
    let answer = running.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("\naifi_push_ready 0\n"));
    assert!(answer.body.contains("\naifi_push_returned_total 0\n"));
    for line in of_inbox {
        assert!(!answer.body.contains(line), "{line}");
    }
    faulty.set_broken(false);
    let metrics = running.get("/metrics").await.body;
    for line in of_inbox {
        assert!(metrics.contains(line), "{line}");
    }
    faulty.set_broken(true);
    let metrics = running.get("/metrics").await.body;
    for line in of_inbox {
        assert!(!metrics.contains(line), "{line}");
    }
}

#[tokio::test]
async fn attempts_of_consumers_are_counted() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let (stop, stopped) = oneshot::channel::<()>();
    let (handled, mut attempts) = mpsc::unbounded_channel();
    let consumer = Consumer::builder(inbox, "billing")
        .handler(move |left: Received<TransitionLeft>| {
            let _ = handled.send(left.attempt);
            async { Err::<(), _>(HandlerError::permanent("no such store")) }
        })
        .observer(Arc::new(running.receiver.consumer_metrics()))
        .run(async {
            let _ = stopped.await;
        });
    let consumer = tokio::spawn(consumer);
    running.post(documented().as_bytes()).await;
    let entered = operations::TRANSITION_ENTERED.example.unwrap();
    let length = format!("Content-Length: {}", entered.len());
    let mut request = head("POST /webhook/entered", &[&length]);
    request.extend_from_slice(entered.as_bytes());
    running.exchange(&request).await;
    assert_eq!(attempts.recv().await, Some(1));
    // What is in flight, and what was received before, ends first.
    let has = async |line: &str| running.get("/metrics").await.body.contains(line);
    while !has("aifi_push_consumer_attempts_total{consumer=\"billing\",outcome=\"dead\"} 2\n").await
    {
        tokio::task::yield_now().await;
    }
    drop(stop);
    consumer.await.unwrap().unwrap();
    // No handler saw the other.
    for line in [
        "aifi_push_consumer_attempts_total{consumer=\"billing\",outcome=\"done\"} 0\n",
        "aifi_push_consumer_attempt_seconds_count{consumer=\"billing\"} 1\n",
        "aifi_push_consumer_waiting{consumer=\"billing\"} 0\n",
    ] {
        assert!(has(line).await, "{line}");
    }
}

#[tokio::test]
async fn a_consumer_that_waits_is_seen() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let metrics = ConsumerMetrics::default();
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let consumer = Consumer::builder(inbox, "billing")
        .fallback(async |_: Delivery| {
            let pause = Duration::from_secs(600);
            Err::<(), _>(HandlerError::unavailable_for(pause, "down"))
        })
        .observer(Arc::new(metrics))
        .run(std::future::pending());
    let consumer = tokio::spawn(consumer);
    running.post(documented().as_bytes()).await;
    let mut text = String::new();
    while !text.contains("aifi_push_consumer_waiting{consumer=\"billing\"} 1\n") {
        tokio::task::yield_now().await;
        text.clear();
        encode(&mut text, &registry).unwrap();
    }
    assert!(text.contains("consumer_attempts_total{consumer=\"billing\",outcome=\"retry\"} 1\n"));
    // The registry of the receiver is another.
    assert!(
        !running
            .get("/metrics")
            .await
            .body
            .contains("consumer_waiting{")
    );
    consumer.abort();
}

#[tokio::test]
async fn what_happens_is_counted() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    running.post(documented().as_bytes()).await;
    running.post(br#"{"storeId": 7}"#).await;
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
        "timestamp_seconds",
        "inbox_bytes",
        "disk_free",
        "last_used",
    ];
    let is_steady = |line: &&str| !unsteady.iter().any(|part| line.contains(part));
    let is_counted =
        |line: &&str| is_steady(line) && (!line.ends_with(" 0") || !line.contains('{'));
    let mut steady: Vec<_> = answer.body.lines().filter(is_counted).collect();
    // Series of one metric come in any order.
    steady.sort_unstable();
    assert_snapshot!(steady.join("\n"), @r#"
    aifi_push_commit_seconds_count 2
    aifi_push_consumer_pending_events{consumer="billing"} 1
    aifi_push_decoder_panics_total 0
    aifi_push_inbox_events 2
    aifi_push_inbox_quarantined_events 1
    aifi_push_quarantined_total{operation="transition_left"} 1
    aifi_push_queued_events 0
    aifi_push_ready 1
    aifi_push_received_total{operation="transition_left"} 2
    aifi_push_refused_total{reason="not_found"} 1
    aifi_push_returned_total 0
    aifi_push_store_received_total{store="0"} 1
    aifi_push_store_received_total{store="none"} 1
    aifi_push_token_requests_total{token="1"} 2
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
