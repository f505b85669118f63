//! An axum service that receives events and bills them: `cargo run --package aifi-push-receiver
//! --example axum -- FILE TOKEN`, where FILE is the inbox.

// Printing what happens is what an example is for.
#![allow(clippy::print_stdout)]

use std::{env, error::Error, io, sync::Arc};

use aifi_push::types::TransitionLeft;
use aifi_push_receiver::{
    Receiver, Tokens,
    inbox::{Consumer, Received, SqliteInbox},
};
use axum::{Router, routing::get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Receives each event at least once. An error leads to another attempt, later.
async fn bill(left: Received<TransitionLeft>) -> Result<(), io::Error> {
    // `left.id` is the same at each attempt: see `idempotent.rs` for how to bill an id once.
    println!(
        "billed {} for a visit to store {}",
        left.id, left.event.store_id
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let [file, token] = env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "usage: axum FILE TOKEN")?;
    let inbox = Arc::new(SqliteInbox::open(file).await?);
    let receiver = Receiver::builder(inbox.clone(), Tokens::new([token])?).build()?;
    let app = Router::new()
        .route("/", get(async || "your own service\n"))
        // The vendor, configured with http://HOST/api/push/transition, calls /api/push/transition/left.
        .nest("/api/push/transition", receiver.router())
        .merge(receiver.status_router());

    let stop = CancellationToken::new();
    let consumer = Consumer::builder(inbox, "billing")
        .handler(bill)
        .ignore_unhandled()
        .concurrency(4);
    let mut consuming = tokio::spawn(consumer.run(stop.clone().cancelled_owned()));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let serving = axum::serve(listener, app).with_graceful_shutdown(async {
        // Without a signal to listen for, it serves until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    });
    tokio::select! {
        served = serving => served?,
        // A consumer that ends before it is told to is a failure of the service.
        ended = &mut consuming => ended??,
    }
    // What arrived is stored, and what is in flight is handled.
    receiver.close().await;
    stop.cancel();
    if !consuming.is_finished() {
        consuming.await??;
    }
    Ok(())
}
