//! Structs and calls as one would write them by hand.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Failure;

pub(crate) struct Client {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    pub(crate) fn new(origin: &str, token: &str) -> Result<Self, Failure> {
        Ok(Self {
            client: reqwest::Client::new(),
            url: format!("{origin}/api/push/transition/left"),
            token: token.to_owned(),
        })
    }

    pub(crate) async fn send(&self, event: &Event) -> Result<(), Failure> {
        let request = self.client.post(&self.url).bearer_auth(&self.token);
        let response = request.json(event).send().await?.error_for_status()?;
        response.bytes().await?;
        Ok(())
    }
}

pub(crate) fn decode(text: &str) -> Result<Event, Failure> {
    Ok(serde_json::from_str(text)?)
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
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

#[derive(Deserialize, Serialize)]
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

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionMetadata {
    events: Option<Vec<SessionMetadataEvent>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionMetadataEvent {
    event_id: Option<String>,
    metadata: Option<Map<String, Value>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Customer {
    external_id: Option<String>,
    metadata: Option<Map<String, Value>>,
    id: Option<String>,
    role: Option<CustomerRole>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Store {
    oasis_api_store_id: Option<i64>,
    aifi_unique_store_id: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Payment {
    payment_provider: Option<PaymentProvider>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shopper {
    shopper_id: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum SessionStatus {
    Active,
    #[serde(untagged)]
    Other(String),
}

#[derive(Deserialize, Serialize)]
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

#[derive(Deserialize, Serialize)]
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
