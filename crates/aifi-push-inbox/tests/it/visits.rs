//! Events are put together to visits, in whatever order they arrive.

use aifi_push::{Operation, operations::*};
use aifi_push_inbox::{
    Append, Event, EventAbout, EventFilter, EventState, MemoryInbox, NewEvent, Position,
    StoredEvent, Visit, VisitReader, Visits,
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};
use uuid::Uuid;

fn time(seconds: i64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-11-24T10:00:00Z".parse().unwrap();
    start + TimeDelta::seconds(seconds)
}

/// An event that arrives at a time of the visit, with an id that says which it is.
fn stored(number: u128, operation: &Operation, body: &Value) -> StoredEvent {
    let body = body.to_string();
    let id = Uuid::from_u128(number);
    let event = Event::from_parts(id, time(3600), operation.id, body);
    StoredEvent::new(event, Position::new(1))
}

/// The events of a visit by a group of `people`, in the order of time.
fn events(visit: i64, people: usize, is_over: bool) -> Vec<(&'static Operation, Value)> {
    let base = visit * 10;
    let of = |seconds: i64, fields: Value| {
        let mut body = json!({
            "sessionId": format!("s-{visit}"),
            "storeId": visit % 2,
            "customer": {"id": "c", "externalId": format!("x-{visit}")},
            "timeOfOrigin": time(base + seconds),
        });
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let price = |status: &str, total: &str| json!({"orderId": visit, "status": status, "totalPrice": total});
    let mut events = Vec::new();
    for person in 0..i64::try_from(people).unwrap() {
        events.push((
            &TRANSITION_ENTERED,
            of(person, json!({"storeExternalId": "e"})),
        ));
        events.push((
            &CHECKOUT_ZONE_ENTERED,
            of(100 + person, json!({"checkoutZoneId": "z"})),
        ));
        events.push((
            &CHECKOUT_ZONE_LEFT,
            of(200 + person, json!({"checkoutZoneId": "z"})),
        ));
        if is_over {
            events.push((&TRANSITION_LEFT, of(300 + person, json!({}))));
        }
    }
    events.push((&CART_MUTATOR, of(310, price("draft", "9.0"))));
    events.push((&CHECKOUT, of(320, price("draft", "10.0"))));
    if is_over {
        events.push((&CHECKOUT, of(330, price("completed", "10.50"))));
        // Reviewed later, but its message is older than that.
        events.push((&CHECKOUT, of(325, price("reviewed", "11.00"))));
        events.push((&SUSPECTED_FRAUD, of(340, json!({}))));
    }
    events
}

fn check(visit: &Visit, number: i64, people: usize, is_over: bool) {
    let base = number * 10;
    let last = i64::try_from(people).unwrap() - 1;
    assert_eq!(visit.session, format!("s-{number}"));
    assert_eq!(visit.customer_external_id, Some(format!("x-{number}")));
    assert_eq!(visit.stores.len(), 1);
    assert!(visit.stores[0].is(&(number % 2).to_string()) && visit.stores[0].is("e"));
    assert_eq!(visit.entered_at, Some(time(base)));
    assert_eq!(visit.exited_at, is_over.then(|| time(base + 300 + last)));
    let left = if is_over { people } else { 0 };
    assert_eq!((visit.people_entered, visit.people_left), (people, left));
    assert_eq!(visit.zones.len(), people);
    for (person, zone) in (0..).zip(&visit.zones) {
        assert_eq!(zone.entered_at, Some(time(base + 100 + person)));
        assert_eq!(zone.left_at, Some(time(base + 200 + person)));
    }
    let [order] = &visit.orders[..] else {
        panic!("{} orders", visit.orders.len());
    };
    let (status, total) = if is_over {
        ("reviewed", "11.00")
    } else {
        ("draft", "10.0")
    };
    assert_eq!(order.status.as_deref(), Some(status));
    assert_eq!(order.total_price.as_deref(), Some(total));
    assert_eq!(visit.is_fraud_suspected, is_over);
    assert!(visit.events.is_sorted_by_key(|event| event.time));
}

fn all(mut visits: Visits) -> Vec<Visit> {
    let mut found: Vec<_> = std::iter::from_fn(|| visits.pop()).collect();
    assert_eq!(visits.events(), 0);
    found.sort_by_key(|visit| visit.session.clone());
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_order_of_arrival_gives_the_same_visits(
        groups in vec((1_usize..4, any::<bool>()), 1..5),
        odd in vec(any::<(Index, Vec<u8>)>(), 0..4),
        swaps in vec(any::<(Index, Index)>(), 0..100),
    ) {
        let mut arrivals = Vec::new();
        for (visit, (people, is_over)) in (0..).zip(&groups) {
            for (operation, body) in events(visit, *people, *is_over) {
                arrivals.push(stored(arrivals.len() as u128, operation, &body));
            }
        }
        let expected = arrivals.len();
        let mut in_order = Visits::new();
        arrivals.iter().for_each(|stored| in_order.add(stored));
        let in_order = all(in_order);
        prop_assert_eq!(in_order.len(), groups.len());
        for (number, (visit, (people, is_over))) in (0..).zip(in_order.iter().zip(&groups)) {
            check(visit, number, *people, *is_over);
        }

        for (operation, bytes) in &odd {
            let operation = operation.get(ALL);
            arrivals.push(StoredEvent::new(Event::new(operation, bytes.clone()), Position::new(1)));
        }
        for (a, b) in &swaps {
            let (a, b) = (a.index(arrivals.len()), b.index(arrivals.len()));
            arrivals.swap(a, b);
        }
        let mut shuffled = Visits::new();
        arrivals.iter().for_each(|stored| shuffled.add(stored));
        prop_assert_eq!(shuffled.events(), expected);
        let without: u64 = shuffled.without_session().values().sum();
        prop_assert_eq!(without, odd.len() as u64);
        prop_assert_eq!(all(shuffled), in_order);
    }
}

/// The one visit of events of a session.
fn visit(events: &[(&Operation, Value)]) -> Visit {
    let mut visits = Visits::new();
    for (number, (operation, body)) in (0..).zip(events) {
        visits.add(&stored(number, operation, body));
    }
    assert!(visits.without_session().is_empty());
    let visit = visits.pop().unwrap();
    assert!(visits.pop().is_none(), "there are two visits");
    visit
}

#[test]
fn a_session_has_several_names() {
    let found = visit(&[
        (
            &TRANSITION_LEFT,
            json!({"sessionId": "t", "session": {"sessionId": "other"}}),
        ),
        (
            &TRANSITION_LEFT,
            json!({"sessionId": "", "session": {"sessionId": "t", "id": 1}}),
        ),
        (
            &TRANSITION_LEFT,
            json!({"session": {"sessionToken": "t", "sessionId": null, "id": 1}}),
        ),
        (
            &ENTRY_CODE_NOTIFY,
            json!({"sessionId": "t", "errorCode": 3}),
        ),
        // Not of the form of the document, as when it was wrapped.
        (&TRANSITION_LEFT, json!([{"body": {"sessionId": "t"}}])),
    ]);
    assert_eq!((found.session.as_str(), found.events.len()), ("t", 5));
    let number = visit(&[
        (&TRANSITION_LEFT, json!({"session": {"id": 17}})),
        (&TRANSITION_LEFT, json!({"session": {"id": 17.0}})),
    ]);
    assert_eq!(number.session, "17");
}

#[test]
fn an_event_of_an_unknown_kind_is_grouped() {
    let body = json!({"sessionId": "s", "timeOfOrigin": time(9), "storeId": 4}).to_string();
    let event = Event::from_parts(Uuid::nil(), time(10), "shelf_visited", body);
    let mut visits = Visits::new();
    visits.add(&StoredEvent::new(event, Position::new(1)));
    let visit = visits.pop().unwrap();
    assert_eq!(visit.stores[0].id, Some(4));
    assert_eq!(visit.events[0].operation, "shelf_visited");
    assert_eq!(visit.events[0].time, time(9));
}

#[test]
fn the_session_knows_its_times_better() {
    let session = |entered: i64, exited: Option<i64>| json!({"customerFirstEnteredAt": time(entered), "customerLastExitedAt": exited.map(time)});
    let found = visit(&[
        (
            &TRANSITION_ENTERED,
            json!({"sessionId": "s", "timeOfOrigin": time(12), "session": session(10, None)}),
        ),
        (
            &CHECKOUT,
            json!({"sessionId": "s", "timeOfOrigin": time(99), "session": session(10, Some(70))}),
        ),
        (
            &TRANSITION_LEFT,
            json!({"sessionId": "s", "timeOfOrigin": time(60), "session": session(10, Some(58))}),
        ),
    ]);
    assert_eq!(found.entered_at, Some(time(10)));
    assert_eq!(found.exited_at, Some(time(70)));
    assert_eq!(found.stay().unwrap().as_secs(), 60);
}

#[test]
fn a_visit_is_over_when_all_have_left() {
    let at = |operation, seconds: i64| {
        (
            operation,
            json!({"sessionId": "s", "timeOfOrigin": time(seconds)}),
        )
    };
    let mut events = vec![
        at(&TRANSITION_ENTERED, 0),
        at(&TRANSITION_ENTERED, 1),
        at(&TRANSITION_LEFT, 30),
    ];
    assert_eq!(visit(&events).stay(), None);
    events.push(at(&TRANSITION_LEFT, 60));
    assert_eq!(visit(&events).stay().unwrap().as_secs(), 60);
    // One who entered may not have been seen.
    events.push(at(&TRANSITION_LEFT, 61));
    assert_eq!(visit(&events).stay().unwrap().as_secs(), 61);
    let session = json!({"customerFirstEnteredAt": time(0), "customerLastExitedAt": time(9)});
    let told = (
        &TRANSITION_ENTERED,
        json!({"sessionId": "s", "timeOfOrigin": time(0), "session": session}),
    );
    assert_eq!(visit(&[told.clone(), told]).stay().unwrap().as_secs(), 9);
}

#[test]
fn an_odd_value_costs_nothing_else() {
    let found = visit(&[
        (
            &TRANSITION_ENTERED,
            json!({"sessionId": "s", "timeOfOrigin": "2026-11-24 11:00+0100"}),
        ),
        (
            &CHECKOUT,
            json!({
                "sessionId": "s", "session": 7, "customer": [], "storeId": "x", "store": null,
                "timeOfOrigin": time(5), "orderId": 2.0, "status": "paid", "totalPrice": 12.500,
                "totalTax": {}, "subtotalPrice": "0.1000000000000000000000000000001",
            }),
        ),
        // As it went back in time, it has the last word in nothing.
        (
            &TRANSITION_LEFT,
            json!({"sessionId": "s", "timeOfOrigin": time(-5)}),
        ),
    ]);
    assert_eq!(found.entered_at, Some(time(0)));
    assert_eq!(found.stay(), None);
    assert!(found.stores.is_empty() && found.customer_id.is_none());
    let order = &found.orders[0];
    assert_eq!((order.id, order.status.as_deref()), (2, Some("paid")));
    assert_eq!(order.total_tax, None);
    assert_eq!(
        order.subtotal_price.as_deref(),
        Some("0.1000000000000000000000000000001")
    );
}

#[test]
fn a_checkout_says_more_of_an_order_than_the_questions_before_it() {
    let order = |seconds: i64, status: &str| json!({"sessionId": "s", "orderId": 1, "timeOfOrigin": time(seconds), "status": status});
    let mut events = vec![(&ORDER_PRICE, order(0, "completed"))];
    let mut status = |operation, seconds, status| {
        events.push((operation, order(seconds, status)));
        visit(&events).orders[0].status.clone().unwrap()
    };
    assert_eq!(status(&CHECKOUT, 1, "draft"), "draft");
    assert_eq!(status(&CHECKOUT, 2, "held"), "held");
    assert_eq!(status(&ORDER_PRICE, 3, "completed"), "held");
    assert_eq!(status(&CHECKOUT, 4, "completed"), "completed");
    assert_eq!(status(&CHECKOUT, 5, "refunded"), "refunded");
    assert_eq!(status(&CHECKOUT, 6, "draft"), "refunded");
    assert_eq!(status(&CHECKOUT, 7, "reviewed"), "reviewed");
}

#[test]
fn a_quarantined_event_adds_nothing_but_itself() {
    let body = json!({"sessionId": "s", "orderId": 1, "storeId": 3, "timeOfOrigin": time(5)});
    let mut visits = Visits::new();
    visits.add(&stored(1, &SUSPECTED_FRAUD, &body).state(EventState::Quarantined));
    let visit = visits.pop().unwrap();
    assert_eq!(visit.events[0].time, time(3600));
    assert!(visit.stores.is_empty() && visit.orders.is_empty() && !visit.is_fraud_suspected);
}

#[test]
fn what_is_idle_is_let_go() {
    let mut visits = Visits::new();
    let mut add = |number: u128, session: &str, arrival: i64| {
        let body = json!({"sessionId": session}).to_string();
        let id = Uuid::from_u128(number);
        let event = Event::from_parts(id, time(arrival), TRANSITION_LEFT.id, body);
        visits.add(&StoredEvent::new(event, Position::new(1)));
    };
    add(1, "a", 0);
    add(2, "b", 1);
    add(3, "a", 60);
    assert!(visits.pop_idle(time(1)).is_none());
    assert_eq!(visits.pop_idle(time(2)).unwrap().session, "b");
    assert!(visits.pop_idle(time(60)).is_none());
    assert_eq!(visits.pop_idle(time(61)).unwrap().events.len(), 2);
    assert!(visits.pop_idle(time(61)).is_none());
}

#[test]
fn visits_are_looked_at_while_they_grow() {
    let mut visits = Visits::new();
    let mut add = |number: u128, session: &str, arrival: i64| {
        let body = json!({"sessionId": session}).to_string();
        let id = Uuid::from_u128(number);
        let event = Event::from_parts(id, time(arrival), TRANSITION_LEFT.id, body);
        visits.add(&StoredEvent::new(event, Position::new(1)));
    };
    // Also by somebody who reads the newest first.
    add(1, "a", 60);
    add(2, "b", 50);
    add(3, "c", 40);
    add(4, "b", 10);
    let seen = || {
        visits
            .newest()
            .map(|visit| (visit.session, visit.events.len()))
    };
    let expected = [("a", 1), ("b", 2), ("c", 1)];
    let expected = expected.map(|(session, events)| (session.to_owned(), events));
    assert_eq!(seen().collect::<Vec<_>>(), expected);
    assert_eq!(visits.pop().unwrap().session, "c");
    assert_eq!(visits.newest().count(), 2);
}

#[test]
fn the_store_and_the_session_of_any_event_are_found() {
    for operation in ALL {
        let body = json!({"storeId": 7, "storeExternalId": "e", "sessionId": "s"}).to_string();
        let about = EventAbout::of(&Event::new(operation, body));
        let store = about.store.unwrap();
        assert_eq!(
            (store.id, store.external_id.as_deref()),
            (Some(7), Some("e"))
        );
        assert_eq!(about.session.as_deref(), Some("s"));
    }
    let nowhere = EventAbout::of(&Event::new(&TRANSITION_LEFT, "no json"));
    assert_eq!((nowhere.store, nowhere.session), (None, None));
    let secret = EventAbout::of(&Event::new(&TRANSITION_LEFT, r#"{"sessionId": "s3cret"}"#));
    assert!(!format!("{secret:?}").contains("s3cret"));
}

#[tokio::test]
async fn memory_is_bounded() {
    let inbox = MemoryInbox::new();
    let new = |session: usize| {
        let body = json!({"sessionId": session.to_string()}).to_string();
        NewEvent::accepted(Event::new(&TRANSITION_LEFT, body))
    };
    // Each visit has three events, one after the other.
    let events: Vec<_> = (0..3000).map(|event| new(event / 3)).collect();
    inbox.append(events).await.unwrap();
    let mut reader = VisitReader::new(&inbox, EventFilter::default()).max_events(10);
    let mut count = 0;
    while let Some(visit) = reader.next().await.unwrap() {
        assert_eq!(visit.session, count.to_string());
        assert_eq!(visit.events.len(), 3);
        count += 1;
    }
    assert_eq!(count, 1000);

    // What is let go too early is another visit.
    inbox.append(vec![new(0)]).await.unwrap();
    let mut reader = VisitReader::new(&inbox, EventFilter::default()).max_events(10);
    let mut sessions = Vec::new();
    while let Some(visit) = reader.next().await.unwrap() {
        sessions.push(visit.session);
    }
    assert_eq!(sessions.len(), 1001);
    assert_eq!(sessions.last().unwrap(), "0");
}

#[test]
fn nothing_of_a_person_is_in_debug() {
    let found = visit(&[(
        &TRANSITION_LEFT,
        json!({"sessionId": "secret", "customer": {"id": "secret", "externalId": "secret"}}),
    )]);
    assert!(!format!("{found:?}").contains("secret"));
}

/// Memory follows from the number of events, whatever their bodies contain, and is free with the visit.
#[test]
fn what_is_in_memory_is_small_and_counted() {
    let long = "x".repeat(100_000);
    let body = json!({
        "sessionId": "s", "storeId": 7, "storeExternalId": long, "checkoutZoneId": long,
        "orderId": 1, "status": long, "totalPrice": "1.50", "customer": {"id": long},
    });
    let mut visits = Visits::new();
    for number in 0..10 {
        visits.add(&stored(number, &CHECKOUT, &body));
    }
    visits.add(&stored(10, &CHECKOUT, &json!({"sessionId": long})));
    visits.add(&stored(
        11,
        &CHECKOUT,
        &json!({"sessionId": "t", "storeId": 8}),
    ));
    assert_eq!((visits.events(), visits.events_of("s")), (11, 10));
    assert_eq!(visits.without_session().values().sum::<u64>(), 1);
    assert!((1..20_000).contains(&visits.bytes()), "{}", visits.bytes());
    let of_store: Vec<_> = visits.newest_in("7").map(|visit| visit.session).collect();
    assert_eq!(of_store, ["s"]);
    let visit = visits.pop().unwrap();
    assert_eq!(visit.orders[0].total_price.as_deref(), Some("1.50"));
    assert_eq!(visit.orders[0].status, None);
    visits.pop().unwrap();
    assert_eq!(visits.bytes(), 0);
}
