//! How to test a service of your own against events: the vendor is played by the client, the inbox
//! lies in a directory that goes away. `cargo run --package aifi-push-receiver --example test_double`.

// Telling what happens is what an example is for.
#![allow(clippy::print_stdout)]

use std::{error::Error, sync::Arc};

use aifi_push::{
    Client, from_slice,
    operations::TRANSITION_LEFT,
    types::{PaymentProvider, TransitionLeft},
};
use aifi_push_receiver::{Consumer, Received, Receiver, SqliteInbox, Tokens};
use axum::Router;
use tokio::{net::TcpListener, sync::mpsc};

/// What is to be tested: it tells which stores were left by somebody who did not pay.
fn consumer(inbox: Arc<SqliteInbox>, unpaid: mpsc::UnboundedSender<i64>) -> Consumer {
    Consumer::new(inbox, "unpaid").on(move |left: Received<TransitionLeft>| {
        let unpaid = unpaid.clone();
        async move {
            if left.event.payment.payment_provider == Some(PaymentProvider::None) {
                unpaid.send(left.event.store_id)?;
            }
            Ok::<_, mpsc::error::SendError<i64>>(())
        }
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let inbox = Arc::new(SqliteInbox::open(directory.path().join("events.db")).await?);
    let (sender, mut unpaid) = mpsc::unbounded_channel();
    tokio::spawn(consumer(inbox.clone(), sender).run(std::future::pending()));
    let receiver = Receiver::builder(inbox, Tokens::new(["secret"])?).build()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    let app = Router::new().nest("/hook", receiver.router());
    tokio::spawn(async { axum::serve(listener, app).await });

    // The documented event, changed for the case at hand, and sent as the vendor does.
    let client = Client::builder(url).bearer_token("secret").build()?;
    let documented = TRANSITION_LEFT.example.ok_or("no example")?;
    let mut event: TransitionLeft = from_slice(documented.as_bytes())?;
    event.store_id = 7;
    event.payment.payment_provider = Some(PaymentProvider::None);
    let body = serde_json::to_vec(&event)?;
    client.deliver(&TRANSITION_LEFT, body).await?;

    assert_eq!(unpaid.recv().await, Some(7));
    println!("the visit to store 7 was found to be unpaid");
    Ok(())
}
