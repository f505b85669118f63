//! What operators do, on each inbox: it happens, and it is in the audit.

use std::time::Duration;

use aifi_push_receiver::inbox::{AuditEntry, EventFilter, EventState, NewEvent};
use aifi_push_testkit::FaultyInbox;
use chrono::{TimeDelta, Utc};

use super::{Arc, Inbox, MemoryInbox, Served, append, decodes, give_up, inboxes, left, subscribe};

async fn states(inbox: &Arc<dyn Inbox>) -> Vec<EventState> {
    let all = inbox
        .list(&EventFilter::default(), None, 100)
        .await
        .unwrap();
    all.iter().map(|stored| stored.state).collect()
}

/// The newest entry of the audit.
async fn last_action(inbox: &Arc<dyn Inbox>) -> AuditEntry {
    inbox.actions(None, 1).await.unwrap().remove(0)
}

fn quarantined(store: i64, problem: &str) -> NewEvent {
    NewEvent::quarantined(left(store, "s"), problem.to_owned())
}

#[tokio::test]
async fn an_event_is_requeued_or_discarded() {
    let (inboxes, _place) = inboxes().await;
    for inbox in inboxes {
        let fixed = NewEvent::quarantined(decodes(1), "one".to_owned());
        let events = vec![fixed, quarantined(2, "two")];
        let ids = append(&inbox, events).await;
        let [first, second] = [ids[0].to_string(), ids[1].to_string()];
        let served = Served::start(inbox.clone()).await;
        let operator = served.operator().await;

        let response = operator.post("/requeue", &[("id", &first)]).await;
        assert_eq!(response.status, 303);
        let (_, location) = response.head.split_once("location: ").unwrap();
        let to = format!("/{}", location.lines().next().unwrap());
        let page = operator.get(&to).await.body;
        assert!(page.contains("Requeued 1 event."), "{page}");
        assert_eq!(
            states(&inbox).await,
            [EventState::Pending, EventState::Quarantined]
        );
        let entry = last_action(&inbox).await;
        assert_eq!(entry.actor, "admin token 2 from 127.0.0.1");
        assert_eq!((&*entry.action, entry.count), ("requeue", 1));
        assert_eq!(entry.target, first);

        // Like the command line, it requeues nothing that would fail again.
        let response = operator.post("/requeue", &[("id", &second)]).await;
        assert!(response.head.contains("left=1"), "{}", response.head);
        assert_eq!(states(&inbox).await[1], EventState::Quarantined);
        assert_eq!(inbox.actions(None, 10).await.unwrap().len(), 1);

        // Not without a reason.
        let long = "x".repeat(501);
        for reason in ["", "  ", &long] {
            let form = [("id", second.as_str()), ("reason", reason)];
            assert_eq!(operator.post("/discard", &form).await.status, 400);
        }
        let form = [("id", second.as_str()), ("reason", " a <test> ")];
        assert_eq!(operator.post("/discard", &form).await.status, 303);
        assert_eq!(states(&inbox).await, [EventState::Pending]);
        let entry = last_action(&inbox).await;
        assert_eq!((&*entry.action, &*entry.target), ("discard", &*second));
        assert_eq!(entry.reason.as_deref(), Some("a <test>"));
        let audit = operator.get("/audit").await.body;
        assert!(audit.contains("a &lt;test&gt;"), "{audit}");
        // It is gone.
        assert_eq!(operator.post("/discard", &form).await.status, 404);
        assert_eq!(
            operator.get(&format!("/event?id={second}")).await.status,
            404
        );
        assert_eq!(inbox.actions(None, 10).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_body_is_shown_to_who_asks_and_the_audit_says_so() {
    let (inboxes, _place) = inboxes().await;
    for inbox in inboxes {
        let id = append(&inbox, vec![NewEvent::accepted(left(7, "s-1"))]).await[0].to_string();
        let served = Served::start(inbox.clone()).await;
        let operator = served.operator().await;
        let page = operator.get(&format!("/event?id={id}")).await.body;
        assert!(
            page.contains("Show body") && !page.contains("of a person"),
            "{page}"
        );
        assert!(inbox.actions(None, 1).await.unwrap().is_empty());

        let page = operator.post("/show-body", &[("id", &id)]).await;
        assert_eq!(page.status, 200);
        let line = "&quot;secret&quot;: &quot;of a person&quot;";
        assert!(page.body.contains(line), "{}", page.body);
        let entry = last_action(&inbox).await;
        assert_eq!((&*entry.action, &*entry.target), ("show body", &*id));
        assert!(operator.get("/audit").await.body.contains("show body"));
    }
}

#[tokio::test]
async fn all_events_of_a_cause_are_requeued_or_discarded() {
    let (inboxes, _place) = inboxes().await;
    for inbox in inboxes {
        let billing = subscribe(&inbox, "billing").await;
        let events = vec![
            NewEvent::accepted(left(1, "a")),
            NewEvent::accepted(left(2, "b")),
        ];
        append(&inbox, events).await;
        assert_eq!(give_up(&*billing, "no order 123456").await, 2);
        let events = (1..=3).map(|column| {
            quarantined(
                3,
                &format!("`storeId` at line 1, column {column}: expected an integer"),
            )
        });
        append(&inbox, events.collect()).await;
        append(&inbox, vec![quarantined(4, "another")]).await;
        let served = Served::start(inbox.clone()).await;
        let operator = served.operator().await;
        let page = operator.get("/problems").await.body;
        for cause in ["no order *", "storeId: expected an integer", "another"] {
            assert!(page.contains(cause), "{page}");
        }

        let form = [("consumer", "billing"), ("cause", "no order *")];
        assert_eq!(operator.post("/requeue-cause", &form).await.status, 303);
        let entry = last_action(&inbox).await;
        assert_eq!((&*entry.action, entry.count), ("requeue", 2));
        assert_eq!(entry.target, "dead letters of billing: no order *");
        assert_eq!(billing.receive(10, Duration::ZERO).await.unwrap().len(), 2);

        let cause = "storeId: expected an integer";
        let listed = operator.get("/problems?consumer=&cause=%60storeId%60%3A+expected+an+integer");
        let listed = listed.await.body;
        for column in 1..=3 {
            assert!(
                listed.contains(&format!("column {column}: expected")),
                "{listed}"
            );
        }
        let form = [("consumer", ""), ("cause", cause)];
        assert_eq!(operator.post("/discard-cause", &form).await.status, 400);
        let form = [
            ("consumer", ""),
            ("cause", cause),
            ("reason", "tests of the till"),
        ];
        assert_eq!(operator.post("/discard-cause", &form).await.status, 303);
        let entry = last_action(&inbox).await;
        assert_eq!((&*entry.action, entry.count), ("discard", 3));
        assert_eq!(entry.reason.as_deref(), Some("tests of the till"));
        let states = states(&inbox).await;
        assert_eq!(states.len(), 3);
        let left = states
            .iter()
            .filter(|state| **state == EventState::Quarantined);
        assert_eq!(left.count(), 1);
    }
}

#[tokio::test]
async fn consumers_are_paused_resumed_replayed_and_removed() {
    let (inboxes, _place) = inboxes().await;
    for inbox in inboxes {
        let billing = subscribe(&inbox, "billing").await;
        append(&inbox, vec![NewEvent::accepted(left(1, "a"))]).await;
        let served = Served::start(inbox.clone()).await;
        let operator = served.operator().await;
        let named = [("consumer", "billing")];
        let is_paused = async || inbox.stats().await.unwrap().consumers[0].is_paused;

        assert_eq!(operator.post("/pause", &named).await.status, 303);
        assert!(is_paused().await);
        assert!(
            operator
                .get("/consumers")
                .await
                .body
                .contains("Resume billing")
        );
        assert_eq!(operator.post("/resume", &named).await.status, 303);
        assert!(!is_paused().await);
        let received = billing.receive(10, Duration::from_secs(30)).await.unwrap();
        let receipt = received[0].receipt.clone();
        let done = (receipt, aifi_push_receiver::inbox::Outcome::Done);
        billing.settle(vec![done]).await.unwrap();

        let since = (Utc::now() - TimeDelta::hours(1))
            .format("%FT%T")
            .to_string();
        for (since, rate) in [("", "1"), ("yesterday", ""), (&*since, "0"), (&*since, "x")] {
            let form = [named[0], ("since", since), ("rate", rate)];
            assert_eq!(operator.post("/replay", &form).await.status, 400);
        }
        let form = [named[0], ("since", since.as_str()), ("rate", "1000")];
        assert_eq!(operator.post("/replay", &form).await.status, 303);
        let entry = last_action(&inbox).await;
        assert_eq!((&*entry.action, entry.count), ("replay", 1));
        assert_eq!(entry.target, format!("billing since {since}Z"));
        let again = billing.receive(10, Duration::from_secs(30)).await.unwrap();
        assert_eq!(again.len(), 1);

        for confirm in ["", "billin"] {
            let form = [named[0], ("confirm", confirm)];
            assert_eq!(operator.post("/remove", &form).await.status, 400);
        }
        let form = [named[0], ("confirm", "billing")];
        assert_eq!(operator.post("/remove", &form).await.status, 303);
        assert!(inbox.stats().await.unwrap().consumers.is_empty());
        for action in ["/pause", "/resume"] {
            assert_eq!(operator.post(action, &named).await.status, 404);
        }
        assert_eq!(
            operator.post("/pause", &[("consumer", "a b")]).await.status,
            400
        );
        let actions = inbox.actions(None, 10).await.unwrap();
        let actions = actions.iter().rev().map(|entry| &*entry.action);
        assert_eq!(
            actions.collect::<Vec<_>>(),
            ["pause", "resume", "replay", "remove"]
        );
    }
}

/// What was tried is in the audit as well, as some of it may be done.
#[tokio::test]
async fn an_action_that_fails_is_in_the_audit() {
    let faulty = FaultyInbox::new(Arc::new(MemoryInbox::new()));
    let inbox: Arc<dyn Inbox> = faulty.clone();
    let id = append(&inbox, vec![quarantined(1, "broken")]).await[0].to_string();
    let served = Served::start(inbox.clone()).await;
    let operator = served.operator().await;
    faulty.set_undeletable(true);
    let one = [("id", &*id), ("reason", "a test")];
    let all = [("cause", "broken"), ("reason", "a test")];
    for (path, form, target) in [
        ("/discard", one, &*id),
        ("/discard-cause", all, "quarantined: broken"),
    ] {
        assert_eq!(operator.post(path, &form).await.status, 503);
        let entry = last_action(&inbox).await;
        assert_eq!((&*entry.action, entry.count), ("discard failed", 0));
        assert_eq!(entry.target, target);
        let reason = "a test; it failed, and may be done in part";
        assert_eq!(entry.reason.as_deref(), Some(reason));
    }
}
