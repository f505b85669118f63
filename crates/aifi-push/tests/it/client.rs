//! What a call sends, and which responses are a success.

use aifi_push::{
    Client, Json, from_slice, operations,
    types::{Checkout, TransitionLeft},
};
use serde_json::Value;

use crate::{
    document::{example, example_event},
    server::{Answer, Server, TOKEN},
};

#[tokio::test]
async fn the_documented_event_arrives() {
    let server = Server::start([Answer::status(201, "\"thanks\"")]).await;
    let response = server
        .client()
        .transition_left(&example_event())
        .await
        .unwrap();

    assert_eq!(response.status(), 201);
    assert_eq!(response.decode().unwrap(), "thanks");
    let request = server.request();
    assert_eq!(request.line, "POST /api/push/transition/left HTTP/1.1");
    assert_eq!(request.header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(request.header("content-type"), "application/json");
    let arrived: TransitionLeft = from_slice(&request.body).unwrap();
    assert_eq!(arrived, example_event());
    let mut sent = example();
    sent["session"]
        .as_object_mut()
        .unwrap()
        .remove("referencedSessionId");
    assert_eq!(
        serde_json::from_slice::<Value>(&request.body).unwrap(),
        sent
    );
}

#[tokio::test]
async fn no_header_is_sent_that_the_document_does_not_declare() {
    let server = Server::start([Answer::status(200, "")]).await;
    server
        .client()
        .transition_left(&example_event())
        .await
        .unwrap();
    let request = server.request();
    let mut names: Vec<&str> = request
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    let http = [
        "accept",
        "authorization",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    ];
    assert_eq!(names, http);
    assert_eq!(request.header("accept"), "application/json");
    let agent = request.header("user-agent");
    assert_eq!(agent, concat!("aifi-push/", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn any_2xx_is_a_success_whatever_its_body() {
    let html = "<html>Thank you</html>";
    let broken_off = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n\"tha".to_owned();
    for (answer, body) in [
        (Answer::status(200, "\"string\""), "\"string\""),
        (Answer::status(201, ""), ""),
        (
            Answer::with_headers(202, "content-type: text/html\r\n", html),
            html,
        ),
        (
            Answer::Text("HTTP/1.1 204 No Content\r\n\r\n".to_owned()),
            "",
        ),
        (Answer::status(299, "{}"), "{}"),
        (Answer::Text(broken_off), "\"tha"),
    ] {
        let server = Server::start([answer]).await;
        let response = server
            .client()
            .transition_left(&example_event())
            .await
            .unwrap();
        assert_eq!(response.body(), body.as_bytes());
    }
}

#[tokio::test]
async fn no_more_than_8_kib_of_an_answer_are_kept() {
    let server = Server::start([Answer::status(200, &"x".repeat(100_000))]).await;
    let response = server
        .client()
        .transition_left(&example_event())
        .await
        .unwrap();
    assert_eq!(response.body().len(), 8 * 1024);
    assert!(!response.is_complete());
}

#[tokio::test]
async fn an_answer_is_kept_up_to_1_mib() {
    const LIMIT: usize = 1024 * 1024;
    let example = operations::CHECKOUT.example.unwrap();
    let order: Checkout = from_slice(example.as_bytes()).unwrap();
    for (length, is_complete) in [(LIMIT, true), (LIMIT + 1, false)] {
        let answer = format!("\"{}\"", "x".repeat(length - 2));
        let server = Server::start([Answer::status(200, &answer)]).await;
        let response = server.client().checkout(&order).await.unwrap();
        assert_eq!(response.body(), &answer.as_bytes()[..LIMIT]);
        assert_eq!(response.is_complete(), is_complete);
        assert_eq!(response.decode().is_ok(), is_complete);
    }
}

#[tokio::test]
async fn a_base_path_is_kept() {
    let server = Server::start([Answer::status(200, "")]).await;
    for (base, path) in [
        ("", "/api/push/transition/left"),
        ("/", "/api/push/transition/left"),
        ("/hooks", "/hooks/api/push/transition/left"),
        ("/hooks/aifi/", "/hooks/aifi/api/push/transition/left"),
    ] {
        let client = Client::builder(server.url() + base).bearer_token(TOKEN);
        let client = client.build().unwrap();
        client.transition_left(&example_event()).await.unwrap();
        let line = server.requests().pop().unwrap().line;
        assert_eq!(line, format!("POST {path} HTTP/1.1"));
    }
}

#[tokio::test]
async fn a_large_event_arrives_whole() {
    let mut event = example_event();
    let text = "x".repeat(8 * 1024 * 1024);
    event.extra.insert("large".to_owned(), Json::from(text));
    let server = Server::start([Answer::status(200, "")]).await;
    server.client().transition_left(&event).await.unwrap();
    let arrived: TransitionLeft = from_slice(&server.request().body).unwrap();
    assert!(arrived == event);
}

#[tokio::test]
async fn a_call_can_be_spawned_and_a_client_shared() {
    let server = Server::start([Answer::status(200, "")]).await;
    let client = server.client();
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.transition_left(&example_event()).await.map(drop) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(server.requests().len(), 4);
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
#[test]
fn a_client_for_the_sandbox_is_one_call() {
    let client = Client::sandbox(TOKEN).unwrap();
    let url = crate::document::document()["servers"][0]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(format!("{client:?}").contains(&url), "{client:?}");
}
