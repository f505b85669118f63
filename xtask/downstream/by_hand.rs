//! A service that sends events without `aifi-push`, with structs as one would write them by hand.

use std::error::Error;

use chrono::{DateTime, Utc};
use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct TransitionLeft {
    session_id: String,
    session: Option<Session>,
    customer: Customer,
    store_id: i64,
    store: Store,
    store_external_id: Option<String>,
    time_of_origin: DateTime<Utc>,
    time_of_issue: DateTime<Utc>,
    payment: Payment,
    shopper_id: String,
    shopper: Shopper,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    id: Option<i64>,
    customer_id: Option<i64>,
    code: Option<String>,
    code_first_succesfully_scanned_at: Option<DateTime<Utc>>,
    code_last_succesfully_scanned_at: Option<DateTime<Utc>>,
    customer_first_entered_at: Option<DateTime<Utc>>,
    customer_last_entered_at: Option<DateTime<Utc>>,
    customer_first_exited_at: Option<DateTime<Utc>>,
    customer_last_exited_at: Option<DateTime<Utc>>,
    customer_payment_instrument_id: Option<i64>,
    customer_satisfaction: Option<i64>,
    customer_satisfaction_submitted: Option<bool>,
    group_size: Option<i64>,
    visitors: Option<i64>,
    location_id: Option<String>,
    priority: Option<i64>,
    session_token: Option<String>,
    session_id: Option<String>,
    referenced_session_id: Option<Value>,
    status: Option<SessionStatus>,
    store_id: Option<i64>,
    store_id_scannable_at: Option<Value>,
    suspected_fraud: Option<bool>,
    metadata: Option<SessionMetadata>,
    expires_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionMetadata {
    events: Option<Vec<SessionMetadataEvent>>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionMetadataEvent {
    event_id: Option<String>,
    metadata: Option<Map<String, Value>>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Customer {
    external_id: Option<String>,
    metadata: Option<Map<String, Value>>,
    id: Option<String>,
    role: Option<CustomerRole>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Store {
    oasis_api_store_id: Option<i64>,
    aifi_unique_store_id: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Payment {
    payment_provider: Option<PaymentProvider>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shopper {
    shopper_id: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum SessionStatus {
    Active,
    #[serde(untagged)]
    Other(String),
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum CustomerRole {
    Customer,
    Employee,
    Tester,
    Untracked,
    Unknown,
    #[serde(untagged)]
    Other(String),
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum PaymentProvider {
    None,
    Stripe,
    Payter,
    Adyen,
    FreedomPay,
    Generic,
    #[serde(untagged)]
    Other(String),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let event = TransitionLeft {
        session_id: "s-1".to_owned(),
        customer: Customer {
            role: Some(CustomerRole::Tester),
            ..Customer::default()
        },
        store_id: 7,
        time_of_origin: "2026-11-24T10:00:00Z".parse()?,
        time_of_issue: "2026-11-24T10:00:01Z".parse()?,
        payment: Payment {
            payment_provider: Some(PaymentProvider::Other("CASH".to_owned())),
        },
        shopper_id: "p-1".to_owned(),
        ..TransitionLeft::default()
    };
    // Nobody listens on the port of the discard service.
    let request = Client::new()
        .post("http://127.0.0.1:9/api/push/transition/left")
        .bearer_auth("token")
        .json(&event);
    let error = request.send().await.unwrap_err();
    println!("{error}");
    Ok(())
}
