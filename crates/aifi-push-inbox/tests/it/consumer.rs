//! Consumers by way of handlers.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use aifi_push::{operations::TRANSITION_LEFT, types::TransitionLeft};
use aifi_push_inbox::{
    Admin, Append, Consumer, ConsumerBuilder, ConsumerError, ConsumerName, Delivery, Event,
    EventState, HandlerError, Inbox, MemoryInbox, NewEvent, Outcome, Receipt, Received,
    RetryPolicy, StartPosition, StoredEvent, Subscribe, SubscribeError, SubscribeOptions,
    Subscribed, Subscription,
};
use aifi_push_testkit::{
    FaultyInbox,
    events::{documented, left, numbered, stored},
};
use async_trait::async_trait;
use insta::assert_snapshot;
use tokio::{
    sync::{Barrier, Semaphore, mpsc},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{CRASH, LEASE, new_sqlite, subscribe_with};

const NOW: Duration = Duration::ZERO;

/// Tries so often, without delays.
fn attempts(attempts: u32) -> RetryPolicy {
    RetryPolicy::default()
        .max_attempts(attempts)
        .first_delay(NOW)
        .max_delay(NOW)
}

/// Runs a consumer until the inbox has no event that it has yet to acknowledge.
async fn run_until_settled(inbox: &dyn Inbox, consumer: ConsumerBuilder) {
    run_until(consumer, async || {
        let consumers = inbox.stats().await.unwrap().consumers;
        consumers
            .first()
            .is_some_and(|consumer| consumer.pending == 0)
    })
    .await;
}

async fn run_until(consumer: ConsumerBuilder, condition: impl AsyncFn() -> bool) {
    let stop = CancellationToken::new();
    let run = tokio::spawn(consumer.run(stop.clone().cancelled_owned()));
    while !condition().await {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    run.await.unwrap().unwrap();
}

fn only_problem(stored: &StoredEvent) -> &str {
    stored.deliveries[0].problem.as_deref().unwrap()
}

#[tokio::test]
async fn a_handler_receives_typed_events_in_order() {
    let (inbox, _place) = new_sqlite().await;
    inbox.append((1..=3).map(left).collect()).await.unwrap();
    let (sender, mut seen) = mpsc::unbounded_channel();
    let consumer =
        Consumer::builder(inbox.clone(), "a").handler(move |left: Received<TransitionLeft>| {
            let sender = sender.clone();
            async move { sender.send(left) }
        });
    run_until_settled(&*inbox, consumer).await;
    for (store, entry) in (1..).zip(&stored(&*inbox).await) {
        let left = seen.recv().await.unwrap();
        assert_eq!(left.event.store_id, store);
        assert_eq!((left.id, left.attempt), (entry.event.id, 1));
        assert_eq!(left.body, entry.event.body);
        assert!(!format!("{left:?}").contains("exampleValue"));
        assert_eq!(entry.state, EventState::Done);
    }
}

#[tokio::test]
async fn what_fails_is_redelivered_and_then_dead() {
    let inbox = Arc::new(MemoryInbox::new());
    inbox.append((1..=2).map(left).collect()).await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let consumer = Consumer::builder(inbox.clone(), "a")
        .retry(attempts(3))
        .handler(move |left: Received<TransitionLeft>| {
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
    run_until_settled(&*inbox, consumer).await;
    let mut seen = std::mem::take(&mut *seen.lock().unwrap());
    seen.sort_unstable();
    assert_eq!(seen, [(1, 1), (1, 2), (1, 3), (2, 1)]);
    let entries = stored(&*inbox).await;
    assert_eq!(entries[0].state, EventState::Dead);
    assert_eq!(entries[0].deliveries[0].attempts, 3);
    assert_eq!(only_problem(&entries[0]), "the till is closed");
    assert_eq!(entries[1].state, EventState::Done);
}

#[tokio::test]
async fn a_handler_says_what_is_to_become_of_an_event() {
    let inbox = Arc::new(MemoryInbox::new());
    inbox.append((1..=3).map(left).collect()).await.unwrap();
    let consumer = Consumer::builder(inbox.clone(), "a").handler(
        |left: Received<TransitionLeft>| async move {
            match left.event.store_id {
                1 => Err(HandlerError::permanent("no such store")),
                2 => Err(HandlerError::retry_after(LEASE, "come back later")),
                // Any error converts.
                _ => Ok("3".parse::<u32>().map(drop)?),
            }
        },
    );
    run_until(consumer, async || {
        let stored = stored(&*inbox).await;
        stored[2].state == EventState::Done
    })
    .await;
    let entries = stored(&*inbox).await;
    assert_eq!(entries[0].state, EventState::Dead);
    assert_eq!(only_problem(&entries[0]), "no such store");
    assert_eq!(entries[1].state, EventState::Pending);
    assert_eq!(entries[1].deliveries[0].attempts, 1);
    assert_eq!(only_problem(&entries[1]), "come back later");
}

#[tokio::test]
async fn a_handler_that_panics_takes_nothing_with_it() {
    let inbox = Arc::new(MemoryInbox::new());
    inbox.append((1..=2).map(left).collect()).await.unwrap();
    let consumer = Consumer::builder(inbox.clone(), "a")
        .retry(RetryPolicy::none())
        .handler(|left: Received<TransitionLeft>| async move {
            assert_ne!(left.event.store_id, 1, "no such store");
            Ok::<_, io::Error>(())
        });
    run_until_settled(&*inbox, consumer).await;
    let entries = stored(&*inbox).await;
    assert_eq!(entries[0].state, EventState::Dead);
    let problem = only_problem(&entries[0]);
    assert!(
        problem.contains("panicked") && problem.contains("no such store"),
        "{problem}"
    );
    assert_eq!(entries[1].state, EventState::Done);
}

#[tokio::test]
async fn a_handler_that_exceeds_its_timeout_failed() {
    let inbox = Arc::new(MemoryInbox::new());
    inbox.append((1..=2).map(left).collect()).await.unwrap();
    let consumer = Consumer::builder(inbox.clone(), "a")
        .retry(RetryPolicy::none())
        .concurrency(2)
        .handler_timeout(Duration::from_millis(20))
        .handler(|left: Received<TransitionLeft>| async move {
            if left.event.store_id == 1 {
                std::future::pending::<()>().await;
            }
            Ok::<_, io::Error>(())
        });
    run_until_settled(&*inbox, consumer).await;
    let entries = stored(&*inbox).await;
    assert_eq!(
        only_problem(&entries[0]),
        "the handler exceeded its timeout of 20ms"
    );
    assert_eq!(entries[1].state, EventState::Done);
}

#[tokio::test]
async fn as_many_events_as_allowed_are_handled_at_a_time() {
    const CONCURRENCY: usize = 5;
    let (inbox, _place) = new_sqlite().await;
    inbox.append((0..50).map(left).collect()).await.unwrap();
    // Each round begins when five have come, and not before.
    let barrier = Arc::new(Barrier::new(CONCURRENCY));
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, max) = (Arc::clone(&running), Arc::clone(&most));
    let consumer = Consumer::builder(inbox.clone(), "a")
        .concurrency(CONCURRENCY)
        .handler(move |_: Received<TransitionLeft>| {
            let (barrier, now, max) = (barrier.clone(), now.clone(), max.clone());
            async move {
                max.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                barrier.wait().await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, io::Error>(())
            }
        });
    run_until_settled(&*inbox, consumer).await;
    assert_eq!(most.load(Ordering::SeqCst), CONCURRENCY);
}

#[tokio::test]
async fn no_more_is_received_than_can_be_handled() {
    let inbox = Arc::new(MemoryInbox::new());
    inbox.append((0..9).map(left).collect()).await.unwrap();
    let gate = Arc::new(Semaphore::new(0));
    let handler_gate = Arc::clone(&gate);
    let consumer = Consumer::builder(inbox.clone(), "a")
        .concurrency(3)
        .handler(move |_: Received<TransitionLeft>| {
            let gate = handler_gate.clone();
            async move { gate.acquire().await.map(|permit| permit.forget()) }
        });
    let delivered = async |count| {
        let stored = stored(&*inbox).await;
        let delivered = stored.iter().filter(|stored| !stored.deliveries.is_empty());
        delivered.count() == count
    };
    let stop = CancellationToken::new();
    let run = tokio::spawn(consumer.run(stop.clone().cancelled_owned()));
    while !delivered(3).await {
        tokio::task::yield_now().await;
    }
    // Each that ends is settled, while the others go on.
    gate.add_permits(1);
    let settled = async || {
        let stored = stored(&*inbox).await;
        let done = stored
            .iter()
            .filter(|stored| stored.state == EventState::Done);
        done.count() == 1
    };
    while !(settled().await && delivered(3).await) {
        tokio::task::yield_now().await;
    }
    gate.add_permits(100);
    while !delivered(0).await {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    run.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_fails_to_decode_is_the_dead_letter_of_this_consumer_alone() {
    let (inbox, _place) = new_sqlite().await;
    // As when another version accepted it.
    inbox.append(numbered([1])).await.unwrap();
    inbox.append(vec![left(2)]).await.unwrap();
    let handled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&handled);
    let typed =
        Consumer::builder(inbox.clone(), "typed").handler(move |_: Received<TransitionLeft>| {
            count.fetch_add(1, Ordering::SeqCst);
            async { Ok::<_, io::Error>(()) }
        });
    run_until_settled(&*inbox, typed).await;
    assert_eq!(handled.load(Ordering::SeqCst), 1);
    let entry = &stored(&*inbox).await[0];
    assert_eq!(entry.state, EventState::Dead);
    assert_eq!(
        only_problem(entry),
        "line 1, column 1: expected an object, found an integer"
    );

    // A later program, in a rolling upgrade, still receives it.
    let other = subscribe_with(&*inbox, "other", LEASE).await;
    let received = other.receive(9, NOW).await.unwrap();
    assert_eq!(received.len(), 2);
}

#[tokio::test]
async fn an_event_without_a_handler_is_not_acknowledged_silently() {
    let inbox = Arc::new(MemoryInbox::new());
    let unknown = || {
        let id = uuid::Uuid::now_v7();
        NewEvent::accepted(Event::from_parts(
            id,
            chrono::Utc::now(),
            "song_played",
            "{}",
        ))
    };
    inbox.append(vec![unknown()]).await.unwrap();
    let builder = |name| {
        Consumer::builder(inbox.clone(), name)
            .handler(async |_: Received<TransitionLeft>| Ok::<_, io::Error>(()))
    };
    let pending = async |name: &str| {
        let consumers = inbox.stats().await.unwrap().consumers;
        let mut consumers = consumers.into_iter();
        let stats = consumers.find(|consumer| consumer.name == name);
        stats.map(|consumer| (consumer.pending, consumer.dead))
    };
    run_until(builder("strict"), async || {
        pending("strict").await == Some((0, 1))
    })
    .await;
    assert_snapshot!(only_problem(&stored(&*inbox).await[0]), @"no handler for song_played: add one, a fallback, or ignore_unhandled(), then requeue");
    let ignoring = builder("ignoring").ignore_unhandled();
    run_until(ignoring, async || pending("ignoring").await == Some((0, 0))).await;
    let (sender, mut seen) = mpsc::unbounded_channel();
    let fallback = builder("fallback").fallback(move |delivery| {
        let sender = sender.clone();
        async move { sender.send(delivery.event.operation) }
    });
    run_until(fallback, async || pending("fallback").await == Some((0, 0))).await;
    assert_eq!(seen.recv().await.unwrap(), "song_played");
}

#[tokio::test]
async fn an_event_that_crashes_the_process_becomes_a_dead_letter() {
    let inbox = Arc::new(MemoryInbox::new());
    inbox.append(vec![left(1)]).await.unwrap();
    // As when the process crashed at each attempt: nobody settles.
    let crashed = subscribe_with(&*inbox, "a", CRASH).await;
    for _ in 0..2 {
        assert_eq!(crashed.receive(1, NOW).await.unwrap().len(), 1);
    }
    let consumer = Consumer::builder(inbox.clone(), "a")
        .retry(attempts(2))
        .handler(async |_: Received<TransitionLeft>| -> Result<(), io::Error> { unreachable!() });
    run_until_settled(&*inbox, consumer).await;
    let entry = &stored(&*inbox).await[0];
    assert_eq!(entry.state, EventState::Dead);
    assert_snapshot!(only_problem(entry), @"delivered 2 times; the last attempt reported no outcome (the process may have crashed)");
}

#[tokio::test]
async fn events_of_a_crash_are_handled_alone() {
    let inbox = Arc::new(MemoryInbox::new());
    inbox.append((0..8).map(left).collect()).await.unwrap();
    let crashed = subscribe_with(&*inbox, "a", CRASH).await;
    assert_eq!(crashed.receive(4, NOW).await.unwrap().len(), 4);
    let running = Arc::new(AtomicUsize::new(0));
    let alone = Arc::new(Mutex::new(BTreeMap::new()));
    let (now, log) = (Arc::clone(&running), Arc::clone(&alone));
    let consumer = Consumer::builder(inbox.clone(), "a")
        .concurrency(4)
        .handler(move |left: Received<TransitionLeft>| {
            let (now, log) = (now.clone(), log.clone());
            async move {
                let before = now.fetch_add(1, Ordering::SeqCst);
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                let is_alone = before == 0 && now.fetch_sub(1, Ordering::SeqCst) == 1;
                log.lock()
                    .unwrap()
                    .insert(left.event.store_id, (left.attempt, is_alone));
                Ok::<_, io::Error>(())
            }
        });
    run_until_settled(&*inbox, consumer).await;
    let alone = alone.lock().unwrap();
    assert_eq!(alone.len(), 8);
    for (store, (attempt, is_alone)) in &*alone {
        assert!(
            *store >= 4 || (*attempt, *is_alone) == (2, true),
            "{alone:?}"
        );
    }
}

/// An inbox that reports each time that leases are extended.
#[derive(Debug)]
struct Extensions {
    inbox: MemoryInbox,
    extended: mpsc::UnboundedSender<usize>,
}

#[async_trait]
impl Subscribe for Extensions {
    async fn subscribe(
        &self,
        name: &ConsumerName,
        options: SubscribeOptions,
    ) -> Result<Subscribed, SubscribeError> {
        let mut subscribed = self.inbox.subscribe(name, options).await?;
        subscribed.subscription = Box::new(ExtensionsOf {
            subscription: subscribed.subscription,
            extended: self.extended.clone(),
        });
        Ok(subscribed)
    }
}

#[derive(Debug)]
struct ExtensionsOf {
    subscription: Box<dyn Subscription>,
    extended: mpsc::UnboundedSender<usize>,
}

#[async_trait]
impl Subscription for ExtensionsOf {
    async fn receive(&self, limit: usize, wait: Duration) -> Result<Vec<Delivery>, SubscribeError> {
        self.subscription.receive(limit, wait).await
    }

    async fn extend(&self, receipts: Vec<Receipt>) -> Result<(), SubscribeError> {
        self.extended.send(receipts.len()).unwrap();
        self.subscription.extend(receipts).await
    }

    async fn settle(&self, outcomes: Vec<(Receipt, Outcome)>) -> Result<(), SubscribeError> {
        self.subscription.settle(outcomes).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_lease_of_a_handler_that_works_is_renewed() {
    let inbox = MemoryInbox::new();
    inbox.append((1..=2).map(left).collect()).await.unwrap();
    let (extended, mut extensions) = mpsc::unbounded_channel();
    let extensions_of = Arc::new(Extensions {
        inbox: inbox.clone(),
        extended,
    });
    let gate = Arc::new(Semaphore::new(0));
    let handler_gate = Arc::clone(&gate);
    let consumer = Consumer::builder(extensions_of, "a")
        .concurrency(2)
        .handler(move |_: Received<TransitionLeft>| {
            let gate = handler_gate.clone();
            async move { gate.acquire().await.map(drop) }
        });
    let stop = CancellationToken::new();
    let run = tokio::spawn(consumer.run(stop.clone().cancelled_owned()));
    // Three in each lease of 30 seconds, for as long as a handler may take.
    for _ in 0..5 {
        assert_eq!(extensions.recv().await, Some(2));
    }
    gate.add_permits(2);
    while stored(&inbox).await[1].state != EventState::Done {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    run.await.unwrap().unwrap();
}

#[tokio::test]
async fn stopping_finishes_what_is_in_flight_within_a_bound() {
    let inbox = Arc::new(MemoryInbox::new());
    inbox.append((1..=3).map(left).collect()).await.unwrap();
    let gate = Arc::new(Semaphore::new(0));
    let (started, mut starts) = mpsc::unbounded_channel();
    let handler_gate = Arc::clone(&gate);
    let consumer = Consumer::builder(inbox.clone(), "a")
        .concurrency(2)
        .stop_timeout(Duration::from_millis(50))
        .handler(move |left: Received<TransitionLeft>| {
            let (gate, started) = (handler_gate.clone(), started.clone());
            async move {
                started.send(left.event.store_id).unwrap();
                if left.event.store_id == 1 {
                    gate.acquire().await.unwrap().forget();
                } else {
                    std::future::pending::<()>().await;
                }
                Ok::<_, io::Error>(())
            }
        });
    let stop = CancellationToken::new();
    let run = tokio::spawn(consumer.run(stop.clone().cancelled_owned()));
    starts.recv().await.unwrap();
    starts.recv().await.unwrap();
    stop.cancel();
    gate.add_permits(1);
    run.await.unwrap().unwrap();
    let stored = stored(&*inbox).await;
    assert_eq!(stored[0].state, EventState::Done);
    // It was cancelled, and its attempt does not count.
    assert_eq!(stored[1].deliveries[0].attempts, 0);
    // Nobody took another.
    assert!(stored[2].deliveries.is_empty());
}

#[tokio::test]
async fn an_inbox_that_fails_is_asked_again() {
    let inbox = Arc::new(MemoryInbox::new());
    inbox.append(vec![left(1)]).await.unwrap();
    let faulty = FaultyInbox::new(inbox.clone());
    faulty.set_broken(true);
    let consumer = Consumer::builder(faulty.clone(), "a")
        .start(StartPosition::Beginning)
        .handler(async |_: Received<TransitionLeft>| Ok::<_, io::Error>(()));
    let stop = CancellationToken::new();
    let run = tokio::spawn(consumer.run(stop.clone().cancelled_owned()));
    tokio::task::yield_now().await;
    faulty.set_broken(false);
    while stored(&*inbox).await[0].state != EventState::Done {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    run.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_can_t_work_ends_with_an_error() {
    let inbox = Arc::new(MemoryInbox::new());
    let forever = std::future::pending::<()>;
    let handler = async |_: Received<TransitionLeft>| Ok::<_, io::Error>(());
    let builder = |name: &str| Consumer::builder(inbox.clone(), name).handler(handler);
    let error =
        async |builder: ConsumerBuilder| builder.run(forever()).await.unwrap_err().to_string();
    assert_snapshot!(error(Consumer::builder(inbox.clone(), "a")).await, @r#"consumer "a": handler: no handler: add one, or a fallback"#);
    assert_snapshot!(error(builder("a b")).await, @r#"invalid consumer name "a b": expected 1 to 64 letters, digits, `-` and `_`"#);
    assert_snapshot!(error(builder("a").concurrency(0)).await, @r#"consumer "a": concurrency: 0 events at a time: allow at least 1"#);
    assert_snapshot!(error(builder("a").handler_timeout(NOW)).await, @r#"consumer "a": handler_timeout: no time to handle an event: allow more than 0"#);
    assert_snapshot!(error(builder("a").lease(NOW)).await, @r#"consumer "a": lease: too short to be renewed: allow at least 1 second"#);

    // One that is removed while it runs.
    let run = tokio::spawn(builder("a").run(forever()));
    while inbox.remove_consumer(&"a".parse().unwrap()).await.is_err() {
        tokio::task::yield_now().await;
    }
    let ended = run.await.unwrap().unwrap_err();
    assert!(matches!(
        ended,
        ConsumerError::Subscribe(SubscribeError::Removed { .. })
    ));
}

#[test]
fn a_handler_can_be_tested_without_an_inbox() {
    let event = Event::new(&TRANSITION_LEFT, documented());
    let delivery = Delivery::new(event, 2, Receipt::new("r"));
    let left: Received<TransitionLeft> = Received::decode(delivery).unwrap();
    assert_eq!((left.attempt, left.event.store_id), (2, 0));
}

/// Runs while time passes as fast as nothing else happens.
async fn run_for(consumer: ConsumerBuilder, time: Duration) {
    consumer.run(tokio::time::sleep(time)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn while_a_dependency_is_down_one_event_is_tried_at_a_time() {
    const CONCURRENCY: usize = 16;
    let inbox = Arc::new(MemoryInbox::new());
    inbox.append((0..100).map(left).collect()).await.unwrap();
    let is_up = Arc::new(AtomicBool::new(false));
    let calls = Arc::new(AtomicUsize::new(0));
    let consumer = || {
        let (is_up, calls) = (Arc::clone(&is_up), Arc::clone(&calls));
        Consumer::builder(inbox.clone(), "a")
            .concurrency(CONCURRENCY)
            .retry(attempts(1000))
            .handler(move |_: Received<TransitionLeft>| {
                calls.fetch_add(1, Ordering::SeqCst);
                let is_up = is_up.load(Ordering::SeqCst);
                async move {
                    match is_up {
                        true => Ok(()),
                        false => Err(HandlerError::unavailable("the database is down")),
                    }
                }
            })
    };
    run_for(consumer(), Duration::from_secs(600)).await;
    // Those of the first moment, then after 1, 2, 4 … 60 s, or half of it.
    let tried = calls.load(Ordering::SeqCst);
    assert!(
        (CONCURRENCY + 10..=CONCURRENCY + 30).contains(&tried),
        "{tried}"
    );
    let attempts: u32 = stored(&*inbox)
        .await
        .iter()
        .flat_map(|stored| &stored.deliveries)
        .map(|delivery| delivery.attempts)
        .sum();
    assert_eq!(
        attempts as usize, tried,
        "what was not tried lost an attempt"
    );

    is_up.store(true, Ordering::SeqCst);
    run_for(consumer(), Duration::from_secs(1)).await;
    assert_eq!(calls.load(Ordering::SeqCst), tried + 100);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_resumes_when_one_event_finds_the_dependency_up() {
    let inbox = Arc::new(MemoryInbox::new());
    inbox.append((0..100).map(left).collect()).await.unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let consumer = Consumer::builder(inbox.clone(), "a")
        .concurrency(4)
        .retry(attempts(1000))
        .handler(move |_: Received<TransitionLeft>| {
            let call = calls.fetch_add(1, Ordering::SeqCst);
            async move {
                match call {
                    0..20 => Err(HandlerError::unavailable("the database is down")),
                    _ => Ok(()),
                }
            }
        });
    run_for(consumer, Duration::from_secs(600)).await;
    assert!(
        stored(&*inbox)
            .await
            .iter()
            .all(|stored| stored.state == EventState::Done)
    );
}

#[tokio::test(start_paused = true)]
async fn a_few_events_alone_pause_no_consumer() {
    const ATTEMPTS: u32 = 20;
    let inbox = Arc::new(MemoryInbox::new());
    inbox.append((0..4).map(left).collect()).await.unwrap();
    let consumer = Consumer::builder(inbox.clone(), "a")
        .concurrency(4)
        .retry(attempts(ATTEMPTS))
        .handler(async |_: Received<TransitionLeft>| {
            Err::<(), _>(HandlerError::unavailable("it dislikes these"))
        });
    run_for(consumer, Duration::from_secs(60)).await;
    for stored in stored(&*inbox).await {
        assert_eq!(stored.state, EventState::Dead);
        assert_eq!(stored.deliveries[0].attempts, ATTEMPTS);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_asked_for_is_kept_for_every_event() {
    const PAUSE: Duration = Duration::from_secs(300);
    let inbox = Arc::new(MemoryInbox::new());
    inbox.append(vec![left(1)]).await.unwrap();
    let (sender, mut calls) = mpsc::unbounded_channel();
    let appended = Arc::clone(&inbox);
    let consumer = Consumer::builder(inbox.clone(), "a")
        .concurrency(4)
        .retry(attempts(9))
        .handler(move |left: Received<TransitionLeft>| {
            let (sender, inbox) = (sender.clone(), Arc::clone(&appended));
            async move {
                sender.send((left.event.store_id, Instant::now())).unwrap();
                if left.event.store_id != 1 {
                    return Ok(());
                }
                // The consumer waits for more, and this comes in time.
                inbox.append(vec![self::left(2)]).await.unwrap();
                Err(HandlerError::unavailable_for(PAUSE, "too many requests"))
            }
        });
    run_for(consumer, 2 * PAUSE).await;
    let mut seen = Vec::new();
    while let Ok(call) = calls.try_recv() {
        seen.push(call);
    }
    let paused = seen.iter().position(|(store, _)| *store == 1).unwrap();
    let (before, after) = seen.split_at(paused + 1);
    assert!(!after.is_empty(), "{before:?}");
    for (store, at) in after {
        assert!(*at - before[paused].1 >= PAUSE, "{store}: {seen:?}");
    }
}
