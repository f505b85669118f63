//! What we are measured against: the same server, doing less.

use std::{future::pending, sync::Arc};

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_receiver::{Event, Inbox, Server, SqliteInbox};
use anyhow::Result;
use axum::{Json, Router, body::Bytes, http::StatusCode, routing::post};
use clap::ValueEnum;
use uuid::Uuid;

use crate::serving::Place;

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Peer {
    /// Reads the body and stores nothing.
    Nothing,
    /// Commits each event by itself.
    CommitEach,
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
    };
    let server = Server::bind("127.0.0.1:0").await?;
    println!("listening on http://{}/webhook", server.address());
    let app = Router::new().route("/webhook/left", answer);
    server.serve(app, pending()).await;
    Ok(())
}

fn acknowledge(id: Uuid) -> (StatusCode, Json<String>) {
    (StatusCode::CREATED, Json(id.to_string()))
}
