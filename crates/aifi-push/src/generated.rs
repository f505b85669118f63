//! The generated source.
//!
//! To read it, open `snapshots/generated.snap.rs`: a test compares it with the source that is
//! compiled.

#![allow(
    // Derives use deprecated fields too.
    deprecated,
    // A document does not need all of the imports.
    unused_imports,
    // Bon's builders have types that are private to their module.
    unnameable_types,
    // The documentation of a type is text of the document.
    rustdoc::all,
    clippy::all
)]

#[cfg(feature = "codegen")]
include!(concat!(env!("OUT_DIR"), "/generated.rs"));

#[cfg(not(feature = "codegen"))]
include!("../snapshots/generated.snap.rs");
