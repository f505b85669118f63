//! The limits of the server, and its response to our client.

use std::sync::Arc;

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_receiver::Server;
use aifi_push_testkit::events::{documented, stored};
use insta::assert_snapshot;

use crate::{new_inbox, running::Running};

#[tokio::test]
async fn the_answer_is_the_id_of_the_event() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let answer = running
        .client()
        .deliver(&TRANSITION_LEFT, documented())
        .await
        .unwrap();
    let id = stored(&*inbox).await[0].event.id;
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.decode().unwrap(), id.to_string());
    assert_eq!(id.get_version_num(), 7);
    let raw = running.post(documented().as_bytes()).await;
    let id = stored(&*inbox).await[1].event.id;
    assert!(raw.head.contains(&format!("x-request-id: {id}")));
}

#[tokio::test]
async fn connections_beyond_the_bound_wait() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start_with(
        inbox.clone(),
        |receiver| receiver,
        |server| server.max_connections(2),
    );
    let running = Arc::new(running.await);
    let calls: Vec<_> = (0..500)
        .map(|_| {
            let running = Arc::clone(&running);
            tokio::spawn(async move { running.post(documented().as_bytes()).await.status })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 201);
    }
    assert_eq!(stored(&*inbox).await.len(), 500);
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let first = Server::bind("127.0.0.1:0").await.unwrap();
    let address = first.address().unwrap().to_string();
    let error = Server::bind(&address).await.unwrap_err();
    assert_snapshot!(error.to_string().replace(&address, "ADDRESS"), @"can't listen on ADDRESS");
    assert!(Server::bind("nowhere").await.is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn only_a_socket_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("place");
    let address = format!("unix:{}", path.display());
    std::fs::write(&path, "precious").unwrap();
    let error = Server::bind(&address).await.unwrap_err();
    let text = aifi_push_receiver::inbox::ErrorChain(&error).to_string();
    assert_snapshot!(text.replace(&address, "ADDRESS"), @"can't listen on ADDRESS: the file exists and is no socket: choose another path, or remove the file");
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");

    // What is put in the place of a socket stays when the server ends.
    std::fs::remove_file(&path).unwrap();
    let server = Server::bind(&address).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "precious").unwrap();
    drop(server);
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");

    // A socket that a process left is replaced.
    std::fs::remove_file(&path).unwrap();
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    drop(Server::bind(&address).await.unwrap());
    assert!(!path.exists());
}
