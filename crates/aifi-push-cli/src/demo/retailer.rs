//! A retailer's server on loopback: checks the token, decodes the body, hands on the event.

use std::{net::SocketAddr, sync::Arc};

use aifi_push::{from_slice, operations::TRANSITION_LEFT, types::TransitionLeft};
use anyhow::{Context, Result};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    routing::post,
};
use tokio::{net::TcpListener, sync::mpsc};

/// A running server; it ends with the process.
pub(super) struct Retailer {
    address: SocketAddr,
    events: mpsc::UnboundedReceiver<TransitionLeft>,
}

impl Retailer {
    /// Starts a server that accepts one token.
    pub(super) async fn start(token: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("can't listen on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let (sender, events) = mpsc::unbounded_channel();
        let app = Router::new()
            .route(TRANSITION_LEFT.path, post(receive))
            .with_state(Desk {
                authorization: format!("Bearer {token}").into(),
                events: sender,
            });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { address, events })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next event that arrived.
    pub(super) async fn next_event(&mut self) -> Result<TransitionLeft> {
        self.events.recv().await.context("the server has ended")
    }
}

#[derive(Clone)]
struct Desk {
    authorization: Arc<str>,
    events: mpsc::UnboundedSender<TransitionLeft>,
}

async fn receive(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Json<String>) {
    let authorization = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    if authorization != Some(desk.authorization.as_bytes()) {
        return (StatusCode::UNAUTHORIZED, Json("wrong token".to_owned()));
    }
    match from_slice(&body) {
        Ok(event) => {
            // Nobody waits for it only when the demo is over.
            let _ = desk.events.send(event);
            (StatusCode::CREATED, Json("thank you".to_owned()))
        }
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, Json(error.to_string())),
    }
}
