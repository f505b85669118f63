//! Which requests are accepted.

use aifi_push_receiver::{Receiver, Server, Tokens};
use aifi_push_testkit::{
    events::{bodies, documented},
    http::{self, TOKEN},
};
use axum::{Router, routing::get};
use insta::{allow_duplicates, assert_snapshot};

use crate::{new_inbox, running::Running};

fn call(authorization: &[&str]) -> Vec<u8> {
    let body = documented();
    let mut call = format!(
        "POST /webhook/left HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    for value in authorization {
        call += &format!("Authorization: {}\r\n", value.replace("s3cret", TOKEN));
    }
    (call + "\r\n" + body).into_bytes()
}

#[tokio::test]
async fn only_a_known_token_is_accepted() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    for accepted in ["Bearer s3cret", "bearer s3cret", "BEARER  s3cret"] {
        assert_eq!(running.exchange(&call(&[accepted])).await.status, 201);
    }
    let refused: [&[&str]; 9] = [
        &[],
        &[""],
        &["Bearer"],
        &["Bearer "],
        &["Bearer s3cre"],
        &["Bearer s3cret2"],
        &["Basic s3cret"],
        &["s3cret"],
        &["Bearer s3cret", "Bearer s3cret"],
    ];
    for authorization in refused {
        let answer = running.exchange(&call(authorization)).await;
        assert_eq!(answer.status, 401, "{authorization:?}");
        assert!(answer.head.contains("www-authenticate: bearer"));
        allow_duplicates! { assert_snapshot!(answer.body, @r#"{"message":"missing or unknown token: send `Authorization: Bearer <token>`","type":"E_UNAUTHORIZED","errors":[]}"#); }
    }
    assert_eq!(bodies(&*inbox).await.len(), 3);
}

#[tokio::test]
async fn a_token_can_be_replaced_while_serving() {
    let (inbox, _directory) = new_inbox().await;
    let tokens = Tokens::new(["old"]).unwrap();
    let receiver = Receiver::builder(inbox, tokens.clone()).build().unwrap();
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let client = |token| {
        aifi_push::Client::builder(format!("http://{}", server.address().unwrap()))
            .bearer_token(token)
            .build()
            .unwrap()
    };
    let (old, new) = (client("old"), client("new"));
    tokio::spawn(server.serve(receiver.app("/").unwrap(), std::future::pending()));
    let operation = &aifi_push::operations::TRANSITION_LEFT;

    assert!(old.deliver(operation, documented()).await.is_ok());
    assert!(new.deliver(operation, documented()).await.is_err());
    tokens.replace(["old", "new"]).unwrap();
    assert!(old.deliver(operation, documented()).await.is_ok());
    assert!(new.deliver(operation, documented()).await.is_ok());
    tokens.replace(["new"]).unwrap();
    assert!(old.deliver(operation, documented()).await.is_err());
    assert!(tokens.replace([""; 0]).is_err());
    assert!(new.deliver(operation, documented()).await.is_ok());
}

/// Routes that have nothing to do with events, behind the same tokens.
#[tokio::test]
async fn the_check_alone_guards_other_routes() {
    let tokens = Tokens::new([TOKEN]).unwrap();
    let app = Router::new()
        .route("/orders", get(async || "none yet"))
        .layer(tokens.layer());
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.address().unwrap().to_string();
    tokio::spawn(server.serve(app, std::future::pending()));
    let exchange = async |request: Vec<u8>| {
        let address = address.clone();
        let exchanged = tokio::task::spawn_blocking(move || http::exchange(&address, &request));
        exchanged.await.unwrap().unwrap()
    };
    let known = exchange(http::head("GET /orders", &[])).await;
    assert_eq!((known.status, &*known.body), (200, "none yet"));
    let without = b"GET /orders HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    let unknown = exchange(without.to_vec()).await;
    assert_eq!(unknown.status, 401);
    assert!(unknown.head.contains("www-authenticate: bearer"));
    assert_snapshot!(unknown.body, @r#"{"message":"missing or unknown token: send `Authorization: Bearer <token>`","type":"E_UNAUTHORIZED","errors":[]}"#);
    tokens.replace(["another"]).unwrap();
    assert_eq!(exchange(http::head("GET /orders", &[])).await.status, 401);
}

#[test]
fn a_list_that_accepts_nobody_is_refused() {
    assert_snapshot!(Tokens::new([""; 0]).unwrap_err(), @"tokens: no token, so no request could be accepted: add at least one");
    assert_snapshot!(Tokens::new(["a", ""]).unwrap_err(), @"tokens: token 2 is empty: remove it");
    assert_snapshot!(Tokens::new(["a\n"]).unwrap_err(), @"tokens: byte 1 of token 1 is a space, a control character or not ASCII, so it can't arrive in a header");

    assert!(Tokens::dangerously_accept_anyone().replace(["a"]).is_err());
}
