//! Connections that say nothing, or too much.

use std::time::Duration;

use aifi_push_testkit::{
    events::{documented, stored},
    http::{Response, head, head_keep_alive, post},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{new_inbox, running::Running};

const SHORT_TIMEOUT: Duration = Duration::from_millis(100);

async fn post_and_keep_open(stream: &mut TcpStream) -> String {
    let length = format!("Content-Length: {}", documented().len());
    let mut request = head_keep_alive("POST /webhook/left", &[&length]);
    request.extend_from_slice(documented().as_bytes());
    stream.write_all(&request).await.unwrap();
    let mut answer = Vec::new();
    // The body of the response is the id, in quotes.
    while !answer.ends_with(b"\"") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_connection_outlives_the_time_for_a_head() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start_with(
        inbox.clone(),
        |receiver| receiver,
        |server| server.header_timeout(SHORT_TIMEOUT),
    );
    let running = running.await;
    let mut kept = running.connect().await;
    post_and_keep_open(&mut kept).await;
    // One that says nothing ends, three times after each other.
    for _ in 0..3 {
        let mut silent = running.connect().await;
        assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    }
    assert!(
        post_and_keep_open(&mut kept)
            .await
            .starts_with("HTTP/1.1 201")
    );
    // The second head on a connection has the same time as the first.
    kept.write_all(b"POST /webh").await.unwrap();
    assert_eq!(kept.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn an_idle_connection_ends() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start_with(
        inbox.clone(),
        |receiver| receiver,
        |server| {
            server
                .idle_timeout(SHORT_TIMEOUT)
                .header_timeout(SHORT_TIMEOUT)
        },
    );
    let running = running.await;
    let mut stream = running.connect().await;
    post_and_keep_open(&mut stream).await;
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn silent_connections_give_way() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start_with(
        inbox.clone(),
        |receiver| receiver,
        |server| {
            server
                .max_connections(2)
                .header_timeout(Duration::from_secs(600))
        },
    );
    let running = running.await;
    let mut kept = running.connect().await;
    post_and_keep_open(&mut kept).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        let mut stream = running.connect().await;
        stream.write_all(b"POST /").await.unwrap();
        silent.push(stream);
    }
    assert_eq!(running.get("/livez").await.status, 200);
    assert_eq!(running.post(documented().as_bytes()).await.status, 201);
    // Those that never brought a token went first.
    assert!(
        post_and_keep_open(&mut kept)
            .await
            .starts_with("HTTP/1.1 201")
    );
}

#[tokio::test]
async fn a_refusal_arrives_whatever_is_still_sent() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let megabyte = vec![b'x'; 1_000_000];
    for _ in 0..20 {
        let length = "Content-Length: 1000000";
        let mut request = head("POST /webhook/left", &[length]);
        let token = String::from_utf8(request.clone()).unwrap();
        let without_token = token.replace("Authorization", "X");
        request.clear();
        request.extend_from_slice(without_token.as_bytes());
        request.extend_from_slice(&megabyte);
        assert_eq!(whole_exchange(&running, &request).await.status, 401);

        let mut request = head("POST /nowhere", &[length]);
        request.extend_from_slice(&megabyte);
        assert_eq!(whole_exchange(&running, &request).await.status, 404);

        let mut request = head("POST /webhook/left", &["Content-Length: 2000000"]);
        request.extend_from_slice(&megabyte);
        request.extend_from_slice(&megabyte);
        assert_eq!(whole_exchange(&running, &request).await.status, 413);

        let long = format!("X-Long: {}", "x".repeat(1_000_000));
        let request = head("POST /webhook/left", &[&long]);
        assert_eq!(whole_exchange(&running, &request).await.status, 431);
    }
    assert!(stored(&*inbox).await.is_empty());
}

/// Sends everything before it reads, as most clients do.
async fn whole_exchange(running: &Running, request: &[u8]) -> Response {
    let mut stream = running.connect().await;
    stream.write_all(request).await.unwrap();
    Response::read(&mut stream).await
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_before_it_is_sent() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let headers = ["Content-Length: 99999999999", "Expect: 100-continue"];
    let mut stream = running.connect().await;
    stream
        .write_all(&head("POST /webhook/left", &headers))
        .await
        .unwrap();
    let mut answer = vec![0; 16];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 413 Pay");
}

#[tokio::test]
async fn what_is_no_http_is_counted() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let request = post(b"{}");
    let proxied = [
        b"PROXY TCP4 192.0.2.1 192.0.2.2 51000 8080\r\n",
        &request[..],
    ]
    .concat();
    for bytes in [
        &proxied[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and more of a handshake\r\n\r\n",
        b"no HTTP\r\n\r\n",
    ] {
        running.exchange(bytes).await;
    }
    let long = format!("X-Long: {}", "x".repeat(1_000_000));
    running.exchange(&head("GET /livez", &[&long])).await;
    let metrics = running.get("/metrics").await.body;
    for reason in [
        "proxy_protocol",
        "tls_on_plain_port",
        "bad_request",
        "headers_too_large",
    ] {
        let counted = format!("aifi_push_refused_total{{reason=\"{reason}\"}} 1");
        assert!(metrics.contains(&counted), "{metrics}");
    }
}

#[tokio::test]
async fn draining_is_not_ready_and_receives() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    assert_eq!(running.get("/readyz").await.status, 200);
    let metrics = async || running.get("/metrics").await.body;
    assert!(metrics().await.contains("\naifi_push_ready 1\n"));
    let mut kept = running.connect().await;
    post_and_keep_open(&mut kept).await;
    running.receiver.drain();
    assert_eq!(running.get("/readyz").await.status, 503);
    assert!(metrics().await.contains("\naifi_push_ready 0\n"));
    assert_eq!(running.post(documented().as_bytes()).await.status, 201);
    // A kept connection is given up, so that the next request finds another server.
    let answer = post_and_keep_open(&mut kept).await;
    assert!(answer.contains("connection: close"), "{answer}");
}
