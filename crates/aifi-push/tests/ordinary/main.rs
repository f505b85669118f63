//! The models of an ordinary document, which uses what ours does not: unions, merged schemas, names
//! of any kind. Compiled with the same model core as the crate.

#![allow(
    dead_code,
    deprecated,
    unreachable_pub,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

#[path = "../../src/date_time.rs"]
mod date_time;
#[cfg(feature = "rust_decimal")]
#[path = "../../src/decimal.rs"]
mod decimal;
#[path = "../../src/decode.rs"]
mod decode;
#[path = "../../src/json.rs"]
mod json;
#[path = "../../src/model.rs"]
mod model;
#[path = "../../src/number.rs"]
mod number;
#[path = "../../src/operation.rs"]
mod operation;
#[path = "../../src/repair.rs"]
mod repair;
#[cfg(feature = "schemars")]
#[path = "../../src/schema.rs"]
mod schema;
#[path = "../../src/text.rs"]
mod text;
#[path = "../../src/union.rs"]
mod union;

/// The source of `aifi-push-codegen/tests/documents/orders.json`.
mod generated {
    #![allow(deprecated, unnameable_types, missing_docs, clippy::all)]

    include!("../../snapshots/ordinary.snap.rs");
}

#[cfg(feature = "client")]
mod client;
mod models;
#[cfg(feature = "schemars")]
mod schemas;

#[cfg(feature = "client")]
use client::{Client, Error, Response};
#[cfg(feature = "rust_decimal")]
pub use decimal::DecimalError;
pub use decode::{DecodeError, from_slice};
pub use generated::{operations, types};
pub use json::Json;
pub use number::Number;
pub use operation::{Answer, CalledUrl, Operation, Push, Question, SubjectField, SubjectKind};
