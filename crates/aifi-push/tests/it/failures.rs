//! Each kind of failure has its own error, which says whether sending again may help.

use std::{error::Error as _, time::Duration};

use aifi_push::{Client, Error, types::ApiError};
use insta::assert_snapshot;
use tokio::net::TcpListener;

use crate::{
    document::example_event,
    server::{Answer, Server, TOKEN},
};

async fn failure(answer: Answer) -> (Server, Error) {
    let server = Server::start([answer]).await;
    let error = server.client().transition_left(&example_event()).await;
    (server, error.unwrap_err())
}

/// Returns the error and its sources, without the port.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    let digits = |c: char| c.is_ascii_digit();
    let mut parts = text.split("127.0.0.1:");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| {
        text + "127.0.0.1:PORT" + part.trim_start_matches(digits)
    })
}

#[tokio::test]
async fn the_connection_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::builder(url).bearer_token(TOKEN).build().unwrap();
    let error = client.transition_left(&example_event()).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert!(error.is_retryable());
    assert_snapshot!(error.to_string().replace(char::is_numeric, "0"), @"could not connect to http://000.0.0.0:00000");
    assert!(
        chain(&error).contains("Connection refused"),
        "{}",
        chain(&error)
    );
}

#[tokio::test]
async fn the_server_closes_early() {
    let (_server, error) = failure(Answer::Nothing).await;
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    assert!(error.is_retryable());
    assert_snapshot!(chain(&error), @"the connection to http://127.0.0.1:PORT ended before a response arrived: error sending request: client error (SendRequest): connection closed before message completed");
}

#[tokio::test]
async fn the_server_closes_in_the_head() {
    let (_server, error) = failure(Answer::Text("HTTP/1.1 200 OK\r\ncont".to_owned())).await;
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
}

#[tokio::test]
async fn the_server_speaks_no_http() {
    let (_server, error) = failure(Answer::Text("220 mail.example ESMTP\r\n".to_owned())).await;
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    assert_snapshot!(chain(&error), @"the connection to http://127.0.0.1:PORT ended before a response arrived: error sending request: client error (SendRequest): invalid HTTP version parsed");
}

#[tokio::test]
async fn the_server_is_slow() {
    let server = Server::start([Answer::Silence]).await;
    let client = server.builder().timeout(Duration::from_millis(50));
    let error = client
        .build()
        .unwrap()
        .transition_left(&example_event())
        .await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    assert!(error.is_retryable());
    assert_snapshot!(error.to_string().replace(&server.url(), "URL"), @"URL did not respond within 50ms");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn the_server_does_not_accept_the_token() {
    for status in [401, 403] {
        let (_server, error) = failure(Answer::status(status, "no")).await;
        assert!(
            matches!(&error, Error::Unauthorized(r) if r.status() == status),
            "{error:?}"
        );
        assert!(!error.is_retryable());
    }
    let (_server, error) = failure(Answer::status(401, "no")).await;
    assert_snapshot!(error, @"the server does not accept the token: 401 Unauthorized");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::start([Answer::status(200, "")]).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}/api/push/transition/left\r\n", other.url());
        let (server, error) = failure(Answer::with_headers(status, &location, "")).await;
        assert!(
            matches!(&error, Error::Rejected(r) if r.status() == status),
            "{error:?}"
        );
        assert!(!error.is_retryable());
        assert!(server.request().line.starts_with("POST"));
    }
    assert!(other.requests().is_empty());
    let (_server, error) = failure(Answer::status(302, "")).await;
    assert_snapshot!(error, @"the server rejected the call: 302 Found (redirects are not followed: set the final address as the base URL)");
}

#[tokio::test]
async fn a_rejection_keeps_status_and_body() {
    let body = r#"{"message": "bad", "type": "E_INVALID_BODY", "errors": [{"field": "storeId"}]}"#;
    let (_server, error) = failure(Answer::status(422, body)).await;
    let rejection = error.rejection().unwrap();
    assert_eq!(rejection.status(), 422);
    assert_eq!(rejection.body(), body.as_bytes());
    let problem: ApiError = aifi_push::from_slice(rejection.body()).unwrap();
    assert_eq!(problem.type_.as_deref(), Some("E_INVALID_BODY"));
    assert_snapshot!(error, @"the server rejected the call: 422 Unprocessable Entity");
}

#[tokio::test]
async fn html_is_a_rejection_like_any_other() {
    let page = format!("<html>{}</html>", "x".repeat(100_000));
    let (_server, error) = failure(Answer::status(502, &page)).await;
    let rejection = error.rejection().unwrap();
    assert_eq!(rejection.body(), &page.as_bytes()[..8 * 1024]);
    assert!(error.is_retryable());
}

#[tokio::test]
async fn which_statuses_are_retryable() {
    let retryable = [408, 425, 429, 500, 502, 503, 504, 507];
    for status in [
        300, 304, 400, 402, 404, 405, 408, 409, 413, 415, 418, 422, 425, 429, 500, 501, 502, 503,
        504, 505, 507, 511, 599,
    ] {
        let (_server, error) = failure(Answer::status(status, "")).await;
        assert!(
            matches!(&error, Error::Rejected(r) if r.status() == status),
            "{error:?}"
        );
        assert_eq!(
            error.is_retryable(),
            retryable.contains(&status),
            "{status}"
        );
    }
}

#[tokio::test]
async fn retry_after_in_seconds_or_as_a_date() {
    let cases = [
        ("retry-after: 120\r\n", Some(Duration::from_secs(120))),
        ("retry-after: 0\r\n", Some(Duration::ZERO)),
        (
            "retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
            Some(Duration::ZERO),
        ),
        ("retry-after: soon\r\n", None),
        ("retry-after: -5\r\n", None),
        ("", None),
    ];
    for (header, expected) in cases {
        let (_server, error) = failure(Answer::with_headers(503, header, "")).await;
        assert_eq!(
            error.rejection().unwrap().retry_after(),
            expected,
            "{header}"
        );
    }
    let far = "retry-after: Fri, 31 Dec 2100 23:59:59 GMT\r\n";
    let (_server, error) = failure(Answer::with_headers(503, far, "")).await;
    let a_year = Duration::from_secs(365 * 24 * 60 * 60);
    assert!(error.rejection().unwrap().retry_after().unwrap() > a_year);
}
