//! What the pages show.

use std::sync::Arc;

use aifi_push::operations::{TRANSITION_ENTERED, TRANSITION_LEFT};
use aifi_push_receiver::inbox::{AuditEntry, Event, Inbox, MemoryInbox, NewEvent};
use aifi_push_testkit::FaultyInbox;
use axum::{Router, routing::get};
use serde_json::json;

use super::{Served, append, browser::Browser, give_up, inboxes, left, subscribe};

/// Loads a page until it shows something.
pub(super) async fn until(browser: &Browser, path: &str, text: &str) -> String {
    loop {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        if page.body.contains(text) {
            return page.body;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_a_sender_wrote_is_text() {
    let evil = "<script>alert(1)</script>\u{202e}\"'><img src=x>\u{7}";
    let inbox: Arc<dyn Inbox> = Arc::new(MemoryInbox::new());
    let body = json!({
        "sessionId": evil, "storeExternalId": evil, "checkoutZoneId": evil, "orderId": 1,
        "status": evil, "totalPrice": evil, evil: evil,
    });
    let event = || Event::new(&TRANSITION_LEFT, body.to_string());
    let headers = [("content-type".to_owned(), evil.to_owned())].into();
    let events = vec![
        NewEvent::quarantined(event().headers(headers), evil.to_owned()),
        NewEvent::accepted(event()),
    ];
    let billing = subscribe(&inbox, "billing").await;
    let ids = append(&inbox, events).await;
    give_up(&*billing, evil).await;
    let served = Served::start(inbox.clone()).await;
    let operator = served.operator().await;

    let query = serde_urlencoded::to_string([("session", evil)]).unwrap();
    let cause = serde_urlencoded::to_string([("cause", evil)]).unwrap();
    let mut pages = vec![
        until(&operator, "/stores", "alert(1)").await,
        until(&operator, "/visits", "alert(1)").await,
        operator.get(&format!("/visit?{query}")).await.body,
        operator.get("/events").await.body,
        operator.get(&format!("/events?{query}")).await.body,
        operator.get("/problems").await.body,
        operator.get(&format!("/events?kind={query}")).await.body,
        operator.get(&format!("/problems?{cause}")).await.body,
    ];
    for id in ids {
        let id = id.to_string();
        pages.push(operator.get(&format!("/event?id={id}")).await.body);
        pages.push(operator.post("/show-body", &[("id", &id)]).await.body);
        let form = [("id", id.as_str()), ("reason", evil)];
        assert_eq!(operator.post("/discard", &form).await.status, 303);
    }
    pages.push(operator.get("/audit").await.body);
    for page in pages {
        // The fields of a form have what somebody selected, so that they can be sent again.
        let mut parts = page.split(r#" value=""#);
        let mut page = parts.next().unwrap().to_owned();
        for part in parts {
            page += part.split_once('"').unwrap().1;
        }
        assert!(page.contains("alert(1)"), "{page}");
        assert!(
            !page.contains("<script>") && !page.contains("<img"),
            "{page}"
        );
        assert!(!page.contains(['\u{202e}', '\u{7}']), "{page}");
    }
}

#[tokio::test]
async fn events_are_selected_and_paged() {
    let (inboxes, _place) = inboxes().await;
    for inbox in inboxes {
        let mut events: Vec<_> = (0..60)
            .map(|_| NewEvent::accepted(left(1, "many")))
            .collect();
        let odd = NewEvent::quarantined(left(2, "odd"), "broken".to_owned());
        let entered = json!({"storeId": 2, "sessionId": "in"}).to_string();
        events.push(odd);
        events.push(NewEvent::accepted(Event::new(&TRANSITION_ENTERED, entered)));
        let ids = append(&inbox, events).await;
        let served = Served::start(inbox).await;
        let operator = served.operator().await;
        let shown = async |path: &str| {
            let page = operator.get(path).await;
            assert_eq!(page.status, 200, "{path}");
            let links = page.body.split(r#"href="event?id="#).skip(1);
            links
                .map(|link| link[..36].parse().unwrap())
                .collect::<Vec<uuid::Uuid>>()
        };
        let newest: Vec<_> = ids.iter().rev().copied().collect();
        assert_eq!(shown("/events").await, newest[..50]);
        let page = operator.get("/events").await.body;
        let (_, older) = page.split_once(r#"rel="next" href=""#).unwrap();
        let older = older.split('"').next().unwrap().replace("&amp;", "&");
        assert_eq!(shown(&format!("/{older}")).await, newest[50..]);

        assert_eq!(shown("/events?kind=entered").await, newest[..1]);
        assert_eq!(shown("/events?state=quarantined").await, newest[1..2]);
        assert_eq!(shown("/events?store=2").await, newest[..2]);
        assert_eq!(shown("/events?session=odd&store=2").await, newest[1..2]);
        assert!(shown("/events?since=2030-01-01T00:00").await.is_empty());
        assert!(shown("/events?until=2020-01-01").await.is_empty());
        for wrong in [
            "/events?kind=x",
            "/events?kind=left&kind=entered",
            "/events?state=x",
            "/events?since=x",
            "/events?before=x",
            "/event",
            "/live?page=x",
        ] {
            let page = operator.get(wrong).await;
            assert_eq!(page.status, 400, "{wrong}");
            assert!(page.body.contains("<h1>Invalid request</h1>"), "{wrong}");
        }
    }
}

#[tokio::test]
async fn stores_and_visits_are_those_of_before_and_of_now() {
    let (inboxes, _place) = inboxes().await;
    for inbox in inboxes {
        append(&inbox, vec![NewEvent::accepted(left(4711, "before"))]).await;
        let served = Served::start(inbox.clone()).await;
        let operator = served.operator().await;
        until(&operator, "/stores", "4711").await;
        until(&operator, "/visits", "before").await;
        append(&inbox, vec![NewEvent::accepted(left(4712, "later"))]).await;
        until(&operator, "/stores", "4712").await;
        until(&operator, "/visits?store=4712", "later").await;
        let of_one = operator.get("/visits?store=4711").await.body;
        assert!(
            of_one.contains("before") && !of_one.contains("later"),
            "{of_one}"
        );
        let story = operator.get("/visit?session=later").await.body;
        assert!(story.contains("4712"), "{story}");
    }
}

/// Whoever sends decides how long texts are, and not how much memory the page needs.
#[tokio::test]
async fn what_is_too_long_is_left_out() {
    let inbox: Arc<dyn Inbox> = Arc::new(MemoryInbox::new());
    let long = "L".repeat(100_000);
    let body = json!({
        "storeId": 5, "storeExternalId": long, "sessionId": "kept", "orderId": 1, "status": long,
        "totalPrice": "12.50", "customer": {"id": long},
    });
    let of_visit = Event::new(&TRANSITION_LEFT, body.to_string());
    let ids = append(
        &inbox,
        vec![
            NewEvent::accepted(of_visit),
            NewEvent::accepted(left(6, &long)),
        ],
    )
    .await;
    let served = Served::start(inbox).await;
    let operator = served.operator().await;
    until(&operator, "/stores", "events?store=6").await;
    until(&operator, "/visits", "1 event without a session").await;
    let story = format!("/visit?event={}", ids[0]);
    assert!(operator.get(&story).await.body.contains("12.50"));
    let story = format!("/visit?event={}", ids[1]);
    assert_eq!(operator.get(&story).await.status, 400);
    for page in ["/stores", "/visits", "/events"] {
        let shown = operator.get(page).await.body;
        assert!(shown.contains(if page == "/stores" {
            "event?id="
        } else {
            "kept"
        }));
        assert!(!shown.contains("LLLL"), "{page}");
    }
}

/// Whoever has the right to be forgotten is not on a page for another day.
#[tokio::test]
async fn what_was_deleted_is_forgotten() {
    let (inboxes, _place) = inboxes().await;
    for inbox in inboxes {
        let served = Served::start(inbox.clone()).await;
        let operator = served.operator().await;
        let ids = append(
            &inbox,
            vec![
                NewEvent::accepted(left(4711, "of-a-person")),
                NewEvent::accepted(left(4712, "of-another")),
            ],
        )
        .await;
        until(&operator, "/visits", "of-a-person").await;
        assert_eq!(inbox.erase(vec![ids[0]]).await.unwrap(), 1);
        let erased = AuditEntry::new("cli:root", "erase", ids[0].to_string());
        inbox.record_action(erased).await.unwrap();
        while operator.get("/visits").await.body.contains("of-a-person") {}
        until(&operator, "/visits", "of-another").await;
        until(&operator, "/stores", "4712").await;
        assert!(!operator.get("/visits").await.body.contains("of-a-person"));
        assert!(!operator.get("/stores").await.body.contains("4711"));
    }
}

#[tokio::test]
async fn the_page_is_where_it_is_mounted() {
    let inbox: Arc<dyn Inbox> = Arc::new(MemoryInbox::new());
    let served = Served::start_with(inbox, |page| {
        let app = Router::new().route("/", get(async || "of the application"));
        app.nest("/ops/push", page)
    });
    let served = served.await;
    let mut operator = served.stranger();
    operator.directory = "/ops/push";
    operator.sign_in(super::OPERATOR).await;
    for (path, location) in [("", "push/now"), ("/sign-in", "now")] {
        let response = operator.get(path).await;
        assert_eq!(response.status, 303);
        let location = format!("location: {location}\r\n");
        assert!(response.head.contains(&location), "{}", response.head);
    }
    assert_eq!(operator.get("/now").await.status, 200);
    assert_eq!(operator.get("/nowhere").await.status, 404);
    operator.directory = "";
    assert_eq!(operator.get("/").await.body, "of the application");
}

#[tokio::test]
async fn an_inbox_that_fails_is_named_as_the_reason() {
    let faulty = FaultyInbox::new(Arc::new(MemoryInbox::new()));
    let served = Served::start(faulty.clone()).await;
    let operator = served.operator().await;
    faulty.set_broken(true);
    for path in ["/events", "/problems", "/consumers", "/audit"] {
        let response = operator.get(path).await;
        assert_eq!(response.status, 503, "{path}");
        assert!(response.body.contains("The inbox"), "{path}");
    }
    faulty.set_broken(false);
    assert_eq!(operator.get("/events").await.status, 200);
}

#[tokio::test]
async fn every_page_says_when_the_receiver_is_not_ready() {
    let faulty = FaultyInbox::new(Arc::new(MemoryInbox::new()));
    let served = Served::start(faulty.clone()).await;
    let operator = served.operator().await;
    let now = operator.get("/now").await.body;
    assert!(!now.contains("Not ready"), "{now}");
    assert!(now.contains(r#"id="value-ready">yes<"#), "{now}");
    assert!(now.contains(r#"id="value-refused">0<"#), "{now}");

    faulty.stop();
    let banner = r#"role="alert">Not ready to receive events: faulty"#;
    for path in ["/now", "/stores", "/events", "/problems", "/audit"] {
        until(&operator, path, banner).await;
    }
    let problem = r#"id="value-ready"><span class="problem">no<"#;
    until(&operator, "/now", problem).await;
}
