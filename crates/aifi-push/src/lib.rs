//! Build, send and parse the events that AiFi pushes to a retailer when a customer leaves a
//! checkout-free store.
//!
//! Everything here follows from one OpenAPI document, `openapi/aifi-push.json`: the models in
//! [`types`], the facts about each operation in [`operations`], and the methods of `Client`.
//!
//! # Receive and decode
//!
//! ```
//! use aifi_push::types::{SessionStatus, TransitionLeft};
//!
//! // The body of a request: here, the example of the vendor's page.
//! let body = aifi_push::operations::TRANSITION_LEFT.example.unwrap_or_default();
//!
//! let event: TransitionLeft = aifi_push::from_slice(body.as_bytes())?;
//! let status = event.session.and_then(|session| session.status);
//! assert_eq!(status, Some(SessionStatus::Active));
//!
//! let error = aifi_push::from_slice::<TransitionLeft>(br#"{"storeId": "7"}"#).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "`storeId` at line 1, column 15: expected a 64-bit integer, found a string"
//! );
//! # Ok::<(), aifi_push::DecodeError>(())
//! ```
//!
//! Decoding is tolerant. A value that the document does not list becomes `Unlisted` and keeps its
//! text, a field that it does not list lands in `extra`, and encoding gives both back.
//!
//! # Build and send
//!
#![cfg_attr(feature = "client", doc = "```no_run")]
#![cfg_attr(not(feature = "client"), doc = "```ignore")]
//! use aifi_push::{Client, types::{Customer, Payment, PaymentProvider, Shopper, Store, TransitionLeft}};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let event = TransitionLeft::builder()
//!     .session_id("d3a00526-1864-4f6e-bb2d-46e3ab7fa780")
//!     .session(None)
//!     .customer(Customer::builder().id("c-17").build())
//!     .store_id(7)
//!     .store(Store::builder().oasis_api_store_id(7).build())
//!     .store_external_id(Some("berlin-3".to_owned()))
//!     .time_of_origin("2026-11-24T10:00:00Z".parse()?)
//!     .time_of_issue("2026-11-24T10:00:01Z".parse()?)
//!     .payment(Payment::builder().payment_provider(PaymentProvider::None).build())
//!     .shopper_id("s-4")
//!     .shopper(Shopper::builder().shopper_id("s-4").build())
//!     .build();
//!
//! let client = Client::builder("https://retailer.example/hooks")
//!     .bearer_token("secret")
//!     .build()?;
//! client.transition_left(&event).await?;
//! # Ok(())
//! # }
//! ```
//!
//! What the document requires, the compiler does too: here the session and more are missing.
//!
//! ```compile_fail
//! use aifi_push::types::TransitionLeft;
//!
//! let event = TransitionLeft::builder().session_id("s-1").store_id(7).build();
//! ```
//!
//! # Features
//!
//! | Name | Description | Default |
//! |---|---|---|
//! | `client` | `Client`, `Error` and what belongs to them. Without it there is no HTTP and no async runtime in the tree | yes |
//! | `codegen` | Generate from the document at build time. Without it the build takes the reviewed snapshot, which holds the same source, and compiles no generator | yes |
//! | `retry` | `RetryPolicy`; part of `client` | yes |
//! | `rustls` | TLS of the client by rustls, trusting the roots of the platform | yes |
//! | `native-tls` | TLS of the client by the library of the platform, where `rustls` is off | no |
//! | `schemars` | `JsonSchema` for every model | no |

mod decode;
mod generated;
mod operation;

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "retry")]
mod retry_policy;

#[cfg(feature = "client")]
pub use client::{Client, ClientBuilder, Error, Rejection, Response};
pub use decode::{DecodeError, from_slice};
pub use generated::{operations, types};
pub use operation::{Operation, Push};
#[cfg(feature = "retry")]
pub use retry_policy::RetryPolicy;
