//! A call is sent again if that may help and the policy allows it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use aifi_push::{Error, RetryPolicy};

use crate::{
    document::example_event,
    server::{Answer, Server, TOKEN},
};

/// Returns a policy without noticeable delays.
fn quick() -> RetryPolicy {
    let millisecond = Duration::from_millis(1);
    RetryPolicy::default()
        .first_delay(millisecond)
        .max_delay(millisecond)
}

#[tokio::test]
async fn off_by_default() {
    let server = Server::start([Answer::status(503, ""), Answer::status(200, "")]).await;
    let error = server.client().transition_left(&example_event()).await;
    assert_eq!(error.unwrap_err().rejection().unwrap().status(), 503);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn two_503_and_then_200_are_three_equal_requests() {
    let server = Server::start([
        Answer::status(503, ""),
        Answer::status(503, ""),
        Answer::status(200, ""),
    ])
    .await;
    let client = server.builder().retry(quick()).build().unwrap();
    client.transition_left(&example_event()).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.line, requests[0].line);
        assert_eq!(request.headers, requests[0].headers);
        assert_eq!(request.body, requests[0].body);
    }
}

#[tokio::test]
async fn a_lost_connection_is_tried_again() {
    let server = Server::start([Answer::Nothing, Answer::status(200, "")]).await;
    let client = server.builder().retry(quick()).build().unwrap();
    client.transition_left(&example_event()).await.unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn attempts_are_bounded() {
    let server = Server::start([Answer::status(503, "")]).await;
    for (max_attempts, sent) in [(3, 3), (1, 1), (0, 1)] {
        let before = server.requests().len();
        let retries = quick().max_attempts(max_attempts);
        let client = server.builder().retry(retries).build().unwrap();
        client.transition_left(&example_event()).await.unwrap_err();
        assert_eq!(server.requests().len() - before, sent);
    }
}

#[tokio::test]
async fn what_is_not_retryable_is_sent_once() {
    for status in [302, 400, 401, 422, 501] {
        let server = Server::start([Answer::status(status, "")]).await;
        let client = server.builder().retry(quick()).build().unwrap();
        client.transition_left(&example_event()).await.unwrap_err();
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let start = Instant::now();
    let server = Server::start([
        Answer::with_headers(503, "retry-after: 1\r\n", ""),
        Answer::status(200, ""),
    ])
    .await;
    let retries = quick().max_delay(Duration::from_secs(5));
    let client = server.builder().retry(retries).build().unwrap();
    client.transition_left(&example_event()).await.unwrap();
    // A lower bound holds on the slowest machine.
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_longer_wait_than_allowed_ends_the_call() {
    for header in [
        "retry-after: 3600\r\n",
        "retry-after: Fri, 31 Dec 2100 23:59:59 GMT\r\n",
    ] {
        let server = Server::start([Answer::with_headers(429, header, "")]).await;
        let client = server.builder().retry(quick()).build().unwrap();
        let error = client.transition_left(&example_event()).await.unwrap_err();
        let retry_after = error.rejection().unwrap().retry_after().unwrap();
        assert!(retry_after >= Duration::from_secs(3600));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn the_source_of_the_token_is_called_at_each_attempt() {
    let server = Server::start([Answer::status(503, ""), Answer::status(200, "")]).await;
    let calls = Arc::new(AtomicU32::new(0));
    let client = server
        .builder()
        .bearer_token_source(move || {
            let number = calls.fetch_add(1, Ordering::Relaxed);
            async move { Ok::<_, Error>(format!("{TOKEN}-{number}")) }
        })
        .retry(quick())
        .build()
        .unwrap();
    client.transition_left(&example_event()).await.unwrap();
    client.transition_left(&example_event()).await.unwrap();
    let tokens: Vec<String> = server
        .requests()
        .iter()
        .map(|request| request.header("authorization").to_owned())
        .collect();
    let expected = [0, 1, 2].map(|number| format!("Bearer {TOKEN}-{number}"));
    assert_eq!(tokens, expected);
}

#[tokio::test]
async fn a_source_that_fails_is_called_again() {
    let server = Server::start([Answer::status(200, "")]).await;
    let calls = Arc::new(AtomicU32::new(0));
    let client = server
        .builder()
        .bearer_token_source(move || {
            let first = calls.fetch_add(1, Ordering::Relaxed) == 0;
            async move {
                if first {
                    Err("vault is sealed")
                } else {
                    Ok(TOKEN.to_owned())
                }
            }
        })
        .retry(quick())
        .build()
        .unwrap();
    client.transition_left(&example_event()).await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_source_of_bad_tokens_is_a_configuration_error() {
    let server = Server::start([Answer::status(200, "")]).await;
    let client = server
        .builder()
        .bearer_token_source(|| async { Ok::<_, Error>("from a file\n".to_owned()) })
        .retry(quick())
        .build()
        .unwrap();
    let error = client.transition_left(&example_event()).await.unwrap_err();
    assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
    assert!(server.requests().is_empty());
}
