//! Events that another receiver forwarded.

use aifi_push_receiver::inbox::VIA_HEADER;
use aifi_push_testkit::{
    events::{documented, stored},
    http::post,
};
use uuid::Uuid;

use crate::{new_inbox, running::Running};

#[tokio::test]
async fn an_event_that_comes_back_is_not_stored_again() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let send = async |via: &str| {
        let request = String::from_utf8(post(documented().as_bytes())).unwrap();
        let via = format!("POST /webhook/left HTTP/1.1\r\n{VIA_HEADER}: {via}");
        let request = request.replace("POST /webhook/left HTTP/1.1", &via);
        running.exchange(request.as_bytes()).await
    };
    let elsewhere = format!("{}, no id", Uuid::now_v7());
    assert_eq!(send(&elsewhere).await.status, 201);
    let first = stored(&*inbox).await.pop().unwrap();
    assert_eq!(first.event.headers[VIA_HEADER], elsewhere);

    let answer = send(&format!("{elsewhere}, {}", first.event.id)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, format!("{:?}", first.event.id.to_string()));
    assert_eq!(stored(&*inbox).await.len(), 1);
    let metrics = running.get("/metrics").await.body;
    assert!(metrics.contains("aifi_push_returned_total 1"), "{metrics}");
}
