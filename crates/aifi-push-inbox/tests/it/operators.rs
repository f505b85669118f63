//! What operators do to every inbox: part of the conformance suite.

use std::{sync::Arc, time::Duration};

use aifi_push::operations::{TRANSITION_ENTERED, TRANSITION_LEFT};
use aifi_push_inbox::{
    AdminError, AuditEntry, Cause, Event, EventFilter, EventState, Inbox, NewEvent, Outcome,
    Position, Requeued, StoredEvent, SubscribeOptions,
};
use aifi_push_testkit::events::{documented, numbered, stored};
use chrono::{TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    CRASH,
    conformance::{dead, ids, receive, retry, settle, texts, wait_for},
    name, subscribe, subscribe_with,
};

fn listed(events: &[StoredEvent]) -> Vec<Uuid> {
    events.iter().map(|stored| stored.event.id).collect()
}

pub(crate) async fn lists_the_newest_first(inbox: Arc<dyn Inbox>) {
    // More than one page of any inbox.
    let mut events = numbered(0..700);
    events[690] = NewEvent::quarantined(Event::new(&TRANSITION_LEFT, "690"), "no JSON");
    events[3] = NewEvent::accepted(Event::new(&TRANSITION_ENTERED, "3"));
    let (early, late) = events.split_at(695);
    inbox.append(early.to_vec()).await.unwrap();
    let since = late[0].event.received_at;
    inbox.append(late.to_vec()).await.unwrap();
    let a = subscribe(&*inbox, "a").await;
    let received = receive(&*a, 2).await;
    settle(&*a, &received[1..], dead()).await;

    let mut newest_first = ids(&events);
    newest_first.reverse();
    let list = async |filter: &EventFilter, before, limit| {
        inbox.list_newest(filter, before, limit).await.unwrap()
    };
    let all = EventFilter::default();
    assert_eq!(listed(&list(&all, None, 3).await), newest_first[..3]);
    assert_eq!(listed(&list(&all, None, 9999).await), newest_first);
    assert!(list(&all, None, 0).await.is_empty());
    let oldest = list(&all, Some(Position::new(0)), 9).await;
    assert!(oldest.is_empty());
    // Page by page, and the same entries as in the order of arrival.
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let page = list(&all, before, 300).await;
        let Some(last) = page.last() else { break };
        before = Some(last.position);
        pages.extend(page);
    }
    let mut in_order = stored(&*inbox).await;
    in_order.reverse();
    assert_eq!(format!("{pages:?}"), format!("{in_order:?}"));

    let in_state = |state| EventFilter {
        state: Some(state),
        ..EventFilter::default()
    };
    let quarantined = list(&in_state(EventState::Quarantined), None, 9).await;
    assert_eq!(listed(&quarantined), [events[690].event.id]);
    let dead = list(&in_state(EventState::Dead), None, 9).await;
    assert_eq!(listed(&dead), [events[1].event.id]);
    let pending = list(&in_state(EventState::Pending), None, 2).await;
    assert_eq!(listed(&pending), newest_first[..2]);
    let entered = EventFilter {
        operation: Some("transition_entered".to_owned()),
        ..EventFilter::default()
    };
    assert_eq!(listed(&list(&entered, None, 9).await), [events[3].event.id]);
    let by_id = EventFilter {
        id: Some(events[5].event.id),
        ..EventFilter::default()
    };
    let found = list(&by_id, None, 9).await;
    assert_eq!(listed(&found), [events[5].event.id]);
    let before = Some(found[0].position);
    assert!(list(&by_id, before, 9).await.is_empty());
    let since = EventFilter {
        since: Some(since),
        ..EventFilter::default()
    };
    let expected: Vec<_> = newest_first
        .iter()
        .copied()
        .filter(|id| {
            let new = events.iter().find(|new| new.event.id == *id).unwrap();
            new.event.received_at >= since.since.unwrap()
        })
        .collect();
    assert_eq!(listed(&list(&since, None, 9999).await), expected);
}

pub(crate) async fn a_paused_consumer_receives_nothing(inbox: Arc<dyn Inbox>) {
    inbox.append(numbered(0..3)).await.unwrap();
    let (a, b) = (subscribe(&*inbox, "a").await, subscribe(&*inbox, "b").await);
    let received = receive(&*a, 2).await;
    let is_paused = async || {
        let consumers = inbox.stats().await.unwrap().consumers;
        let paused = consumers.iter().map(|consumer| consumer.is_paused);
        paused.collect::<Vec<_>>()
    };
    assert_eq!(is_paused().await, [false, false]);
    inbox.pause_consumer(&name("a")).await.unwrap();
    inbox.pause_consumer(&name("a")).await.unwrap();
    assert_eq!(is_paused().await, [true, false]);

    // Neither new events nor retries, also for one that subscribes now; others go on.
    settle(&*a, &received[..1], retry(Duration::ZERO)).await;
    settle(&*a, &received[1..], Outcome::Done).await;
    inbox.append(numbered([3])).await.unwrap();
    assert!(receive(&*a, 9).await.is_empty());
    assert!(receive(&*a, 1).await.is_empty());
    let options = SubscribeOptions::default();
    let subscribed = inbox.subscribe(&name("a"), options).await.unwrap();
    assert!(subscribed.is_paused);
    let subscribed = inbox.subscribe(&name("b"), options).await.unwrap();
    assert!(!subscribed.is_paused);
    let other = subscribe_with(&*inbox, "a", CRASH).await;
    assert!(receive(&*other, 9).await.is_empty());
    assert_eq!(is_paused().await, [true, false]);
    assert_eq!(texts(&receive(&*b, 9).await), ["0", "1", "2", "3"]);
    // What is in flight was settled.
    let stats = inbox.stats().await.unwrap();
    assert_eq!(stats.consumers[0].pending, 3);
    let a = subscribe(&*inbox, "a").await;

    // One that waits receives when the consumer is resumed.
    let (mut seen, ()) = tokio::join!(wait_for(&*a, 9), async {
        inbox.resume_consumer(&name("a")).await.unwrap();
    });
    inbox.resume_consumer(&name("a")).await.unwrap();
    assert_eq!(is_paused().await, [false, false]);
    while seen.len() < 3 {
        seen.extend(wait_for(&*a, 9).await);
    }
    let mut seen = texts(&seen);
    seen.sort();
    assert_eq!(seen, ["0", "2", "3"]);

    for result in [
        inbox.pause_consumer(&name("nobody")).await,
        inbox.resume_consumer(&name("nobody")).await,
    ] {
        assert!(matches!(result, Err(AdminError::NoSuchConsumer { .. })));
    }
    // One that is created again starts anew.
    inbox.pause_consumer(&name("b")).await.unwrap();
    inbox.remove_consumer(&name("b")).await.unwrap();
    let b = subscribe(&*inbox, "b").await;
    assert!(!wait_for(&*b, 9).await.is_empty());
}

pub(crate) async fn remembers_what_operators_did(inbox: Arc<dyn Inbox>) {
    assert!(inbox.actions(None, 9).await.unwrap().is_empty());
    let mut entries: Vec<_> = (0..5)
        .map(|number| AuditEntry::new("cli:root", "requeue", format!("{number}")).count(number))
        .collect();
    entries[4].reason = Some("a \"test\" of the till\n".to_owned());
    for entry in &entries {
        inbox.record_action(entry.clone()).await.unwrap();
    }
    let listed = inbox.actions(None, 9).await.unwrap();
    let numbers: Vec<_> = listed.iter().map(|entry| entry.number).collect();
    assert!(numbers.is_sorted_by(|a, b| a > b), "{numbers:?}");
    entries.reverse();
    for (entry, listed) in entries.iter_mut().zip(&listed) {
        entry.number = listed.number;
    }
    assert_eq!(listed, entries);
    // Page by page.
    assert_eq!(inbox.actions(None, 2).await.unwrap(), entries[..2]);
    let before = Some(entries[1].number);
    assert_eq!(inbox.actions(before, 2).await.unwrap(), entries[2..4]);
    let before = Some(entries[4].number);
    assert!(inbox.actions(before, 9).await.unwrap().is_empty());
    assert!(inbox.actions(None, 0).await.unwrap().is_empty());
}

pub(crate) async fn replays_what_arrived_since(inbox: Arc<dyn Inbox>) {
    let events = numbered(0..4);
    inbox.append(events.clone()).await.unwrap();
    let a = subscribe(&*inbox, "a").await;
    let received = receive(&*a, 9).await;
    settle(&*a, &received[..3], Outcome::Done).await;
    settle(&*a, &received[3..], retry(Duration::from_secs(600))).await;
    let since = events[1].event.received_at;
    let expected = events[..3]
        .iter()
        .filter(|new| new.event.received_at >= since);
    let expected = expected.count() as u64;
    let replay =
        async |consumer, interval| inbox.replay_since(&name(consumer), since, interval).await;
    let nobody = replay("nobody", Duration::ZERO).await;
    assert!(matches!(nobody, Err(AdminError::NoSuchConsumer { .. })));
    // The first is delivered now, the others later.
    let replayed = replay("a", Duration::from_secs(600)).await;
    assert_eq!(replayed.unwrap(), expected);
    assert_eq!(wait_for(&*a, 9).await.len(), 1);
    assert!(receive(&*a, 9).await.is_empty());
    let future = Utc::now() + TimeDelta::hours(1);
    let none = inbox.replay_since(&name("a"), future, Duration::ZERO).await;
    assert_eq!(none.unwrap(), 0);
}

pub(crate) async fn groups_problems_by_cause(inbox: Arc<dyn Inbox>) {
    let at = |line| format!("`orders[{line}].total` at line {line}, column 3: found null");
    let quarantined = |body: &str, problem: &str| {
        NewEvent::quarantined(Event::new(&TRANSITION_LEFT, body.to_owned()), problem)
    };
    let mut events = vec![
        quarantined("1", &at(1)),
        quarantined(documented(), &at(2)),
        quarantined("3", "no JSON"),
        quarantined("4", &at(12)),
    ];
    events.extend(numbered(5..8));
    inbox.append(events.clone()).await.unwrap();
    let ids = ids(&events);
    let (a, b) = (subscribe(&*inbox, "a").await, subscribe(&*inbox, "b").await);
    let refused = |customer: u32| Outcome::Dead {
        problem: format!("503: customer {customer} is \"K. Novak\""),
    };
    let received = receive(&*a, 9).await;
    settle(&*a, &received[..1], refused(81723)).await;
    settle(&*a, &received[1..2], refused(90210)).await;
    settle(&*a, &received[2..], dead()).await;
    settle(&*b, &receive(&*b, 9).await, dead()).await;

    let problems = inbox.problems(100).await.unwrap();
    let mut shown: Vec<_> = problems
        .iter()
        .map(|problem| {
            let named: Vec<_> = problem
                .newest
                .iter()
                .map(|id| ids.iter().position(|known| known == id).unwrap())
                .collect();
            (problem.cause.to_string(), problem.count, named)
        })
        .collect();
    let counts: Vec<_> = shown.iter().map(|(_, count, _)| *count).collect();
    assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");
    shown.sort();
    let shown: Vec<_> = shown
        .iter()
        .map(|(cause, count, newest)| (cause.as_str(), *count, newest.as_slice()))
        .collect();
    assert_eq!(
        shown,
        [
            (
                "dead letters of a: 503: customer * is \"*\"",
                2,
                &[5, 4][..]
            ),
            ("dead letters of a: it failed again", 1, &[6]),
            ("dead letters of b: it failed again", 3, &[6, 5, 4]),
            ("quarantined: no JSON", 1, &[2]),
            ("quarantined: orders[*].total: found null", 3, &[3, 1, 0]),
        ]
    );
    for problem in &problems {
        let text = &problem.cause.text;
        assert_eq!(Cause::normalize(text), *text);
    }
    // Of the newest only.
    let newest = inbox.problems(1).await.unwrap();
    assert_eq!(newest.iter().map(|problem| problem.count).max(), Some(1));

    // Those of one consumer, whatever another has.
    let requeue = async |cause: &Cause| {
        let mut requeued = Requeued::default();
        inbox.requeue_cause(cause, &mut requeued).await.unwrap();
        (requeued.events, requeued.undecodable)
    };
    let of = |consumer: &str, problem: &str| Cause::new(Some(name(consumer)), problem);
    let refused = of("a", "503: customer 81723 is \"B. Moser\"");
    assert_eq!(requeue(&refused).await, (2, 0));
    let stats = inbox.stats().await.unwrap();
    let dead: Vec<_> = stats.consumers.iter().map(|it| it.dead).collect();
    assert_eq!(dead, [1, 3]);
    // Those that decode now.
    let cause = Cause::new(None, &at(7));
    assert_eq!(requeue(&cause).await, (1, 2));
    assert_eq!(discard(&*inbox, &cause).await, 2);
    assert_eq!(discard(&*inbox, &cause).await, 0);
    assert_eq!(discard(&*inbox, &of("b", "it failed again")).await, 3);
    let left = inbox.problems(100).await.unwrap();
    let left: Vec<_> = left.iter().map(|it| it.cause.to_string()).collect();
    let expected = ["dead letters of a: it failed again", "quarantined: no JSON"];
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(expected.iter().all(|it| left.contains(&(*it).to_owned())));
    assert_eq!(stored(&*inbox).await.len(), 5);
}

async fn discard(inbox: &dyn Inbox, cause: &Cause) -> u64 {
    let mut discarded = 0;
    inbox.discard_cause(cause, &mut discarded).await.unwrap();
    discarded
}

pub(crate) async fn gives_up_dead_letters_of_one_consumer(inbox: Arc<dyn Inbox>) {
    let events = numbered(0..3);
    inbox.append(events.clone()).await.unwrap();
    let ids = ids(&events);
    let (a, b) = (subscribe(&*inbox, "a").await, subscribe(&*inbox, "b").await);
    settle(&*a, &receive(&*a, 9).await, dead()).await;
    let to_b = receive(&*b, 1).await;
    settle(&*b, &to_b, dead()).await;

    let cause = Cause::new(Some(name("a")), "it failed again");
    assert_eq!(discard(&*inbox, &cause).await, 3);
    assert_eq!(discard(&*inbox, &cause).await, 0);
    // The other keeps its dead letter, and receives what it has yet to.
    let states: Vec<_> = stored(&*inbox).await.iter().map(|it| it.state).collect();
    assert_eq!(
        states,
        [EventState::Dead, EventState::Pending, EventState::Pending]
    );
    let stats = inbox.stats().await.unwrap();
    let counts: Vec<_> = stats
        .consumers
        .iter()
        .map(|it| (it.dead, it.pending))
        .collect();
    assert_eq!(counts, [(0, 0), (1, 2)]);
    let received = receive(&*b, 9).await;
    assert_eq!(texts(&received), ["1", "2"]);
    settle(&*b, &received, Outcome::Done).await;
    assert!(receive(&*a, 9).await.is_empty());

    // What was requeued since it was listed is live, and so is what waits or is done.
    inbox.requeue(vec![ids[0]]).await.unwrap();
    let discarded = inbox.discard_dead_letters(&name("b"), ids.clone()).await;
    assert_eq!(discarded.unwrap(), 0);
    assert_eq!(texts(&wait_for(&*b, 9).await), ["0"]);
    assert_eq!(inbox.discard_quarantined(ids.clone()).await.unwrap(), 0);
    let nobody = inbox.discard_dead_letters(&name("nobody"), ids).await;
    assert_eq!(nobody.unwrap(), 0);
    assert_eq!(stored(&*inbox).await.len(), 3);
}

pub(crate) async fn discards_what_is_still_quarantined(inbox: Arc<dyn Inbox>) {
    let mut events = numbered(0..2);
    for event in &mut events {
        *event = NewEvent::quarantined(event.event.clone(), "no JSON");
    }
    inbox.append(events.clone()).await.unwrap();
    let a = subscribe(&*inbox, "a").await;
    inbox.requeue(vec![events[1].event.id]).await.unwrap();
    let discarded = inbox.discard_quarantined(ids(&events)).await;
    assert_eq!(discarded.unwrap(), 1);
    assert_eq!(listed(&stored(&*inbox).await), [events[1].event.id]);
    assert_eq!(texts(&wait_for(&*a, 9).await), ["1"]);
}
