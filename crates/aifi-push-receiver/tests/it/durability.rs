//! The acknowledgement comes after the commit, always; and what happens when there is none.

use std::{sync::Arc, time::Duration};

use aifi_push_receiver::inbox::{Append, MemoryInbox};
use aifi_push_testkit::{
    FaultyInbox,
    events::{bodies, documented},
    http::{Response, post},
};
use insta::{allow_duplicates, assert_snapshot};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use crate::{new_inbox, running::Running};

/// Long enough to see an answer that came too early; a late one is waited for without a bound.
const A_MOMENT: Duration = Duration::from_millis(50);

async fn wait_until(condition: impl AsyncFn() -> bool) {
    while !condition().await {
        tokio::task::yield_now().await;
    }
}

/// Sends the documented event, and does not wait for the answer.
async fn send(running: &Running) -> TcpStream {
    let mut stream = running.connect().await;
    let request = post(documented().as_bytes());
    stream.write_all(&request).await.unwrap();
    stream
}

async fn wait_for_queued(running: &Running, events: usize) {
    let metric = format!("queued_events {events}\n");
    wait_until(async || running.get("/metrics").await.body.contains(&metric)).await;
}

#[tokio::test]
async fn no_answer_comes_before_the_commit() {
    let (inbox, _directory) = new_inbox().await;
    let faulty = FaultyInbox::closed(inbox.clone());
    let running = Running::start(faulty.clone()).await;
    let mut stream = send(&running).await;
    let answer = Response::read(&mut stream);
    tokio::pin!(answer);
    assert!(timeout(A_MOMENT, &mut answer).await.is_err());
    assert!(bodies(&*inbox).await.is_empty());
    faulty.let_through(1);
    assert_eq!(answer.await.status, 201);
    assert_eq!(bodies(&*inbox).await, [documented().as_bytes()]);
}

#[tokio::test]
async fn a_sender_that_hangs_up_changes_nothing() {
    let (inbox, _directory) = new_inbox().await;
    let faulty = FaultyInbox::closed(inbox.clone());
    let running = Running::start(faulty.clone()).await;
    let stream = send(&running).await;
    wait_until(async || {
        let metrics = running.get("/metrics").await.body;
        metrics.contains("aifi_push_commit_seconds_count 0") && metrics.contains("queued_events 1")
    })
    .await;
    drop(stream);
    faulty.let_through(1);
    wait_until(async || bodies(&*inbox).await.len() == 1).await;
}

#[tokio::test]
async fn more_than_the_queue_holds_is_refused() {
    let (inbox, _directory) = new_inbox().await;
    for (events, bytes) in [(1, 100_000), (100, 2000)] {
        let faulty = FaultyInbox::closed(inbox.clone());
        let running = Running::start_with(
            faulty.clone(),
            |receiver| receiver.max_body_bytes(2000).max_queued(events, bytes),
            |server| server,
        );
        let running = Arc::new(running.await);
        let calls: Vec<_> = (0..3)
            .map(|_| {
                let running = Arc::clone(&running);
                tokio::spawn(async move { running.post(documented().as_bytes()).await })
            })
            .collect();
        wait_until(async || {
            running
                .get("/metrics")
                .await
                .body
                .contains(r#""overloaded""#)
        })
        .await;
        faulty.let_through(10);
        let mut accepted = 0;
        for call in calls {
            let answer = call.await.unwrap();
            if answer.status == 201 {
                accepted += 1;
                continue;
            }
            assert_eq!(answer.status, 503);
            assert!(answer.head.contains("retry-after: 1"));
            allow_duplicates! { assert_snapshot!(answer.body, @r#"{"message":"too many events are waiting: send it again","type":"E_OVERLOADED","errors":[]}"#); }
        }
        assert!((1..=2).contains(&accepted), "{accepted}");
    }
}

#[tokio::test]
async fn a_disk_that_fails_is_reported_and_survived() {
    let (inbox, _directory) = new_inbox().await;
    let faulty = FaultyInbox::new(inbox.clone());
    let running = Running::start(faulty.clone()).await;
    assert_eq!(running.post(b"1").await.status, 422);
    assert_eq!(running.get("/livez").await.status, 200);

    faulty.set_broken(true);
    let answer = running.post(documented().as_bytes()).await;
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("retry-after: 1"));
    assert_snapshot!(answer.body, @r#"{"message":"the event could not be stored: send it again","type":"E_UNAVAILABLE","errors":[]}"#);
    assert_eq!(running.get("/readyz").await.status, 503);
    assert_eq!(running.get("/livez").await.status, 200);
    assert_eq!(bodies(&*inbox).await, [b"1"]);

    faulty.set_broken(false);
    assert_eq!(running.post(documented().as_bytes()).await.status, 201);
    wait_until(async || running.get("/readyz").await.status == 200).await;
}

#[tokio::test]
async fn stopping_answers_what_is_in_flight() {
    let (inbox, _directory) = new_inbox().await;
    let faulty = FaultyInbox::closed(inbox.clone());
    let mut running = Running::start(faulty.clone()).await;
    let mut stream = send(&running).await;
    wait_for_queued(&running, 1).await;
    let (answer, ()) = tokio::join!(Response::read(&mut stream), async {
        let stop = running.stop();
        tokio::pin!(stop);
        assert!(timeout(A_MOMENT, &mut stop).await.is_err());
        faulty.let_through(1);
        stop.await;
    });
    assert_eq!(answer.status, 201);
    assert_eq!(bodies(&*inbox).await.len(), 1);
    assert!(inbox.probe().await.is_ok());
}

#[tokio::test]
async fn closing_stores_what_waits() {
    let (inbox, _directory) = new_inbox().await;
    let faulty = FaultyInbox::closed(inbox.clone());
    let running = Running::start(faulty.clone()).await;
    let mut stream = send(&running).await;
    wait_for_queued(&running, 1).await;
    {
        let close = running.receiver.close();
        tokio::pin!(close);
        assert!(timeout(A_MOMENT, &mut close).await.is_err());
        faulty.let_through(1);
        close.await;
    }
    assert_eq!(bodies(&*inbox).await.len(), 1);
    assert_eq!(Response::read(&mut stream).await.status, 201);

    let late = running.post(documented().as_bytes()).await;
    assert_eq!(late.status, 503);
    assert_snapshot!(late.body, @r#"{"message":"the receiver is stopping: send it again","type":"E_UNAVAILABLE","errors":[]}"#);
}

#[tokio::test]
async fn stopping_does_not_wait_for_half_a_head() {
    let (inbox, _directory) = new_inbox().await;
    let mut running = Running::start_with(
        inbox,
        |receiver| receiver,
        |server| server.stop_within(A_MOMENT),
    )
    .await;
    let mut stream = running.connect().await;
    stream.write_all(b"POST /webh").await.unwrap();
    timeout(Duration::from_secs(9), running.stop())
        .await
        .unwrap();
}

/// A panic must leave neither a receiver that refuses everything nor one that seems ready.
#[tokio::test]
async fn a_panic_while_storing_costs_one_request() {
    let inbox = Arc::new(MemoryInbox::new());
    let faulty = FaultyInbox::new(inbox.clone());
    let running = Running::start(faulty.clone()).await;
    faulty.panic_in(1);
    assert_eq!(running.post(documented().as_bytes()).await.status, 503);
    assert_eq!(running.post(documented().as_bytes()).await.status, 201);
    let metrics = running.get("/metrics").await.body;
    assert!(metrics.contains("queued_events 0"), "{metrics}");
    assert_eq!(bodies(&*inbox).await.len(), 1);
}

#[tokio::test]
async fn an_inbox_that_stopped_for_good_is_not_ready() {
    let faulty = FaultyInbox::new(Arc::new(MemoryInbox::new()));
    let running = Running::start(faulty.clone()).await;
    faulty.stop();
    let error = faulty.failed().await;
    assert_snapshot!(error, @"faulty: the inbox stopped after an internal error: restart the process");
    assert_eq!(running.post(documented().as_bytes()).await.status, 503);
    assert_eq!(running.get("/readyz").await.status, 503);
    assert_eq!(running.get("/livez").await.status, 200);
}
