//! The figures that an operator looks at.

use std::{sync::Arc, time::Duration};

use aifi_push_receiver::{
    ConsumerFigures, FiguresHistory, FiguresReport, Receiver, Tokens,
    inbox::{Admin, ErrorChain, MemoryInbox, Subscribe, SubscribeOptions},
};
use aifi_push_testkit::{FaultyInbox, events::documented};
use insta::{allow_duplicates, assert_snapshot};
use tokio::sync::oneshot;

use crate::{new_inbox, running::Running};

#[tokio::test]
async fn figures_are_of_what_arrived() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let billing = "billing".parse().unwrap();
    let subscribed = inbox.subscribe(&billing, SubscribeOptions::default());
    let _subscription = subscribed.await.unwrap().subscription;
    running.post(documented().as_bytes()).await;
    running.post(documented().as_bytes()).await;
    running.post(b"{}").await;

    let figures = running.receiver.figures().await.unwrap();
    assert_eq!(
        (
            figures.stored,
            figures.events,
            figures.quarantined,
            figures.queued
        ),
        (3, 3, 1, 0)
    );
    assert!(figures.bytes > 0);
    assert!(figures.disk_free.is_some());
    assert_eq!(figures.certificate_valid_until, None);
    let (p50, p99) = (figures.commit_p50.unwrap(), figures.commit_p99.unwrap());
    assert!(0.0 < p50 && p50 <= p99, "{p50} {p99}");
    let [
        ConsumerFigures {
            name,
            pending,
            dead,
            is_paused,
            ..
        },
    ] = &figures.consumers[..]
    else {
        panic!("{figures:?}");
    };
    assert_eq!(
        (name.as_str(), *pending, *dead, *is_paused),
        ("billing", 2, 0, false)
    );
    assert!(figures.consumers[0].oldest_pending_age_seconds.unwrap() >= 0.0);
    inbox.pause_consumer(&billing).await.unwrap();
    let has = async |line: &str| running.get("/metrics").await.body.contains(line);
    assert!(has("aifi_push_consumer_paused{consumer=\"billing\"} 1\n").await);
}

#[tokio::test(start_paused = true)]
async fn however_many_look_the_inbox_is_counted_once() {
    let inbox = FaultyInbox::new(Arc::new(MemoryInbox::new()));
    let tokens = Tokens::dangerously_accept_anyone();
    let receiver = Receiver::builder(inbox.clone(), tokens).build().unwrap();
    let figures = receiver.figures().await.unwrap();
    assert_eq!(receiver.figures().await.unwrap(), figures);
    assert_eq!(inbox.counts(), 1);

    inbox.set_broken(true);
    tokio::time::advance(Duration::from_secs(1)).await;
    for _ in 0..2 {
        let error = receiver.figures().await.unwrap_err();
        allow_duplicates! { assert_snapshot!(ErrorChain(&error), @"inbox: counting events failed: faulty: everything failed: database or disk is full"); }
        assert_eq!(inbox.counts(), 2);
    }

    inbox.set_broken(false);
    tokio::time::advance(Duration::from_secs(1)).await;
    receiver.figures().await.unwrap();
    assert_eq!(inbox.counts(), 3);
}

#[tokio::test]
async fn figures_say_that_events_are_refused() {
    let (inbox, _directory) = new_inbox().await;
    let faulty = FaultyInbox::new(inbox);
    let running = Running::start(faulty.clone()).await;
    let figures = running.receiver.figures().await.unwrap();
    assert!(figures.is_ready);
    assert_eq!((figures.not_ready_reason, figures.refused), (None, 0));

    faulty.stop();
    assert_eq!(running.post(documented().as_bytes()).await.status, 503);
    // What is a second old is used.
    let figures = loop {
        let figures = running.receiver.figures().await.unwrap();
        if !figures.is_ready && figures.refused == 1 {
            break figures;
        }
        tokio::task::yield_now().await;
    };
    let reason = figures.not_ready_reason.unwrap();
    assert!(reason.starts_with("faulty"), "{reason}");
    let by_reason = [("unavailable".to_owned(), 1)];
    assert_eq!(figures.refused_by_reason, by_reason.into());
}

#[tokio::test]
async fn the_history_is_reported_as_json() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox).await;
    let history = FiguresHistory::default();
    let (stop, stopped) = oneshot::channel::<()>();
    let recording = tokio::spawn({
        let (history, receiver) = (history.clone(), running.receiver.clone());
        async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            history.record(&receiver, shutdown).await;
        }
    });
    // The first sample is taken at the start.
    while history.samples().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(stop);
    recording.await.unwrap();
    let report = history.report(&running.receiver).await.unwrap();
    assert_eq!(report.history.len(), 1);
    let json = serde_json::to_string(&report).unwrap();
    assert!(json.starts_with(r#"{"now":{"at":""#), "{json}");
    assert_eq!(
        serde_json::from_str::<FiguresReport>(&json).unwrap(),
        report
    );
}
