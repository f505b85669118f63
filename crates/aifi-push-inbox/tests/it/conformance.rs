//! What every inbox does: run against each kind of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aifi_push::{
    operations::{ENTRY_CODE_VERIFY, TRANSITION_ENTERED, TRANSITION_LEFT},
    types::TransitionLeft,
};
use aifi_push_inbox::{
    AdminError, Consumer, Delivery, Event, EventFilter, EventState, HandlerError, Inbox, NewEvent,
    Outcome, Receipt, Received, Retention, StartPosition, Subject, SubjectKind, SubscribeError,
    SubscribeOptions, Subscription, VisitReader,
};
use aifi_push_testkit::events::{bodies, left, numbered, stored};
use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) use crate::operators::*;
use crate::{CRASH, LEASE, name, subscribe, subscribe_with};

const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);
const NOW: Duration = Duration::ZERO;

pub(crate) async fn receive(subscription: &dyn Subscription, limit: usize) -> Vec<Delivery> {
    subscription.receive(limit, NOW).await.unwrap()
}

/// What comes within the patience of a test, which must be something.
pub(crate) async fn wait_for(subscription: &dyn Subscription, limit: usize) -> Vec<Delivery> {
    let received = subscription.receive(limit, DELIVERY_TIMEOUT).await.unwrap();
    assert!(!received.is_empty(), "nothing was delivered");
    received
}

pub(crate) async fn settle(
    subscription: &dyn Subscription,
    deliveries: &[Delivery],
    outcome: Outcome,
) {
    let outcomes = deliveries
        .iter()
        .map(|delivery| (delivery.receipt.clone(), outcome.clone()));
    let outcomes: Vec<(Receipt, Outcome)> = outcomes.collect();
    subscription.settle(outcomes).await.unwrap();
}

pub(crate) fn texts(deliveries: &[Delivery]) -> Vec<String> {
    let texts = deliveries.iter().map(|delivery| {
        let body = delivery.event.body.to_vec();
        String::from_utf8(body).unwrap()
    });
    texts.collect()
}

pub(crate) fn retry(delay: Duration) -> Outcome {
    Outcome::Retry {
        delay,
        problem: "it failed".to_owned(),
    }
}

pub(crate) fn dead() -> Outcome {
    Outcome::Dead {
        problem: "it failed again".to_owned(),
    }
}

fn quarantined(number: u32, problem: &str) -> NewEvent {
    let event = Event::new(&TRANSITION_LEFT, number.to_string());
    NewEvent::quarantined(event, problem)
}

async fn states(inbox: &dyn Inbox) -> Vec<EventState> {
    stored(inbox)
        .await
        .iter()
        .map(|stored| stored.state)
        .collect()
}

pub(crate) fn ids(events: &[NewEvent]) -> Vec<Uuid> {
    events.iter().map(|new| new.event.id).collect()
}

pub(crate) async fn keeps_every_byte_and_header_and_the_order(inbox: Arc<dyn Inbox>) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let headers = [("content-encoding", "\"a\tb\" é"), ("x", "")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let event = Event::new(&TRANSITION_LEFT, every_byte).headers(headers.into());
    let first = vec![
        NewEvent::accepted(event),
        NewEvent::accepted(Event::new(&TRANSITION_LEFT, Vec::new())),
    ];
    inbox.append(first.clone()).await.unwrap();
    inbox.append(numbered(0..3)).await.unwrap();
    let listed = stored(&*inbox).await;
    assert_eq!(listed[0].event, first[0].event);
    assert_eq!(listed[1].event, first[1].event);
    assert_eq!(bodies(&*inbox).await[2..], [b"0", b"1", b"2"]);

    let a = subscribe(&*inbox, "a").await;
    let received = receive(&*a, 10).await;
    assert_eq!(received[0].event, first[0].event);
    assert_eq!(received.len(), 5);
}

pub(crate) async fn duplicates_are_two_events(inbox: Arc<dyn Inbox>) {
    inbox.append(numbered([7, 7])).await.unwrap();
    inbox.append(numbered([7])).await.unwrap();
    let received = receive(&*subscribe(&*inbox, "a").await, 10).await;
    assert_eq!(texts(&received), ["7", "7", "7"]);
    assert_ne!(received[0].event.id, received[1].event.id);
    assert_eq!(received[0].event.digest, received[2].event.digest);
}

pub(crate) async fn appending_again_is_no_second_event(inbox: Arc<dyn Inbox>) {
    let mut events = numbered(0..3);
    events.push(quarantined(3, "no JSON"));
    inbox.append(events.clone()).await.unwrap();
    // Alone, together, and beside one that is new.
    inbox.append(events[1..2].to_vec()).await.unwrap();
    inbox.append(events.clone()).await.unwrap();
    events.extend(numbered([4]));
    inbox.append(events.clone()).await.unwrap();
    assert_eq!(bodies(&*inbox).await, [b"0", b"1", b"2", b"3", b"4"]);
    assert_eq!(inbox.stats().await.unwrap().quarantined, 1);
}

pub(crate) async fn consumers_have_places_of_their_own(inbox: Arc<dyn Inbox>) {
    inbox.append(numbered(0..4)).await.unwrap();
    let (a, b) = (subscribe(&*inbox, "a").await, subscribe(&*inbox, "b").await);
    let first = receive(&*a, 2).await;
    assert_eq!(texts(&first), ["0", "1"]);
    assert_eq!((first[0].attempt, first[0].after_crash), (1, false));
    settle(&*a, &first, Outcome::Done).await;
    assert_eq!(texts(&receive(&*b, 10).await), ["0", "1", "2", "3"]);
    // Another subscription of the name goes on where it was.
    let rest = receive(&*subscribe(&*inbox, "a").await, 10).await;
    assert_eq!(texts(&rest), ["2", "3"]);
    // What is delivered is not delivered again before its lease ends.
    assert_eq!(texts(&receive(&*a, 10).await), [""; 0]);
}

pub(crate) async fn a_new_consumer_starts_at_its_position(inbox: Arc<dyn Inbox>) {
    let early = numbered(0..2);
    inbox.append(early.clone()).await.unwrap();
    let start = |start| SubscribeOptions {
        start,
        ..SubscribeOptions::default()
    };
    let all = inbox
        .subscribe(&name("all"), start(StartPosition::Beginning))
        .await
        .unwrap();
    assert_eq!((all.is_new, all.pending), (true, 2));
    let now = inbox
        .subscribe(&name("now"), start(StartPosition::Now))
        .await
        .unwrap();
    assert_eq!((now.is_new, now.pending), (true, 0));
    let at = start(StartPosition::At(early[0].event.received_at));
    let at = inbox.subscribe(&name("at"), at).await.unwrap();
    assert_eq!((at.is_new, at.pending), (true, 2));
    let future = start(StartPosition::At(Utc::now() + TimeDelta::hours(1)));
    let future = inbox.subscribe(&name("future"), future).await.unwrap();
    assert_eq!((future.is_new, future.pending), (true, 0));

    inbox.append(numbered(2..4)).await.unwrap();
    assert_eq!(texts(&receive(&*now.subscription, 9).await), ["2", "3"]);
    let received = texts(&receive(&*at.subscription, 9).await);
    assert_eq!(received, ["0", "1", "2", "3"]);
    // One that exists goes on where it was.
    let again = inbox
        .subscribe(&name("all"), start(StartPosition::Now))
        .await
        .unwrap();
    assert_eq!((again.is_new, again.pending), (false, 4));
}

pub(crate) async fn a_receiver_that_waits_gets_what_arrives(inbox: Arc<dyn Inbox>) {
    let a = subscribe(&*inbox, "a").await;
    let (received, ()) = tokio::join!(wait_for(&*a, 10), async {
        inbox.append(numbered([1])).await.unwrap();
    });
    assert_eq!(texts(&received), ["1"]);
    assert!(receive(&*a, 10).await.is_empty());
}

pub(crate) async fn what_is_not_settled_comes_alone(inbox: Arc<dyn Inbox>) {
    inbox.append(numbered(0..3)).await.unwrap();
    let crashed = subscribe_with(&*inbox, "a", CRASH).await;
    let lost = receive(&*crashed, 10).await;
    assert_eq!(lost.len(), 3);
    inbox.append(numbered([3])).await.unwrap();
    let a = subscribe(&*inbox, "a").await;
    let mut seen = Vec::new();
    let mut late = true;
    while seen.len() < 4 {
        let received = wait_for(&*a, 10).await;
        if received[0].after_crash {
            assert_eq!((received.len(), received[0].attempt), (1, 2));
        }
        if late && received[0].after_crash {
            // A late outcome of the first delivery does not count.
            let id = received[0].event.id;
            let first = lost.iter().find(|delivery| delivery.event.id == id);
            settle(&*crashed, &[first.unwrap().clone()], dead()).await;
            assert!(!states(&*inbox).await.contains(&EventState::Dead));
            late = false;
        }
        settle(&*a, &received, Outcome::Done).await;
        seen.extend(texts(&received));
    }
    seen.sort();
    assert_eq!(seen, ["0", "1", "2", "3"]);
    assert!(!late);
    assert!(receive(&*a, 10).await.is_empty());
    assert_eq!(states(&*inbox).await, [EventState::Done; 4]);
}

pub(crate) async fn each_crash_counts_as_an_attempt(inbox: Arc<dyn Inbox>) {
    inbox.append(numbered([1])).await.unwrap();
    let crashed = subscribe_with(&*inbox, "a", CRASH).await;
    for attempt in 1..4 {
        let received = wait_for(&*crashed, 10).await;
        assert_eq!(received[0].attempt, attempt);
        assert_eq!(received[0].after_crash, attempt > 1);
    }
    let received = wait_for(&*subscribe(&*inbox, "a").await, 10).await;
    assert_eq!((received[0].attempt, received[0].after_crash), (4, true));
}

pub(crate) async fn a_lease_that_is_extended_does_not_end(inbox: Arc<dyn Inbox>) {
    inbox.append(numbered(0..2)).await.unwrap();
    let a = subscribe(&*inbox, "a").await;
    let received = receive(&*a, 1).await;
    settle(&*a, &received, retry(NOW)).await;
    // One of each kind: a first delivery, and a retry.
    let mut received = wait_for(&*a, 1).await;
    received.extend(wait_for(&*a, 1).await);
    let receipts = received.iter().map(|delivery| delivery.receipt.clone());
    a.extend(receipts.collect()).await.unwrap();
    assert!(receive(&*a, 9).await.is_empty());
    // The receipts still count.
    settle(&*a, &received, Outcome::Done).await;
    assert_eq!(states(&*inbox).await, [EventState::Done; 2]);
}

pub(crate) async fn what_failed_comes_again_and_holds_up_nothing(inbox: Arc<dyn Inbox>) {
    inbox.append(numbered(0..2)).await.unwrap();
    let a = subscribe(&*inbox, "a").await;
    let first = receive(&*a, 1).await;
    settle(&*a, &first, retry(LEASE)).await;
    let second = receive(&*a, 10).await;
    assert_eq!(texts(&second), ["1"]);
    settle(&*a, &second, retry(NOW)).await;
    let again = wait_for(&*a, 10).await;
    assert_eq!((texts(&again), again[0].attempt), (vec!["1".to_owned()], 2));
    assert!(!again[0].after_crash);
    settle(&*a, &again, Outcome::Released).await;
    let released = wait_for(&*a, 10).await;
    assert_eq!((released[0].attempt, released[0].after_crash), (2, false));

    let entry = &stored(&*inbox).await[0];
    assert_eq!(entry.state, EventState::Pending);
    assert_eq!(entry.deliveries[0].attempts, 1);
    assert_eq!(entry.deliveries[0].problem.as_deref(), Some("it failed"));
}

pub(crate) async fn retries_and_new_events_take_turns(inbox: Arc<dyn Inbox>) {
    inbox.append(numbered(0..10)).await.unwrap();
    let a = subscribe(&*inbox, "a").await;
    let failed = receive(&*a, 10).await;
    settle(&*a, &failed, retry(NOW)).await;
    inbox.append(numbered(10..20)).await.unwrap();
    // At most half of a batch are retries.
    let mixed = wait_for(&*a, 6).await;
    let fresh = mixed.iter().filter(|delivery| delivery.attempt == 1);
    assert_eq!((mixed.len(), fresh.count()), (6, 3));
    // One by one, none of both waits for all of the other.
    let mut attempts = Vec::new();
    for _ in 0..6 {
        attempts.push(wait_for(&*a, 1).await[0].attempt);
    }
    attempts.sort_unstable();
    assert_eq!(attempts, [1, 1, 1, 2, 2, 2]);
}

pub(crate) async fn dead_letters_wait_until_they_are_requeued(inbox: Arc<dyn Inbox>) {
    let events = numbered(0..2);
    inbox.append(events.clone()).await.unwrap();
    let a = subscribe(&*inbox, "a").await;
    let received = receive(&*a, 10).await;
    settle(&*a, &received[..1], dead()).await;
    settle(&*a, &received[1..], Outcome::Done).await;
    assert!(receive(&*a, 10).await.is_empty());
    assert_eq!(states(&*inbox).await, [EventState::Dead, EventState::Done]);
    let filter = EventFilter {
        state: Some(EventState::Dead),
        ..EventFilter::default()
    };
    let listed = inbox.list(&filter, None, 9).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].event, received[0].event);
    assert!(listed[0].deliveries[0].is_dead);
    let stats = inbox.stats().await.unwrap();
    assert_eq!(
        (stats.consumers[0].dead, stats.consumers[0].pending),
        (1, 0)
    );

    // An event that is done, and one that does not exist, are left as they are.
    let mut asked = ids(&events);
    asked.push(Uuid::nil());
    assert_eq!(inbox.requeue(asked.clone()).await.unwrap(), 1);
    assert_eq!(inbox.requeue(asked).await.unwrap(), 0);
    let again = wait_for(&*a, 10).await;
    assert_eq!(again[0].event, received[0].event);
    assert_eq!((again.len(), again[0].attempt), (1, 1));
}

pub(crate) async fn all_dead_letters_are_requeued_together(inbox: Arc<dyn Inbox>) {
    inbox.append(numbered(0..5)).await.unwrap();
    inbox.append(vec![quarantined(5, "no JSON")]).await.unwrap();
    let (a, b) = (subscribe(&*inbox, "a").await, subscribe(&*inbox, "b").await);
    let received = receive(&*a, 10).await;
    settle(&*a, &received[..3], dead()).await;
    settle(&*a, &received[3..], Outcome::Done).await;
    // One that is dead for both counts once.
    let received = receive(&*b, 10).await;
    settle(&*b, &received[2..4], dead()).await;
    assert_eq!(inbox.requeue_dead_letters().await.unwrap(), 4);
    assert_eq!(inbox.requeue_dead_letters().await.unwrap(), 0);
    let stats = inbox.stats().await.unwrap();
    let dead: Vec<_> = stats
        .consumers
        .iter()
        .map(|consumer| consumer.dead)
        .collect();
    assert_eq!((dead, stats.quarantined), (vec![0, 0], 1));
    let again = wait_for(&*a, 10).await;
    assert!(again.iter().all(|delivery| delivery.attempt == 1));
}

pub(crate) async fn what_is_done_can_be_replayed_later(inbox: Arc<dyn Inbox>) {
    inbox.append(numbered(0..3)).await.unwrap();
    let a = subscribe(&*inbox, "a").await;
    let received = receive(&*a, 10).await;
    settle(&*a, &received[..2], Outcome::Done).await;
    settle(&*a, &received[2..], dead()).await;
    let replay = vec![
        (received[1].event.id, Utc::now()),
        (received[0].event.id, Utc::now() + TimeDelta::hours(1)),
        (received[2].event.id, Utc::now()),
    ];
    assert_eq!(inbox.replay(&name("a"), replay.clone()).await.unwrap(), 3);
    // They wait already.
    assert_eq!(inbox.replay(&name("a"), replay).await.unwrap(), 0);
    let mut again = wait_for(&*a, 10).await;
    if again.len() < 2 {
        again.extend(wait_for(&*a, 10).await);
    }
    let mut replayed = texts(&again);
    replayed.sort();
    assert_eq!(replayed, ["1", "2"]);
    assert!(again.iter().all(|delivery| delivery.attempt == 1));
    // Nobody of that name has received anything.
    let stranger = vec![(received[0].event.id, Utc::now())];
    assert_eq!(inbox.replay(&name("b"), stranger).await.unwrap(), 0);
}

pub(crate) async fn quarantined_events_wait_until_they_are_requeued(inbox: Arc<dyn Inbox>) {
    let problem = format!("`é`: {}", "no JSON ".repeat(1000));
    let events = vec![
        numbered([0]).remove(0),
        quarantined(1, &problem),
        quarantined(2, "no JSON"),
        numbered([3]).remove(0),
    ];
    inbox.append(events.clone()).await.unwrap();
    let a = subscribe(&*inbox, "a").await;
    let received = receive(&*a, 10).await;
    assert_eq!(texts(&received), ["0", "3"]);
    settle(&*a, &received, Outcome::Done).await;
    let listed = stored(&*inbox).await;
    assert_eq!(listed[1].state, EventState::Quarantined);
    assert_eq!(listed[1].event, events[1].event);
    let reported = listed[1].problem.as_deref().unwrap();
    assert!(problem.starts_with(reported) && reported.starts_with("`é`: no JSON"));
    assert_eq!(listed[2].problem.as_deref(), Some("no JSON"));

    // Neither replay nor an append of the same makes it deliverable.
    let replay = vec![(events[1].event.id, Utc::now())];
    assert_eq!(inbox.replay(&name("a"), replay).await.unwrap(), 0);
    assert_eq!(inbox.requeue(vec![events[1].event.id]).await.unwrap(), 1);
    // To those that were past it, and to those that come later.
    assert_eq!(texts(&wait_for(&*a, 10).await), ["1"]);
    let mut others = texts(&receive(&*subscribe(&*inbox, "b").await, 10).await);
    others.sort();
    assert_eq!(others, ["0", "1", "3"]);
    assert_eq!(inbox.stats().await.unwrap().quarantined, 1);
}

pub(crate) async fn discarded_events_are_gone(inbox: Arc<dyn Inbox>) {
    let mut events = numbered(0..4);
    events.push(quarantined(4, "no JSON"));
    inbox.append(events.clone()).await.unwrap();
    let a = subscribe(&*inbox, "a").await;
    let received = receive(&*a, 3).await;
    settle(&*a, &received[..1], retry(NOW)).await;
    settle(&*a, &received[1..2], dead()).await;
    for id in ids(&events) {
        inbox.discard(id).await.unwrap();
        let again = inbox.discard(id).await;
        assert!(matches!(again, Err(AdminError::NoSuchEvent { .. })));
    }
    assert!(receive(&*a, 10).await.is_empty());
    // The outcome of one in flight comes too late.
    settle(&*a, &received[2..], dead()).await;
    let stats = inbox.stats().await.unwrap();
    assert_eq!((stats.events, stats.quarantined), (0, 0));
    assert_eq!(
        (stats.consumers[0].dead, stats.consumers[0].pending),
        (0, 0)
    );
}

pub(crate) async fn removed_consumers_are_gone(inbox: Arc<dyn Inbox>) {
    inbox.append(numbered(0..3)).await.unwrap();
    let a = subscribe(&*inbox, "a").await;
    let received = receive(&*a, 2).await;
    settle(&*a, &received[..1], dead()).await;
    settle(&*a, &received[1..], retry(LEASE)).await;
    inbox.remove_consumer(&name("a")).await.unwrap();
    let again = inbox.remove_consumer(&name("a")).await;
    assert!(matches!(again, Err(AdminError::NoSuchConsumer { .. })));
    assert!(inbox.stats().await.unwrap().consumers.is_empty());
    assert_eq!(states(&*inbox).await, [EventState::Pending; 3]);
    let refused = a.receive(10, NOW).await.unwrap_err();
    assert!(
        matches!(refused, SubscribeError::Removed { .. }),
        "{refused}"
    );
    assert!(refused.is_permanent());
    // A new one of the name begins anew.
    let again = subscribe(&*inbox, "a").await;
    assert_eq!(texts(&receive(&*again, 10).await), ["0", "1", "2"]);
}

pub(crate) async fn lists_what_arrives_from_now_on(inbox: Arc<dyn Inbox>) {
    let list = async |after| {
        let found = inbox
            .list(&EventFilter::default(), after, 10)
            .await
            .unwrap();
        found
            .into_iter()
            .map(|stored| stored.event.body)
            .collect::<Vec<_>>()
    };
    let before_all = inbox.newest().await.unwrap();
    inbox.append(numbered(0..2)).await.unwrap();
    inbox.append(vec![quarantined(2, "no JSON")]).await.unwrap();
    let now = inbox.newest().await.unwrap();
    assert!(now > before_all);
    assert!(list(now).await.is_empty());
    // An event that its clock places before the others arrives all the same.
    let early = Event::from_parts(
        Uuid::now_v7(),
        DateTime::UNIX_EPOCH,
        TRANSITION_LEFT.id,
        "3",
    );
    inbox.append(vec![NewEvent::accepted(early)]).await.unwrap();
    assert_eq!(list(now).await, ["3"]);
    assert_eq!(list(before_all).await.len(), 4);
}

pub(crate) async fn lists_by_filter_and_page(inbox: Arc<dyn Inbox>) {
    let mut events = numbered(0..5);
    events[3] = quarantined(3, "no JSON");
    inbox.append(events.clone()).await.unwrap();
    let list = async |filter: EventFilter, limit| {
        let listed = inbox.list(&filter, None, limit).await.unwrap();
        let ids = listed.into_iter().map(|stored| stored.event.id);
        ids.collect::<Vec<_>>()
    };
    let ids = ids(&events);
    let by_id = |id| EventFilter {
        id: Some(id),
        ..EventFilter::default()
    };
    assert_eq!(list(by_id(ids[2]), 9).await, ids[2..3]);
    assert_eq!(list(by_id(ids[3]), 9).await, ids[3..4]);
    let quarantined = EventFilter {
        state: Some(EventState::Quarantined),
        ..EventFilter::default()
    };
    assert_eq!(list(quarantined, 9).await, ids[3..4]);
    let other = EventFilter {
        operation: Some("transition_entered".to_owned()),
        ..EventFilter::default()
    };
    assert!(list(other, 9).await.is_empty());
    let before = EventFilter {
        until: Some(events[0].event.received_at),
        ..EventFilter::default()
    };
    assert!(list(before, 9).await.is_empty());
    let since = EventFilter {
        since: Some(events[0].event.received_at),
        ..EventFilter::default()
    };
    assert_eq!(list(since.clone(), 2).await, ids[..2]);

    let without_bodies = EventFilter {
        without_bodies: true,
        ..EventFilter::default()
    };
    assert_eq!(list(without_bodies, 9).await, ids);

    let first = inbox.list(&since, None, 2).await.unwrap();
    let after = Some(first[1].position);
    let rest = inbox.list(&since, after, 9).await.unwrap();
    assert_eq!(rest[0].event, events[2].event);
    assert_eq!(rest.len(), 3);
}

pub(crate) async fn prunes_what_everybody_acknowledged(inbox: Arc<dyn Inbox>) {
    let mut events = numbered(0..5);
    events[4] = quarantined(4, "no JSON");
    inbox.append(events).await.unwrap();
    let everything = Retention {
        before: Some(Utc::now() + TimeDelta::hours(1)),
        ..Retention::default()
    };
    // There is no consumer: nobody has received anything.
    assert_eq!(inbox.prune(&everything).await.unwrap().events, 0);

    let a = subscribe(&*inbox, "a").await;
    let received = receive(&*a, 10).await;
    settle(&*a, &received[..2], Outcome::Done).await;
    settle(&*a, &received[2..3], dead()).await;
    let dry = Retention {
        dry_run: true,
        ..everything.clone()
    };
    assert_eq!(inbox.prune(&dry).await.unwrap().events, 2);
    // Each takes at least a byte.
    let by_size = Retention {
        max_bytes: Some(inbox.stats().await.unwrap().bytes - 1),
        ..Retention::default()
    };
    let pruned = inbox.prune(&by_size).await.unwrap();
    assert_eq!(pruned.events, 1);
    assert!(pruned.bytes >= 1);
    assert_eq!(inbox.prune(&everything).await.unwrap().events, 1);
    assert_eq!(bodies(&*inbox).await, [b"2", b"3", b"4"]);

    // A second consumer has yet to receive all that is left.
    receive(&*subscribe(&*inbox, "b").await, 1).await;
    assert_eq!(inbox.prune(&everything).await.unwrap().events, 0);
    let all = Retention {
        include_unconsumed: true,
        ..everything
    };
    assert_eq!(inbox.prune(&all).await.unwrap().events, 3);
    assert_eq!(inbox.stats().await.unwrap().events, 0);
}

pub(crate) async fn dead_letters_outlast_pruning(inbox: Arc<dyn Inbox>) {
    let mut events = numbered(0..4);
    // One that stays in the stream, before those that go.
    events[0] = quarantined(0, "no JSON");
    inbox.append(events.clone()).await.unwrap();
    let a = subscribe(&*inbox, "a").await;
    let received = receive(&*a, 10).await;
    settle(&*a, &received[..1], dead()).await;
    settle(&*a, &received[1..], Outcome::Done).await;
    let everything = Retention {
        before: Some(Utc::now() + TimeDelta::hours(1)),
        ..Retention::default()
    };
    inbox.prune(&everything).await.unwrap();
    assert_eq!(
        states(&*inbox).await,
        [EventState::Quarantined, EventState::Dead]
    );
    let all = EventFilter::default();
    let newest = inbox.list_newest(&all, None, 9).await.unwrap();
    let states: Vec<_> = newest.iter().map(|stored| stored.state).collect();
    assert_eq!(states, [EventState::Dead, EventState::Quarantined]);
    let before = Some(newest[0].position);
    assert_eq!(inbox.list_newest(&all, before, 9).await.unwrap().len(), 1);
    assert_eq!(inbox.stats().await.unwrap().events, 2);
    assert_eq!(inbox.requeue(ids(&events[1..2])).await.unwrap(), 1);
    assert_eq!(texts(&wait_for(&*a, 10).await), ["1"]);
}

pub(crate) async fn counts_what_there_is(inbox: Arc<dyn Inbox>) {
    let mut events = numbered(0..3);
    events[2] = quarantined(2, "no JSON");
    inbox.append(events.clone()).await.unwrap();
    receive(&*subscribe(&*inbox, "a").await, 1).await;
    inbox.probe().await.unwrap();
    let stats = inbox.stats().await.unwrap();
    assert_eq!((stats.events, stats.quarantined), (3, 1));
    assert!(stats.bytes >= 3);
    let oldest = Some(events[0].event.received_at);
    assert_eq!(stats.oldest, oldest);
    let consumer = &stats.consumers[0];
    assert_eq!((consumer.name.as_str(), consumer.pending), ("a", 2));
    assert_eq!(consumer.oldest_pending, oldest);
}

pub(crate) async fn one_that_hangs_holds_up_no_other(inbox: Arc<dyn Inbox>) {
    const EVENTS: usize = 100;
    let events = (0..).take(EVENTS).map(left);
    inbox.append(events.collect()).await.unwrap();
    let stop = CancellationToken::new();
    let (all_others, handled) = (stop.clone(), Arc::new(AtomicUsize::new(0)));
    let consumer = Consumer::builder(inbox, "a")
        .concurrency(2)
        .stop_timeout(NOW)
        .handler(move |left: Received<TransitionLeft>| {
            let (stop, handled) = (all_others.clone(), Arc::clone(&handled));
            async move {
                if left.event.store_id == 0 {
                    std::future::pending::<()>().await;
                }
                if handled.fetch_add(1, Ordering::SeqCst) + 2 == EVENTS {
                    stop.cancel();
                }
                Ok::<_, HandlerError>(())
            }
        });
    consumer.run(stop.cancelled_owned()).await.unwrap();
}

fn about(kind: SubjectKind, value: &str) -> EventFilter {
    EventFilter {
        subjects: vec![Subject::new(kind, value)],
        ..EventFilter::default()
    }
}

fn with_body(body: &str) -> Event {
    Event::new(&TRANSITION_LEFT, body.to_owned())
}

pub(crate) async fn finds_by_whom_it_is_about(inbox: Arc<dyn Inbox>) {
    use SubjectKind::{Customer, Session, Shopper, Store};
    let list = r#"[{"data": {"customer": {"id": "c1"}, "storeId": 7.0}}]"#;
    let events = [
        NewEvent::accepted(with_body(
            r#"{"sessionId": "s1", "customer": {"id": "c1", "externalId": "x 1"}, "storeId": 7}"#,
        )),
        NewEvent::accepted(with_body(
            r#"{"session": {"id": 12, "customerId": 34}, "shopperId": "c1", "storeId": 70}"#,
        )),
        // Quarantined, but JSON: wrapped, and with a number as some write it.
        NewEvent::quarantined(with_body(&format!("\u{feff}{list}")), "a list"),
        // Cut off.
        NewEvent::quarantined(
            with_body(r#"{"customer": {"id": "c1"}, "storeId": 7"#),
            "cut",
        ),
        NewEvent::quarantined(with_body(r#"{"customer": {"id": "c12"}, "storeId"#), "cut"),
    ];
    inbox.append(events.to_vec()).await.unwrap();
    let find = async |filter: EventFilter| {
        let found = inbox.list(&filter, None, 99).await.unwrap();
        let place = |id| events.iter().position(|new| new.event.id == id).unwrap();
        let places = found.iter().map(|stored| place(stored.event.id));
        let mut places: Vec<_> = places.collect();
        places.sort_unstable();
        places
    };
    assert_eq!(find(about(Customer, "c1")).await, [0, 2, 3]);
    assert_eq!(find(about(Customer, "x 1")).await, [0]);
    assert_eq!(find(about(Customer, "34")).await, [1]);
    assert_eq!(find(about(Session, "s1")).await, [0]);
    assert_eq!(find(about(Session, "12")).await, [1]);
    assert_eq!(find(about(Shopper, "c1")).await, [1, 3]);
    assert_eq!(find(about(Store, "7")).await, [0, 2, 3]);
    assert!(find(about(Customer, "c")).await.is_empty());
    // All of them, and whatever else the filter says.
    let mut both = about(Store, "7");
    both.subjects.push(Subject::new(Customer, "c1"));
    both.state = Some(EventState::Quarantined);
    assert_eq!(find(both.clone()).await, [2, 3]);
    both.id = Some(events[3].event.id);
    assert_eq!(find(both).await, [3]);
    // Page by page.
    let store = about(Store, "7");
    let first = inbox.list(&store, None, 1).await.unwrap();
    let rest = inbox.list(&store, Some(first[0].position), 9).await;
    assert_eq!(rest.unwrap().len(), 2);
}

pub(crate) async fn groups_events_into_visits(inbox: Arc<dyn Inbox>) {
    // More than one page of them, which overlap.
    let sessions = 150;
    let entered = (0..sessions).map(|it| (it, &TRANSITION_ENTERED));
    let left = (0..sessions).map(|it| (it, &TRANSITION_LEFT));
    let events = entered.chain(left).map(|(session, operation)| {
        let store = session % 3;
        let body = format!(r#"{{"sessionId": "s{session}", "storeId": {store}}}"#);
        NewEvent::accepted(Event::new(operation, body))
    });
    let verify = r#"{"storeId": 0, "customer": {"id": "c"}}"#;
    let verify = NewEvent::accepted(Event::new(&ENTRY_CODE_VERIFY, verify));
    let events: Vec<_> = events.chain([verify]).collect();
    inbox.append(events.clone()).await.unwrap();
    let find = async |filter: EventFilter| {
        let mut reader = VisitReader::new(&*inbox, filter);
        let mut sessions = Vec::new();
        while let Some(visit) = reader.next().await.unwrap() {
            let ids = visit.events.iter().map(|event| event.id);
            sessions.push((visit.session, ids.collect::<Vec<_>>()));
        }
        (sessions, reader.without_session().values().sum::<u64>())
    };
    let (all, without_session) = find(EventFilter::default()).await;
    assert_eq!((all.len(), without_session), (sessions, 1));
    for (number, (session, ids)) in all.iter().enumerate() {
        assert_eq!(*session, format!("s{number}"));
        let expected = [number, sessions + number].map(|it| events[it].event.id);
        assert_eq!(*ids, expected);
    }
    let (of_store, without_session) = find(about(SubjectKind::Store, "0")).await;
    assert_eq!((of_store.len(), without_session), (sessions / 3, 1));
    assert_eq!(
        find(about(SubjectKind::Session, "s7")).await,
        (vec![all[7].clone()], 0)
    );
    let later = EventFilter {
        since: Some(Utc::now() + TimeDelta::hours(1)),
        ..EventFilter::default()
    };
    assert_eq!(find(later).await, (Vec::new(), 0));
}

pub(crate) async fn erased_events_are_gone(inbox: Arc<dyn Inbox>) {
    let mut events = numbered(0..5);
    events.push(quarantined(5, "no JSON"));
    inbox.append(events.clone()).await.unwrap();
    let a = subscribe(&*inbox, "a").await;
    let received = receive(&*a, 3).await;
    settle(&*a, &received[..1], retry(NOW)).await;
    settle(&*a, &received[1..2], dead()).await;
    let mut ids = ids(&events);
    let kept = ids.remove(4);
    ids.push(Uuid::nil());
    assert_eq!(inbox.erase(ids.clone()).await.unwrap(), 5);
    assert_eq!(inbox.erase(ids).await.unwrap(), 0);
    assert_eq!(texts(&wait_for(&*a, 10).await), ["4"]);
    let left = stored(&*inbox).await;
    assert_eq!((left.len(), left[0].event.id), (1, kept));
    let stats = inbox.stats().await.unwrap();
    assert_eq!((stats.events, stats.quarantined), (1, 0));
    let consumer = &stats.consumers[0];
    assert_eq!((consumer.dead, consumer.pending), (0, 1));
}

/// Runs the suite against the inboxes that `$new` creates: an inbox, and what keeps it alive.
macro_rules! conformance {
    ($new:path) => {
        crate::conformance::conformance!($new;
            keeps_every_byte_and_header_and_the_order
            duplicates_are_two_events
            appending_again_is_no_second_event
            consumers_have_places_of_their_own
            a_new_consumer_starts_at_its_position
            a_receiver_that_waits_gets_what_arrives
            what_is_not_settled_comes_alone
            each_crash_counts_as_an_attempt
            a_lease_that_is_extended_does_not_end
            what_failed_comes_again_and_holds_up_nothing
            retries_and_new_events_take_turns
            dead_letters_wait_until_they_are_requeued
            all_dead_letters_are_requeued_together
            what_is_done_can_be_replayed_later
            quarantined_events_wait_until_they_are_requeued
            discarded_events_are_gone
            removed_consumers_are_gone
            lists_by_filter_and_page
            lists_what_arrives_from_now_on
            prunes_what_everybody_acknowledged
            dead_letters_outlast_pruning
            counts_what_there_is
            finds_by_whom_it_is_about
            groups_events_into_visits
            erased_events_are_gone
            one_that_hangs_holds_up_no_other
            lists_the_newest_first
            a_paused_consumer_receives_nothing
            remembers_what_operators_did
            replays_what_arrived_since
            groups_problems_by_cause
            gives_up_dead_letters_of_one_consumer
            discards_what_is_still_quarantined
        );
    };
    ($new:path; $($test:ident)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                let (inbox, _alive) = $new().await;
                crate::conformance::$test(inbox).await;
            }
        )*
    };
}
pub(crate) use conformance;
