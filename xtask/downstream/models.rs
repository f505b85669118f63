//! A service that only receives, with the models alone.

use aifi_push::types::{PaymentProvider, Store, TransitionLeft};

fn main() {
    let error = aifi_push::from_slice::<TransitionLeft>(b"{\"storeId\": true}");
    println!("{}", error.unwrap_err());

    let store = Store::builder().aifi_unique_store_id("berlin").build();
    println!("{:?}", store.aifi_unique_store_id.as_deref());
}

/// What is billed for a visit.
pub fn bill(event: &TransitionLeft) -> Option<(i64, Option<i64>)> {
    match event.payment.payment_provider {
        Some(PaymentProvider::None) => None,
        _ => Some((event.store_id, event.store.oasis_api_store_id)),
    }
}
