//! The behavior of the crate, through its public API.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_input;
mod builders;
mod debug;
#[cfg(feature = "rust_decimal")]
mod decimals;
mod document;
mod extensible_enums;
mod family;
mod round_trip;
mod values;

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod configuration;
#[cfg(feature = "client")]
mod conformance;
#[cfg(feature = "client")]
mod deliver;
#[cfg(feature = "client")]
mod failures;
#[cfg(feature = "client")]
mod http_client;
#[cfg(feature = "client")]
mod proxy;
#[cfg(feature = "client")]
mod retries;
#[cfg(feature = "retry")]
mod retry_policy;
#[cfg(feature = "client")]
mod secrecy;
#[cfg(feature = "client")]
mod server;
#[cfg(all(feature = "client", any(feature = "rustls", feature = "native-tls")))]
mod tls;

#[cfg(any(feature = "client", feature = "schemars"))]
mod strategies;

#[cfg(all(feature = "codegen", feature = "schemars"))]
mod public_api;
#[cfg(feature = "schemars")]
mod schema_round_trip;
#[cfg(all(feature = "codegen", feature = "schemars"))]
mod snapshots;
