//! Consumers by way of handlers.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aifi_push::{operations::TRANSITION_LEFT, types::TransitionLeft};
use aifi_push_receiver::{Consumer, Event, Inbox, Received, SqliteInbox, State};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{all, documented, events, new_inbox};

const AT_ONCE: Duration = Duration::ZERO;

fn left(store: u32) -> Event {
    let body = documented().replace(
        r#""storeId":0,"timeOf"#,
        &format!(r#""storeId":{store},"timeOf"#),
    );
    Event::arrived(&TRANSITION_LEFT, body)
}

/// Runs a consumer until the inbox holds no event that it has yet to be done with.
async fn run_until_settled(inbox: &Arc<SqliteInbox>, consumer: Consumer) {
    let stop = CancellationToken::new();
    let run = tokio::spawn(consumer.run(stop.clone().cancelled_owned()));
    loop {
        let consumers = inbox.stats().await.unwrap().consumers;
        if consumers
            .first()
            .is_some_and(|consumer| consumer.pending == 0)
        {
            break;
        }
        tokio::task::yield_now().await;
    }
    stop.cancel();
    run.await.unwrap();
}

#[tokio::test]
async fn a_handler_is_given_typed_events_in_order() {
    let (inbox, _directory) = new_inbox().await;
    inbox.append((1..=3).map(left).collect()).await.unwrap();
    let (sender, mut seen) = mpsc::unbounded_channel();
    let consumer = Consumer::new(inbox.clone(), "a").on(move |left: Received<TransitionLeft>| {
        let sender = sender.clone();
        async move { sender.send(left) }
    });
    run_until_settled(&inbox, consumer).await;
    let stored = all(&*inbox).await;
    for (store, entry) in (1..).zip(&stored) {
        let left = seen.recv().await.unwrap();
        assert_eq!(left.event.store_id, store);
        assert_eq!((left.id, left.attempt), (entry.event.id, 1));
        assert_eq!(left.body, entry.event.body);
        assert!(!format!("{left:?}").contains("exampleValue"));
        assert_eq!(entry.state, State::Done);
    }
}

#[tokio::test]
async fn what_fails_is_tried_again_and_then_dead() {
    let (inbox, _directory) = new_inbox().await;
    inbox.append((1..=2).map(left).collect()).await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let consumer = Consumer::new(inbox.clone(), "a")
        .max_attempts(3)
        .delays(AT_ONCE, AT_ONCE)
        .on(move |left: Received<TransitionLeft>| {
            log.lock()
                .unwrap()
                .push((left.event.store_id, left.attempt));
            async move {
                match left.event.store_id {
                    1 => Err(io::Error::other("the till is closed")),
                    _ => Ok(()),
                }
            }
        });
    run_until_settled(&inbox, consumer).await;
    assert_eq!(*seen.lock().unwrap(), [(1, 1), (2, 1), (1, 2), (1, 3)]);
    let entries = all(&*inbox).await;
    assert_eq!(entries[0].state, State::Dead);
    assert_eq!(entries[0].deliveries[0].attempts, 3);
    assert_eq!(
        entries[0].deliveries[0].problem.as_deref(),
        Some("the till is closed")
    );
    assert_eq!(entries[1].state, State::Done);
}

#[tokio::test]
async fn a_handler_that_panics_takes_nothing_with_it() {
    let (inbox, _directory) = new_inbox().await;
    inbox.append((1..=2).map(left).collect()).await.unwrap();
    let consumer = Consumer::new(inbox.clone(), "a").max_attempts(1).on(
        |left: Received<TransitionLeft>| async move {
            assert_ne!(left.event.store_id, 1, "no such store");
            Ok::<_, io::Error>(())
        },
    );
    run_until_settled(&inbox, consumer).await;
    let entries = all(&*inbox).await;
    assert_eq!(entries[0].state, State::Dead);
    let problem = entries[0].deliveries[0].problem.as_deref().unwrap();
    assert!(
        problem.contains("panicked") && problem.contains("no such store"),
        "{problem}"
    );
    assert_eq!(entries[1].state, State::Done);
}

#[tokio::test]
async fn what_does_not_decode_reaches_no_handler() {
    let (inbox, _directory) = new_inbox().await;
    // Stored, and the process crashed before it was set aside.
    inbox.append(events([1])).await.unwrap();
    inbox.append(vec![left(2)]).await.unwrap();
    let handled = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&handled);
    let typed = Consumer::new(inbox.clone(), "typed").on(move |_: Received<TransitionLeft>| {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok::<_, io::Error>(()) }
    });
    run_until_settled(&inbox, typed).await;
    assert_eq!(handled.load(Ordering::SeqCst), 1);
    let entry = &all(&*inbox).await[0];
    assert_eq!(entry.state, State::Quarantined);
    assert_eq!(
        entry.problem.as_deref(),
        Some("line 1, column 1: expected an object, found an integer")
    );

    inbox.append(events([3])).await.unwrap();
    let count = Arc::clone(&handled);
    let as_bytes = Consumer::new(inbox.clone(), "bytes").on_every(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok::<_, io::Error>(()) }
    });
    run_until_settled(&inbox, as_bytes).await;
    assert_eq!(handled.load(Ordering::SeqCst), 2);
    assert_eq!(all(&*inbox).await[2].state, State::Quarantined);
}

#[tokio::test]
async fn an_event_that_crashes_the_process_again_and_again_is_given_up() {
    let (inbox, _directory) = new_inbox().await;
    inbox.append(vec![left(1)]).await.unwrap();
    // As when the process crashed at each attempt: nobody settles.
    for _ in 0..2 {
        let taken = inbox.take("a", 1, AT_ONCE, AT_ONCE).await.unwrap();
        assert_eq!(taken.len(), 1);
    }
    let consumer = Consumer::new(inbox.clone(), "a")
        .max_attempts(2)
        .on(async |_: Received<TransitionLeft>| -> Result<(), io::Error> { unreachable!() });
    run_until_settled(&inbox, consumer).await;
    let entry = &all(&*inbox).await[0];
    assert_eq!(entry.state, State::Dead);
    let problem = entry.deliveries[0].problem.as_deref();
    assert_eq!(problem, Some("handed out 2 times, the last without a word"));
}
