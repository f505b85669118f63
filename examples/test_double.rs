//! How to test a service of your own against events: the client plays the vendor, and the inbox is in
//! memory. `cargo run --package aifi-push-receiver --example test_double`.

// Printing what happens is what an example is for.
#![allow(clippy::print_stdout)]

use std::{error::Error, sync::Arc};

use aifi_push::{
    Client, from_slice,
    operations::TRANSITION_LEFT,
    types::{PaymentProvider, TransitionLeft},
};
use aifi_push_receiver::{
    Receiver, Tokens,
    inbox::{Consumer, ConsumerBuilder, MemoryInbox, Received},
};
use axum::Router;
use tokio::{net::TcpListener, sync::mpsc};

/// What is to be tested: it reports which stores were left by somebody who did not pay.
fn consumer(inbox: Arc<MemoryInbox>, unpaid: mpsc::UnboundedSender<i64>) -> ConsumerBuilder {
    Consumer::builder(inbox, "unpaid").handler(move |left: Received<TransitionLeft>| {
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
    let inbox = Arc::new(MemoryInbox::new());
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
