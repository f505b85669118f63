//! Requests that are refused, cut off, slow, or just odd.

use std::time::Duration;

use aifi_push_receiver::inbox::EventState;
use aifi_push_testkit::{
    events::{bodies, documented, stored},
    http::{Response, head, post},
};
use axum::http::StatusCode;
use insta::{allow_duplicates, assert_snapshot};
use tokio::io::AsyncWriteExt;

use crate::{new_inbox, running::Running};

const SHORT_TIMEOUT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn the_path_and_the_method_are_checked() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    for path in ["/", "/left", "/webhook/right", "/webhook/left/x"] {
        for method in ["GET", "POST"] {
            let answer = running
                .exchange(&head(&format!("{method} {path}"), &["Content-Length: 0"]))
                .await;
            assert_eq!(answer.status, 404, "{path}");
            allow_duplicates! { assert_snapshot!(answer.body, @r#"{"message":"no event is received at this path","type":"E_NOT_FOUND","errors":[]}"#); }
        }
    }
    for method in ["GET", "PUT", "DELETE"] {
        let answer = running
            .exchange(&head(&format!("{method} /webhook/left"), &[]))
            .await;
        assert_eq!(answer.status, 405);
        assert!(answer.head.contains("allow: post"), "{}", answer.head);
        allow_duplicates! { assert_snapshot!(answer.body, @r#"{"message":"an event is sent by POST","type":"E_METHOD_NOT_ALLOWED","errors":[]}"#); }
    }
    assert!(stored(&*inbox).await.is_empty());
}

#[tokio::test]
async fn an_event_at_the_url_itself_is_told_where_it_belongs() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let post = async |path: &str| {
        let request = head(&format!("POST {path}"), &["Content-Length: 0"]);
        let answer = running.exchange(&request).await;
        assert_eq!(answer.status, 404, "{path}");
        answer.body
    };
    assert_snapshot!(post("/webhook").await, @r#"{"message":"no event is received at this path itself: those of the webhook `transitions` are at /left and /entered below it, and other webhooks have other URLs","type":"E_NOT_FOUND","errors":[]}"#);
    assert_snapshot!(post("/webhook/checkout-zone/").await, @r#"{"message":"no event is received at this path itself: those of the webhook `checkout-zone` are at /entered and /left below it, and other webhooks have other URLs","type":"E_NOT_FOUND","errors":[]}"#);
    let metrics = running.get("/metrics").await.body;
    let counted = r#"aifi_push_refused_total{reason="not_found"} 2"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert!(stored(&*inbox).await.is_empty());
}

#[tokio::test]
async fn probes_are_no_lost_events() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    for (method, path, expected) in [
        ("GET", "/webhook", 200),
        ("HEAD", "/webhook/", 200),
        ("GET", "/webhook/transition", 200),
        ("GET", "/webhook/checkout-zone", 200),
        ("OPTIONS", "/webhook", 204),
        ("OPTIONS", "/webhook/checkout-zone", 204),
        ("OPTIONS", "/webhook/checkout", 204),
        // Events arrive at this URL itself, perhaps by a redirect.
        ("GET", "/webhook/checkout", 405),
        ("OPTIONS", "/webhook/left", 204),
        ("HEAD", "/webhook/left", 405),
        ("GET", "/webhook/left", 405),
        ("GET", "/favicon.ico", 404),
    ] {
        let answer = running
            .exchange(&head(&format!("{method} {path}"), &[]))
            .await;
        assert_eq!(answer.status, expected, "{method} {path}");
        if path.starts_with("/webhook/left") || method == "OPTIONS" {
            assert!(
                answer.head.contains("allow: post, options"),
                "{method} {path}"
            );
        }
    }
    let metrics = running.get("/metrics").await.body;
    let mut refused = metrics
        .lines()
        .filter(|line| line.starts_with("aifi_push_refused_total{"));
    assert!(refused.all(|line| line.ends_with(" 0")), "{metrics}");
    assert_eq!(
        running
            .exchange(&head("PUT /webhook/left", &[]))
            .await
            .status,
        405
    );
    let metrics = running.get("/metrics").await.body;
    assert!(metrics.contains(r#"aifi_push_refused_total{reason="method_not_allowed"} 1"#));
}

#[tokio::test]
async fn slashes_and_media_types_cost_no_event() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let request = String::from_utf8(post(documented().as_bytes())).unwrap();
    let typed = |media_type: &str| {
        request.replace(
            "Content-Type: application/json",
            &format!("Content-Type: {media_type}"),
        )
    };
    let at = |path: &str| request.replace("/webhook/left", path);
    let requests = [
        at("/webhook/left/"),
        at("//webhook//left"),
        at("/webhook/%6Ceft?source=aifi"),
        at("http://retailer.example/webhook/left"),
        at("/webhook/api/push/transition/left"),
        request.replace("Content-Type: application/json\r\n", ""),
        typed(""),
        typed("text/plain"),
        typed("application/json, application/json"),
        typed("application/x-www-form-urlencoded"),
        typed("\u{e9}"),
    ];
    for request in &requests {
        assert_eq!(
            running.exchange(request.as_bytes()).await.status,
            201,
            "{request}"
        );
    }
    assert_eq!(stored(&*inbox).await.len(), requests.len());

    // The type may say why a body fails to decode.
    let form = typed("application/x-www-form-urlencoded").replace('{', "x");
    assert_eq!(running.exchange(form.as_bytes()).await.status, 422);
    let quarantined = stored(&*inbox).await.pop().unwrap();
    let headers: Vec<_> = quarantined.event.headers.iter().collect();
    assert_snapshot!(format!("{headers:?}"), @r#"[("content-type", "application/x-www-form-urlencoded")]"#);
}

#[tokio::test]
async fn a_body_that_does_not_decode_is_stored_and_quarantined() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let body = r#"{"storeId": "7"}"#;
    let answer = running.post(body.as_bytes()).await;
    assert_eq!(answer.status, 422);
    let entry = &stored(&*inbox).await[0];
    let shown = answer.body.replace(&entry.event.id.to_string(), "ID");
    assert_snapshot!(shown, @r#"{"message":"the body failed to decode; it is stored under this id, for an operator","type":"E_INVALID_BODY","errors":[{"error":"`storeId` at line 1, column 16: expected a 64-bit integer, found a string","rule":"schema","field":"storeId"}],"id":"ID"}"#);
    assert_eq!(entry.state, EventState::Quarantined);
    assert_eq!(&entry.event.body[..], body.as_bytes());

    let (inbox, _directory) = new_inbox().await;
    let lenient = Running::start_with(
        inbox.clone(),
        |receiver| receiver.quarantined_status(StatusCode::ACCEPTED),
        |server| server,
    );
    assert_eq!(lenient.await.post(b"[]").await.status, 202);
    assert_eq!(stored(&*inbox).await[0].state, EventState::Quarantined);
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_limit() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start_with(
        inbox.clone(),
        |receiver| receiver.max_body_bytes(1000),
        |server| server,
    );
    let running = running.await;
    assert_eq!(running.post(&[b'x'; 1000]).await.status, 422);
    let answer = running.post(&[b'x'; 1001]).await;
    assert_eq!(answer.status, 413);
    assert_snapshot!(answer.body, @r#"{"message":"the body is too large: at most 1000 bytes are accepted","type":"E_BODY_TOO_LARGE","errors":[]}"#);

    // Without a length, the limit is met on the way.
    let chunked = |bytes: usize| {
        let mut call = head("POST /webhook/left", &["Transfer-Encoding: chunked"]);
        for _ in 0..bytes / 100 {
            call.extend_from_slice(b"64\r\n");
            call.extend_from_slice(&[b'x'; 100]);
            call.extend_from_slice(b"\r\n");
        }
        call.extend_from_slice(b"0\r\n\r\n");
        call
    };
    assert_eq!(running.exchange(&chunked(1000)).await.status, 422);
    assert_eq!(running.exchange(&chunked(1100)).await.status, 413);
    let lengths: Vec<_> = bodies(&*inbox).await.iter().map(Vec::len).collect();
    assert_eq!(lengths, [1000, 1000]);
}

#[tokio::test]
async fn what_does_not_arrive_in_full_is_not_stored() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    // Half a body, and the sender is gone.
    let mut half = running.connect().await;
    half.write_all(&head("POST /webhook/left", &["Content-Length: 100"]))
        .await
        .unwrap();
    half.write_all(b"{").await.unwrap();
    half.shutdown().await.unwrap();
    let answer = Response::read(&mut half).await;
    assert!(matches!(answer.status, 0 | 400), "{answer:?}");

    // A chunk that breaks off, and one that is none.
    for chunks in ["5\r\nab", "zz\r\nab\r\n0\r\n\r\n"] {
        let mut call = head("POST /webhook/left", &["Transfer-Encoding: chunked"]);
        call.extend_from_slice(chunks.as_bytes());
        let mut stream = running.connect().await;
        stream.write_all(&call).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = Response::read(&mut stream).await;
        assert!(matches!(answer.status, 0 | 400), "{answer:?}");
    }
    let lengths = head(
        "POST /webhook/left",
        &["Content-Length: 1", "Content-Length: 2"],
    );
    assert_eq!(running.exchange(&lengths).await.status, 400);
    assert!(stored(&*inbox).await.is_empty());
    assert_eq!(running.post(documented().as_bytes()).await.status, 201);
}

#[tokio::test]
async fn slow_bodies_and_heads_time_out() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start_with(
        inbox.clone(),
        |receiver| receiver.body_timeout(SHORT_TIMEOUT),
        |server| server.header_timeout(SHORT_TIMEOUT),
    );
    let running = running.await;
    let mut slow_body = running.connect().await;
    let request = head("POST /webhook/left", &["Content-Length: 100"]);
    slow_body.write_all(&request).await.unwrap();
    let answer = Response::read(&mut slow_body).await;
    assert_eq!(answer.status, 408);
    assert_snapshot!(answer.body, @r#"{"message":"the body did not arrive in time","type":"E_BODY_TIMEOUT","errors":[]}"#);

    let mut slow_head = running.connect().await;
    slow_head.write_all(b"POST /webh").await.unwrap();
    let answer = Response::read(&mut slow_head).await;
    assert!(matches!(answer.status, 0 | 408), "{answer:?}");
    let mut silent = running.connect().await;
    assert!(matches!(Response::read(&mut silent).await.status, 0 | 408));
    assert!(stored(&*inbox).await.is_empty());
}

#[tokio::test]
async fn a_head_or_a_token_of_a_mebibyte_is_refused() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let long = "x".repeat(1024 * 1024);
    for header in [
        format!("X-Long: {long}"),
        format!("Authorization: Bearer {long}"),
    ] {
        let answer = running
            .exchange(&head("POST /webhook/left", &[&header]))
            .await;
        // The answer is lost where the connection is reset with bytes of ours unread.
        assert!(matches!(answer.status, 0 | 431), "{}", answer.status);
    }
    assert_eq!(running.post(documented().as_bytes()).await.status, 201);
}

#[tokio::test]
async fn calls_may_follow_each_other_without_waiting() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let call = |body: &str| String::from_utf8(post(body.as_bytes())).unwrap();
    let keep = |call: String| call.replace("Connection: close\r\n", "");
    let pipeline = keep(call("1")) + &keep(call("2")) + &call("3");
    let answer = running.exchange(pipeline.as_bytes()).await;
    assert_eq!(
        (answer.head + &answer.body)
            .to_ascii_lowercase()
            .matches("http/1.1 422")
            .count(),
        3
    );
    assert_eq!(bodies(&*inbox).await, [b"1", b"2", b"3"]);
}
