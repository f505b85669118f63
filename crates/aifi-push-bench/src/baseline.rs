//! What a receiver is measured against: the same server that does less, and servers that respond as
//! `serve` never does.

use std::{future::pending, sync::Arc};

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_receiver::{
    Server,
    inbox::{Append, Event, NewEvent},
};
use aifi_push_testkit::TempInbox;
use anyhow::Result;
use axum::{
    Json, Router,
    body::Bytes,
    http::{StatusCode, header::LOCATION},
    routing::{get, post},
};
use clap::ValueEnum;
use tokio::sync::Mutex;
use uuid::Uuid;

/// Where redirected calls go.
const ELSEWHERE: &str = "/elsewhere";

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Baseline {
    /// Reads the body and stores nothing.
    Nothing,
    /// Commits each event by itself.
    CommitEach,
    /// Responds with 200 and no body.
    Empty,
    /// Responds with 302, and with 200 at the location.
    Redirect,
}

/// Serves until it is killed.
pub(crate) async fn serve(baseline: Baseline) -> Result<()> {
    let inbox = TempInbox::new()?;
    let route = match baseline {
        Baseline::Nothing => post(async |_: Bytes| acknowledge(Uuid::now_v7())),
        Baseline::CommitEach => {
            // Appends that wait together would share a commit.
            let inbox = Arc::new(Mutex::new(inbox.open().await?));
            post(async move |body: Bytes| {
                let event = Event::new(&TRANSITION_LEFT, body);
                let id = event.id;
                match inbox
                    .lock()
                    .await
                    .append(vec![NewEvent::accepted(event)])
                    .await
                {
                    Ok(()) => acknowledge(id),
                    Err(error) => (StatusCode::SERVICE_UNAVAILABLE, Json(error.to_string())),
                }
            })
        }
        Baseline::Empty => post(async |_: Bytes| StatusCode::OK),
        Baseline::Redirect => post(async |_: Bytes| (StatusCode::FOUND, [(LOCATION, ELSEWHERE)])),
    };
    let server = Server::bind("127.0.0.1:0").await?;
    for listener in server.listeners() {
        println!("listening on http://{listener}/webhook");
    }
    let app = Router::new()
        .route("/webhook/left", route.clone())
        .route(TRANSITION_LEFT.path, route)
        .route(ELSEWHERE, get(async || Json("hello")));
    server.serve(app, pending()).await;
    Ok(())
}

fn acknowledge(id: Uuid) -> (StatusCode, Json<String>) {
    (StatusCode::CREATED, Json(id.to_string()))
}
