//! Sends one event: `cargo run --package aifi-push --example send -- URL TOKEN`. It goes to the path of
//! the document below the URL.

// Telling what happens is what an example is for.
#![allow(clippy::print_stdout)]

use std::{env, error::Error};

use aifi_push::{
    Client, RetryPolicy,
    types::{Customer, Payment, PaymentProvider, Shopper, Store, TransitionLeft},
};
use chrono::Utc;
use uuid::Uuid;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let [url, token] = env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "usage: send URL TOKEN")?;
    let event = TransitionLeft::builder()
        .session_id(Uuid::new_v4().to_string())
        .session(None)
        .customer(Customer::builder().id("c-17").build())
        .store_id(7)
        .store(Store::builder().build())
        .store_external_id(Some("berlin-3".to_owned()))
        .time_of_origin(Utc::now())
        .time_of_issue(Utc::now())
        .payment(
            Payment::builder()
                .payment_provider(PaymentProvider::None)
                .build(),
        )
        .shopper_id("s-4")
        .shopper(Shopper::builder().build())
        .build();

    // An event whose answer got lost is sent twice then.
    let client = Client::builder(url)
        .bearer_token(token)
        .retry(RetryPolicy::default())
        .build()?;
    let answer = client.transition_left(&event).await?;
    println!("sent, and answered with {}", answer.status());
    Ok(())
}
