//! What every inbox does: run against each kind of it.

use std::{sync::Arc, time::Duration};

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_receiver::{
    Delivery, Error, Event, Filter, Inbox, Outcome, Receipt, Retention, State,
};
use chrono::{TimeDelta, Utc};
use uuid::Uuid;

use crate::{all, bodies, events};

const LEASE: Duration = Duration::from_secs(600);
const SOON: Duration = Duration::from_secs(30);
const AT_ONCE: Duration = Duration::ZERO;

async fn take(inbox: &dyn Inbox, consumer: &str, limit: usize) -> Vec<Delivery> {
    inbox.take(consumer, limit, LEASE, AT_ONCE).await.unwrap()
}

async fn settle(inbox: &dyn Inbox, consumer: &str, deliveries: &[Delivery], outcome: Outcome) {
    let outcomes = deliveries
        .iter()
        .map(|delivery| (delivery.receipt.clone(), outcome.clone()));
    let outcomes: Vec<(Receipt, Outcome)> = outcomes.collect();
    inbox.settle(consumer, outcomes).await.unwrap();
}

fn texts(deliveries: &[Delivery]) -> Vec<String> {
    let texts = deliveries.iter().map(|delivery| {
        let body = delivery.event.body.to_vec();
        String::from_utf8(body).unwrap()
    });
    texts.collect()
}

fn retry(delay: Duration) -> Outcome {
    Outcome::Retry {
        delay,
        problem: "it failed".to_owned(),
    }
}

fn dead() -> Outcome {
    Outcome::Dead {
        problem: "it failed again".to_owned(),
    }
}

async fn states(inbox: &dyn Inbox) -> Vec<State> {
    all(inbox).await.iter().map(|entry| entry.state).collect()
}

pub(crate) async fn keeps_every_byte_and_the_order(inbox: Arc<dyn Inbox>) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let stored = vec![
        Event::arrived(&TRANSITION_LEFT, every_byte),
        Event::arrived(&TRANSITION_LEFT, Vec::new()),
    ];
    inbox.append(stored.clone()).await.unwrap();
    inbox.append(events(0..3)).await.unwrap();
    let listed = all(&*inbox).await;
    let first_two: Vec<_> = listed[..2]
        .iter()
        .map(|entry| entry.event.clone())
        .collect();
    assert_eq!(first_two, stored);
    assert_eq!(bodies(&*inbox).await[2..], [b"0", b"1", b"2"]);

    let taken = take(&*inbox, "a", 10).await;
    assert_eq!(taken[0].event, stored[0]);
    assert_eq!(taken.len(), 5);
}

pub(crate) async fn twins_are_two_events(inbox: Arc<dyn Inbox>) {
    inbox.append(events([7, 7])).await.unwrap();
    inbox.append(events([7])).await.unwrap();
    let taken = take(&*inbox, "a", 10).await;
    assert_eq!(texts(&taken), ["7", "7", "7"]);
    assert_ne!(taken[0].event.id, taken[1].event.id);
    assert_eq!(taken[0].event.digest, taken[2].event.digest);
}

pub(crate) async fn consumers_have_places_of_their_own(inbox: Arc<dyn Inbox>) {
    inbox.append(events(0..4)).await.unwrap();
    let first = take(&*inbox, "a", 2).await;
    assert_eq!(texts(&first), ["0", "1"]);
    assert_eq!(first[0].attempt, 1);
    settle(&*inbox, "a", &first, Outcome::Done).await;
    assert_eq!(texts(&take(&*inbox, "b", 10).await), ["0", "1", "2", "3"]);
    assert_eq!(texts(&take(&*inbox, "a", 10).await), ["2", "3"]);
    // What is handed out is not handed out again before its lease is over.
    assert_eq!(texts(&take(&*inbox, "a", 10).await), [""; 0]);
}

pub(crate) async fn a_taker_that_waits_gets_what_arrives(inbox: Arc<dyn Inbox>) {
    let waiting = {
        let inbox = Arc::clone(&inbox);
        tokio::spawn(async move { inbox.take("a", 10, LEASE, SOON).await })
    };
    inbox.append(events([1])).await.unwrap();
    assert_eq!(texts(&waiting.await.unwrap().unwrap()), ["1"]);
    assert!(take(&*inbox, "a", 10).await.is_empty());
}

pub(crate) async fn what_is_not_settled_comes_again_alone(inbox: Arc<dyn Inbox>) {
    inbox.append(events(0..3)).await.unwrap();
    // As if the process crashed: the lease is over at once, and nobody settles.
    let crashed = inbox.take("a", 10, AT_ONCE, AT_ONCE).await.unwrap();
    assert_eq!(crashed.len(), 3);
    let again = inbox.take("a", 10, LEASE, SOON).await.unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].attempt, 2);

    // A late word of the first hand-out does not count.
    let late = crashed
        .iter()
        .find(|delivery| delivery.event.id == again[0].event.id);
    settle(&*inbox, "a", &[late.unwrap().clone()], dead()).await;
    assert!(!states(&*inbox).await.contains(&State::Dead));
    settle(&*inbox, "a", &again, Outcome::Done).await;
    assert_eq!(inbox.take("a", 10, LEASE, SOON).await.unwrap().len(), 1);
    assert_eq!(inbox.take("a", 10, LEASE, SOON).await.unwrap().len(), 1);
    assert!(take(&*inbox, "a", 10).await.is_empty());
}

pub(crate) async fn what_failed_comes_again_and_holds_up_nothing(inbox: Arc<dyn Inbox>) {
    inbox.append(events(0..2)).await.unwrap();
    let first = take(&*inbox, "a", 1).await;
    settle(&*inbox, "a", &first, retry(LEASE)).await;
    let second = take(&*inbox, "a", 10).await;
    assert_eq!(texts(&second), ["1"]);
    settle(&*inbox, "a", &second, retry(AT_ONCE)).await;
    let again = inbox.take("a", 10, LEASE, SOON).await.unwrap();
    assert_eq!((texts(&again), again[0].attempt), (vec!["1".to_owned()], 2));
    settle(&*inbox, "a", &again, Outcome::Untouched).await;
    let untouched = inbox.take("a", 10, LEASE, SOON).await.unwrap();
    assert_eq!(untouched[0].attempt, 2);

    let entry = &all(&*inbox).await[0];
    assert_eq!(entry.state, State::Pending);
    assert_eq!(entry.deliveries[0].attempts, 1);
    assert_eq!(entry.deliveries[0].problem.as_deref(), Some("it failed"));
}

pub(crate) async fn dead_letters_wait_until_they_are_asked_for(inbox: Arc<dyn Inbox>) {
    inbox.append(events(0..2)).await.unwrap();
    let taken = take(&*inbox, "a", 10).await;
    settle(&*inbox, "a", &taken[..1], dead()).await;
    settle(&*inbox, "a", &taken[1..], Outcome::Done).await;
    assert!(take(&*inbox, "a", 10).await.is_empty());
    assert_eq!(states(&*inbox).await, [State::Dead, State::Done]);
    let filter = Filter {
        state: Some(State::Dead),
        ..Filter::default()
    };
    let listed = inbox.list(&filter, None, 9).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].event, taken[0].event);
    let stats = inbox.stats().await.unwrap();
    assert_eq!(
        (stats.consumers[0].dead, stats.consumers[0].pending),
        (1, 0)
    );

    let again = vec![(taken[0].event.id, Utc::now())];
    assert_eq!(inbox.redeliver("a", again.clone()).await.unwrap(), 1);
    // It waits already.
    assert_eq!(inbox.redeliver("a", again).await.unwrap(), 0);
    let retaken = take(&*inbox, "a", 10).await;
    assert_eq!(retaken[0].event, taken[0].event);
    assert_eq!(retaken[0].attempt, 1);
}

pub(crate) async fn what_is_done_can_be_replayed_later(inbox: Arc<dyn Inbox>) {
    inbox.append(events(0..2)).await.unwrap();
    let taken = take(&*inbox, "a", 10).await;
    settle(&*inbox, "a", &taken, Outcome::Done).await;
    let replay = vec![
        (taken[1].event.id, Utc::now()),
        (taken[0].event.id, Utc::now() + TimeDelta::hours(1)),
    ];
    assert_eq!(inbox.redeliver("a", replay).await.unwrap(), 2);
    let again = take(&*inbox, "a", 10).await;
    assert_eq!(texts(&again), ["1"]);
    assert_eq!(again[0].event.received_at, taken[1].event.received_at);
    // Nobody of that name has seen anything.
    let stranger = vec![(taken[0].event.id, Utc::now())];
    assert_eq!(inbox.redeliver("b", stranger).await.unwrap(), 0);
}

pub(crate) async fn quarantine_keeps_from_consumers_until_released(inbox: Arc<dyn Inbox>) {
    let stored = events(0..3);
    inbox.append(stored.clone()).await.unwrap();
    inbox.quarantine(stored[1].id, "no JSON").await.unwrap();
    let taken = take(&*inbox, "a", 10).await;
    assert_eq!(texts(&taken), ["0", "2"]);
    // One that was handed out already is taken back.
    let problem = format!("`é`: {}", "no JSON ".repeat(1000));
    inbox.quarantine(stored[2].id, &problem).await.unwrap();
    let listed = all(&*inbox).await;
    let told = listed[2].problem.as_deref().unwrap();
    assert!(problem.starts_with(told) && told.starts_with("`é`: no JSON"));
    let entry = &listed[1];
    assert_eq!(entry.state, State::Quarantined);
    assert_eq!(entry.problem.as_deref(), Some("no JSON"));
    assert_eq!(entry.event, stored[1]);

    inbox.release(stored[1].id).await.unwrap();
    inbox.release(stored[0].id).await.unwrap();
    // To those that were past it, and to those that come later.
    assert_eq!(texts(&take(&*inbox, "a", 10).await), ["1"]);
    assert_eq!(texts(&take(&*inbox, "b", 10).await), ["0", "1"]);

    let nobody = Uuid::nil();
    let (quarantined, released) = (
        inbox.quarantine(nobody, "no JSON").await,
        inbox.release(nobody).await,
    );
    assert!(matches!(quarantined, Err(Error::NoSuchEvent { .. })));
    assert!(matches!(released, Err(Error::NoSuchEvent { .. })));
}

pub(crate) async fn lists_by_filter_and_page(inbox: Arc<dyn Inbox>) {
    let stored = events(0..5);
    inbox.append(stored.clone()).await.unwrap();
    inbox.quarantine(stored[3].id, "no JSON").await.unwrap();
    let list = async |filter: Filter, limit| {
        let listed = inbox.list(&filter, None, limit).await.unwrap();
        listed
            .into_iter()
            .map(|entry| entry.event)
            .collect::<Vec<_>>()
    };
    let by_id = Filter {
        id: Some(stored[2].id),
        ..Filter::default()
    };
    assert_eq!(list(by_id, 9).await, stored[2..3]);
    let quarantined = Filter {
        state: Some(State::Quarantined),
        ..Filter::default()
    };
    assert_eq!(list(quarantined, 9).await, stored[3..4]);
    let other = Filter {
        operation: Some("transition_entered".to_owned()),
        ..Filter::default()
    };
    assert_eq!(list(other, 9).await, []);
    let before = Filter {
        until: Some(stored[0].received_at),
        ..Filter::default()
    };
    assert_eq!(list(before, 9).await, []);
    let since = Filter {
        since: Some(stored[0].received_at),
        ..Filter::default()
    };
    assert_eq!(list(since.clone(), 2).await, stored[..2]);

    let first = inbox.list(&since, None, 2).await.unwrap();
    let rest = inbox
        .list(&since, Some(first[1].position), 9)
        .await
        .unwrap();
    assert_eq!(rest[0].event, stored[2]);
    assert_eq!(rest.len(), 3);
}

pub(crate) async fn prunes_what_everybody_is_done_with(inbox: Arc<dyn Inbox>) {
    let stored = events(0..5);
    inbox.append(stored.clone()).await.unwrap();
    let everything = Retention {
        before: Some(Utc::now() + TimeDelta::hours(1)),
        ..Retention::default()
    };
    // There is no consumer: nobody has seen anything.
    assert_eq!(inbox.prune(&everything).await.unwrap().events, 0);

    inbox.quarantine(stored[4].id, "no JSON").await.unwrap();
    let taken = take(&*inbox, "a", 10).await;
    settle(&*inbox, "a", &taken[..2], Outcome::Done).await;
    settle(&*inbox, "a", &taken[2..3], dead()).await;
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

    // A second consumer has yet to see all that is left.
    take(&*inbox, "b", 1).await;
    assert_eq!(inbox.prune(&everything).await.unwrap().events, 0);
    let even_unseen = Retention {
        even_unseen: true,
        ..everything
    };
    assert_eq!(inbox.prune(&even_unseen).await.unwrap().events, 3);
    assert_eq!(inbox.stats().await.unwrap().events, 0);
}

pub(crate) async fn tells_how_much_there_is(inbox: Arc<dyn Inbox>) {
    let stored = events(0..3);
    inbox.append(stored.clone()).await.unwrap();
    inbox.quarantine(stored[2].id, "no JSON").await.unwrap();
    take(&*inbox, "a", 1).await;
    let stats = inbox.stats().await.unwrap();
    assert_eq!((stats.events, stats.quarantined), (3, 1));
    assert!(stats.bytes >= 3);
    assert_eq!(stats.oldest, Some(stored[0].received_at));
    let consumer = &stats.consumers[0];
    assert_eq!((consumer.name.as_str(), consumer.pending), ("a", 2));
    assert_eq!(consumer.oldest_pending, Some(stored[0].received_at));
    inbox.probe().await.unwrap();
}

/// Runs the suite against the inboxes that `$new` makes: an inbox, and what keeps it alive.
macro_rules! suite {
    ($new:path) => {
        crate::inbox_suite::suite!($new;
            keeps_every_byte_and_the_order
            twins_are_two_events
            consumers_have_places_of_their_own
            a_taker_that_waits_gets_what_arrives
            what_is_not_settled_comes_again_alone
            what_failed_comes_again_and_holds_up_nothing
            dead_letters_wait_until_they_are_asked_for
            what_is_done_can_be_replayed_later
            quarantine_keeps_from_consumers_until_released
            lists_by_filter_and_page
            prunes_what_everybody_is_done_with
            tells_how_much_there_is
        );
    };
    ($new:path; $($test:ident)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                let (inbox, _alive) = $new().await;
                crate::inbox_suite::$test(inbox).await;
            }
        )*
    };
}
pub(crate) use suite;
