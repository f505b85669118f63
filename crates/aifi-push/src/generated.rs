//! The place where generated source enters the crate; nothing here is written by hand but this.
//!
//! To read the source, open `snapshots/generated.snap.rs`: a test holds it against the source that
//! is compiled.

#![allow(
    // Derives read and write deprecated fields too.
    deprecated,
    // The schemas of a document need not use each import.
    unused_imports,
    // Builders of bon name types that stay in their module.
    unnameable_types,
    // The documentation of a type quotes the document.
    rustdoc::all,
    clippy::all
)]

#[cfg(feature = "codegen")]
include!(concat!(env!("OUT_DIR"), "/generated.rs"));

#[cfg(not(feature = "codegen"))]
include!("../snapshots/generated.snap.rs");
