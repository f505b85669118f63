//! The methods of the client, up to the finished request.

use std::marker::PhantomData;

use serde_json::{Value, json};

use crate::{Json, types};

/// The request that a method finished, and the type of its response.
pub struct Response<T>(reqwest::Request, PhantomData<T>);

pub type Error = reqwest::Error;

/// Has what the methods use of the client.
pub struct Client {
    pub baseurl: String,
    pub client: reqwest::Client,
}

impl Client {
    pub async fn call<T>(
        &self,
        _operation: &str,
        request: Result<reqwest::Request, Error>,
    ) -> Result<Response<T>, Error> {
        Ok(Response(request?, PhantomData))
    }
}

fn client() -> Client {
    Client {
        baseurl: "https://shop.example".to_owned(),
        client: reqwest::Client::new(),
    }
}

#[tokio::test]
async fn methods_build_requests() {
    let event = types::OrderCancelled::builder()
        .order_id("7")
        .reason("out of stock".into())
        .build();
    let Response(request, _): Response<types::OrderCancelledResponse> =
        client().order_cancelled(&event).await.unwrap();
    assert_eq!(request.method(), "POST");
    assert_eq!(request.url().path(), "/orders/cancelled");
    let body: Value = serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap();
    assert_eq!(body, json!({"order_id": "7", "reason": "out of stock"}));
}

/// Two types of success are any JSON, and no JSON is nothing.
#[tokio::test]
async fn the_type_of_a_response_is_the_only_one() {
    let payment = types::PaymentBody::from(types::CashPayment::builder().method("cash").build());
    let _: Response<()> = client().payment_changed(&payment).await.unwrap();
    let order = types::Order::builder()
        .id(7)
        .status(None)
        .lines(Vec::new())
        .build();
    let _: Response<Json> = client().order_placed(&order).await.unwrap();
}
