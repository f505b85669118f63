//! A service that builds, reads and sends events, as a user of the packages would write it.

use std::error::Error;

use aifi_push::{
    Client, from_slice, operations,
    types::{Customer, CustomerRole, Payment, PaymentProvider, Shopper, Store, TransitionLeft},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let example = operations::TRANSITION_LEFT.example.ok_or("no example")?;
    let documented: TransitionLeft = from_slice(example.as_bytes())?;
    let TransitionLeft {
        store_id,
        time_of_origin,
        ..
    } = documented;

    let event = TransitionLeft::builder()
        .session_id("s-1")
        .session(None)
        .customer(Customer::builder().role(CustomerRole::Tester).build())
        .store_id(store_id + 1)
        .store(Store::builder().build())
        .store_external_id(None)
        .time_of_origin(time_of_origin)
        .time_of_issue(time_of_origin)
        .payment(Payment::builder().payment_provider("CASH".into()).build())
        .shopper_id("p-1")
        .shopper(Shopper::builder().build())
        .build();
    match &event.payment.payment_provider {
        Some(PaymentProvider::Unlisted(provider)) => assert_eq!(provider.as_str(), "CASH"),
        other => panic!("{other:?}"),
    }

    // Nobody listens on the port of the discard service.
    let client = Client::builder("http://127.0.0.1:9")
        .bearer_token("token")
        .build()?;
    let error = client.transition_left(&event).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    println!("{error}");
    Ok(())
}
