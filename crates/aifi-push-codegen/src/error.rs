//! Why no source could be generated.

use std::fmt;

/// Why no source could be generated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not JSON.
    #[error("invalid document at `{pointer}`")]
    Syntax {
        /// JSON pointer to the value.
        pointer: String,
        /// The underlying error, with line and column.
        source: serde_json::Error,
    },

    /// The document is not OpenAPI, or breaks rules of the generator.
    #[error("no good Rust comes out of the document:\n{}", lines(.0))]
    Document(Vec<Problem>),

    /// Progenitor rejected the document.
    #[error("progenitor rejected the document")]
    Progenitor(#[from] progenitor_impl::Error),

    /// Progenitor generated invalid Rust.
    #[error("progenitor generated invalid Rust")]
    NotRust(#[from] syn::Error),

    /// Progenitor generated Rust of another shape than the passes expect.
    #[error("progenitor generated no {0}: use the version that Cargo.lock of aifi-push names")]
    Shape(String),
}

/// A value of the document that breaks a rule of the generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer to the value.
    pub pointer: String,
    /// What is wrong with it, and how to fix it.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.message)
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}
