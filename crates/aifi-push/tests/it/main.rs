//! The behaviour of the crate, seen through its public surface.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_input;
mod builders;
mod debug;
mod document;
mod open_sets;
mod round_trip;

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod configuration;
#[cfg(feature = "client")]
mod failures;
#[cfg(feature = "client")]
mod http_client;
#[cfg(feature = "client")]
mod judged;
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
mod values;

#[cfg(feature = "schemars")]
mod circle;
#[cfg(all(feature = "codegen", feature = "schemars"))]
mod snapshots;
#[cfg(all(feature = "codegen", feature = "schemars"))]
mod surface;
