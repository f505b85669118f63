//! Build, send and parse the events that AiFi pushes to a retailer when something happens in a
//! checkout-free store.
//!
//! The models in [`types`], the constants in [`operations`] and the methods of `Client` are
//! generated from one OpenAPI document, `openapi/aifi-push.json`.
//!
//! # Receive and decode
//!
//! ```
//! use aifi_push::types::{SessionStatus, TransitionLeft};
//!
//! // The body of a request: here, the vendor's example.
//! let body = aifi_push::operations::TRANSITION_LEFT.example.unwrap_or_default();
//!
//! let event: TransitionLeft = aifi_push::from_slice(body.as_bytes())?;
//! let status = event.session.and_then(|session| session.status);
//! assert_eq!(status, Some(SessionStatus::Active));
//!
//! let error = aifi_push::from_slice::<TransitionLeft>(br#"{"storeId": "7"}"#).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "`storeId` at line 1, column 16: expected a 64-bit integer, found a string"
//! );
//! # Ok::<(), aifi_push::DecodeError>(())
//! ```
//!
//! Decoding is tolerant, and encoding writes again what it kept:
//!
//! - A field that is not in the document is kept in `extra`.
//! - So is the value of a field that the vendor does not document, only shows in an example, if it
//!   does not fit the type that the example suggests. The field is `None` then.
//! - An enum value that is not in the document becomes `Unlisted` with its text.
//! - A number keeps its digits in [`Json`] and [`Number`]. `2.0` and `-0` are integers.
//! - A date-time may have a space for the `T`, `+0200` for the zone and no seconds, but not lack the
//!   zone. It is encoded as RFC 3339.
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
//! A builder without the fields that the document requires does not compile:
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
//! | `client` | `Client` and `Error`. Without it the crate depends on no HTTP library and no async runtime | yes |
//! | `codegen` | Generate the code at build time. Without it the build uses the reviewed snapshot of the same code, and compiles no generator | yes |
//! | `retry` | `RetryPolicy`; part of `client` | yes |
//! | `rustls` | TLS for the client by rustls, with the root certificates of the platform | yes |
//! | `native-tls` | TLS for the client by the library of the platform, unless `rustls` is enabled | no |
//! | `rust_decimal` | Accessors for prices and other decimal numbers, such as `total_price_decimal` | no |
//! | `schemars` | `JsonSchema` for every model | no |

mod date_time;
#[cfg(feature = "rust_decimal")]
mod decimal;
mod decode;
mod generated;
mod json;
mod model;
mod number;
mod operation;
mod repair;
mod text;
mod union;

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "retry")]
mod retry_policy;
#[cfg(feature = "schemars")]
mod schema;

#[cfg(feature = "client")]
pub use client::{Client, ClientBuilder, Error, Rejection, Response};
pub use date_time::parse as parse_date_time;
#[cfg(feature = "rust_decimal")]
pub use decimal::DecimalError;
pub use decode::{DecodeError, from_slice};
pub use generated::{operations, types};
pub use json::Json;
pub use number::Number;
pub use operation::{Answer, CalledUrl, Operation, Push, Question, SubjectField, SubjectKind};
#[cfg(feature = "retry")]
pub use retry_policy::RetryPolicy;
