//! Where a body is delivered, and with which headers.

use aifi_push::{
    Client, Error, Operation,
    operations::{CHECKOUT, CHECKOUT_ZONE_LEFT, ENTRY_CODE_VERIFY, TRANSITION_LEFT},
};

use crate::{
    document::example_event,
    server::{Answer, Server, TOKEN},
};

async fn server() -> Server {
    Server::start([Answer::status(200, "")]).await
}

#[tokio::test]
async fn the_segment_has_its_place_in_the_url() {
    for (base_path, called) in [
        ("", "/left"),
        ("/", "/left"),
        ("/hook", "/hook/left"),
        ("/hook/", "/hook/left"),
        ("/api?code=a%2Fb", "/api/left?code=a%2Fb"),
        ("/api/?code=abc", "/api/left?code=abc"),
        ("/hook/{kind}", "/hook/left"),
        ("/{kind}/in?code=abc", "/left/in?code=abc"),
        ("/in?event={kind}&code=abc", "/in?event=left&code=abc"),
    ] {
        let server = server().await;
        let url = server.url() + base_path;
        let client = Client::builder(url).bearer_token(TOKEN).build().unwrap();
        client.deliver(&TRANSITION_LEFT, "{}").await.unwrap();
        let line = format!("POST {called} HTTP/1.1");
        assert_eq!(server.request().line, line, "{base_path}");
    }
}

#[tokio::test]
async fn each_kind_has_its_path() {
    let called = async |base_path: &str, is_exact: bool, operation: &Operation| {
        let server = server().await;
        let builder = Client::builder(server.url() + base_path).bearer_token(TOKEN);
        let builder = if is_exact {
            builder.exact_url()
        } else {
            builder
        };
        let client = builder.build().unwrap();
        client.deliver(operation, "{}").await.unwrap();
        server.request().line
    };
    for (operation, route, kind) in [
        (CHECKOUT, "checkout", "checkout"),
        (
            CHECKOUT_ZONE_LEFT,
            "checkout-zone/left",
            "checkout-zone-left",
        ),
        (ENTRY_CODE_VERIFY, "entry-code/verify", "entry-code-verify"),
    ] {
        let line = |path: &str| format!("POST {path} HTTP/1.1");
        let below = called("/hook", false, &operation).await;
        assert_eq!(below, line(&format!("/hook/{route}")));
        let placed = called("/hook/{kind}?a=b", false, &operation).await;
        assert_eq!(placed, line(&format!("/hook/{kind}?a=b")));
        let exact = called("/hook?a=b", true, &operation).await;
        assert_eq!(exact, line("/hook?a=b"));
    }
}

#[tokio::test]
async fn the_method_is_that_of_the_operation() {
    for method in ["POST", "PUT", "PATCH"] {
        let server = server().await;
        let mut operation = TRANSITION_LEFT;
        operation.method = method;
        server.client().deliver(&operation, "{}").await.unwrap();
        let line = format!("{method} /left HTTP/1.1");
        assert_eq!(server.request().line, line);
    }
}

#[tokio::test]
async fn every_call_has_the_query() {
    let server = server().await;
    let url = server.url() + "/api?code=abc";
    let client = Client::builder(url).bearer_token(TOKEN).build().unwrap();
    client.transition_left(&example_event()).await.unwrap();
    let line = "POST /api/api/push/transition/left?code=abc HTTP/1.1";
    assert_eq!(server.request().line, line);
    // It may be a key.
    assert!(!format!("{client:?}").contains("abc"));
}

#[tokio::test]
async fn headers_are_added() {
    let server = server().await;
    let headers = [("webhook-id", "7"), ("webhook-timestamp", "1674087231")];
    let client = server.client();
    let delivered = client.deliver_with_headers(&TRANSITION_LEFT, "{}", &headers);
    delivered.await.unwrap();
    let request = server.request();
    assert_eq!(request.header("webhook-id"), "7");
    assert_eq!(request.header("webhook-timestamp"), "1674087231");
    assert_eq!(request.header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(request.body, b"{}");

    let invalid = client.deliver_with_headers(&TRANSITION_LEFT, "{}", &[("a", "b\n")]);
    let error = invalid.await.unwrap_err();
    assert!(matches!(error, Error::Configuration { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_wants_no_token_gets_none() {
    let server = server().await;
    let client = Client::builder(server.url()).no_token().build().unwrap();
    client.deliver(&TRANSITION_LEFT, "{}").await.unwrap();
    assert!(!server.request().has("authorization"));
}
