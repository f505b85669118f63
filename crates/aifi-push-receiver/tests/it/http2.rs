//! HTTP/2, where a client begins with it.

use aifi_push_testkit::{
    events::{documented, stored},
    http::TOKEN,
};
use hyper::{Request, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{new_inbox, running::Running};

/// Posts two events at a time on one connection.
pub(crate) async fn post_two(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let executor = TokioExecutor::new();
    let (mut sender, connection) = http2::handshake(executor, TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = || {
        Request::post("http://retailer.example/webhook/left")
            .header("Authorization", format!("Bearer {TOKEN}"))
            .body(documented().to_owned())
            .unwrap()
    };
    let (first, second) = (
        sender.send_request(request()),
        sender.send_request(request()),
    );
    let (first, second) = tokio::join!(first, second);
    assert_eq!(
        (first.unwrap().status(), second.unwrap().status()),
        (201.try_into().unwrap(), 201.try_into().unwrap())
    );
}

#[tokio::test]
async fn events_arrive_by_http2_with_prior_knowledge() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    post_two(running.connect().await).await;
    assert_eq!(stored(&*inbox).await.len(), 2);
}
