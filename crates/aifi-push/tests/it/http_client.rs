//! A client can send with an HTTP client that the user configured.

use std::time::Duration;

use aifi_push::{Client, Error};
use insta::assert_snapshot;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};

use crate::{
    document::example_event,
    server::{Answer, Server, TOKEN},
};

fn with(http: reqwest::ClientBuilder, server: &Server) -> Client {
    let builder = server.builder().http_client(http.build().unwrap());
    builder.build().unwrap()
}

#[tokio::test]
async fn calls_use_the_given_client_and_our_token() {
    let server = Server::start([Answer::status(200, "")]).await;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer theirs"));
    headers.insert(USER_AGENT, HeaderValue::from_static("their-service/1"));
    let http = reqwest::Client::builder().default_headers(headers);

    let client = with(http, &server);
    client.transition_left(&example_event()).await.unwrap();

    let request = server.request();
    assert_eq!(request.line, "POST /api/push/transition/left HTTP/1.1");
    assert_eq!(request.header("user-agent"), "their-service/1");
    assert_eq!(request.header("authorization"), format!("Bearer {TOKEN}"));
}

#[tokio::test]
async fn timeouts_are_those_of_the_given_client() {
    let server = Server::start([Answer::Silence]).await;
    let http = reqwest::Client::builder().timeout(Duration::from_millis(50));
    let client = with(http, &server);
    let error = client.transition_left(&example_event()).await.unwrap_err();
    assert!(
        matches!(error, Error::TimedOut { timeout: None, .. }),
        "{error:?}"
    );
    assert_snapshot!(error.to_string().replace(&server.url(), "URL"), @"URL did not respond in time");
}

#[tokio::test]
async fn a_timeout_that_is_set_applies_to_the_given_client() {
    let server = Server::start([Answer::Silence]).await;
    let client = server
        .builder()
        .http_client(reqwest::Client::new())
        .timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let error = client.transition_left(&example_event()).await.unwrap_err();
    assert_snapshot!(error.to_string().replace(&server.url(), "URL"), @"URL did not respond within 50ms");
}

/// The reason for the advice to turn redirects off.
#[tokio::test]
async fn a_given_client_that_follows_redirects_loses_the_event() {
    let other = Server::start([Answer::status(200, "")]).await;
    let location = format!("location: {}/elsewhere\r\n", other.url());
    let server = Server::start([Answer::with_headers(302, &location, "")]).await;

    let client = with(reqwest::Client::builder(), &server);
    client.transition_left(&example_event()).await.unwrap();
    let followed = other.request();
    assert_eq!(followed.line, "GET /elsewhere HTTP/1.1");
    assert!(followed.body.is_empty());
    assert!(!followed.has("authorization"), "{followed:?}");

    let none = reqwest::redirect::Policy::none();
    let client = with(reqwest::Client::builder().redirect(none), &server);
    let error = client.transition_left(&example_event()).await.unwrap_err();
    assert_eq!(error.rejection().unwrap().status(), 302);
}
