//! What we are measured against: the same server, doing less; and servers that answer as `serve`
//! never does.

use std::{future::pending, sync::Arc};

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_receiver::{Event, Inbox, Server, SqliteInbox};
use anyhow::Result;
use axum::{
    Json, Router,
    body::Bytes,
    http::{StatusCode, header::LOCATION},
    routing::{get, post},
};
use clap::ValueEnum;
use uuid::Uuid;

use crate::serving::Place;

/// Where redirected calls go.
const ELSEWHERE: &str = "/elsewhere";

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Peer {
    /// Reads the body and stores nothing.
    Nothing,
    /// Commits each event by itself.
    CommitEach,
    /// Answers 200 without a body.
    Empty,
    /// Answers 302, and where that leads to 200.
    Redirect,
}

/// Serves until it is killed.
pub(crate) async fn serve(peer: Peer) -> Result<()> {
    let place = Place::new()?;
    let answer = match peer {
        Peer::Nothing => post(async |_: Bytes| acknowledge(Uuid::now_v7())),
        Peer::CommitEach => {
            let inbox = Arc::new(SqliteInbox::open(place.inbox()).await?);
            post(async move |body: Bytes| {
                let event = Event::arrived(&TRANSITION_LEFT, body);
                let id = event.id;
                match inbox.append(vec![event]).await {
                    Ok(()) => acknowledge(id),
                    Err(error) => (StatusCode::SERVICE_UNAVAILABLE, Json(error.to_string())),
                }
            })
        }
        Peer::Empty => post(async |_: Bytes| StatusCode::OK),
        Peer::Redirect => post(async |_: Bytes| (StatusCode::FOUND, [(LOCATION, ELSEWHERE)])),
    };
    let server = Server::bind("127.0.0.1:0").await?;
    println!("listening on http://{}/webhook", server.address());
    let app = Router::new()
        .route("/webhook/left", answer.clone())
        .route(TRANSITION_LEFT.path, answer)
        .route(ELSEWHERE, get(async || Json("hello")));
    server.serve(app, pending()).await;
    Ok(())
}

fn acknowledge(id: Uuid) -> (StatusCode, Json<String>) {
    (StatusCode::CREATED, Json(id.to_string()))
}
