//! Why no source could be generated.

use std::fmt;

/// Why no source could be generated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not JSON, or not an OpenAPI 3.0 document.
    #[error("the document can't be read at `{pointer}`")]
    Syntax {
        /// JSON pointer to the place.
        pointer: String,
        /// What is wrong there, with line and column.
        source: serde_json::Error,
    },

    /// The document is valid, but no good Rust comes out of it.
    #[error("no good Rust comes out of the document:\n{}", lines(.0))]
    Document(Vec<Problem>),

    /// Progenitor refused the document.
    #[error("progenitor refused the document")]
    Progenitor(#[from] progenitor_impl::Error),

    /// Progenitor made something that is not Rust.
    #[error("progenitor made something that is not Rust")]
    NotRust(#[from] syn::Error),

    /// Progenitor made Rust of another shape than the passes expect.
    #[error("progenitor made no {0}: does its version differ from the pinned one?")]
    Shape(String),
}

/// A place in the document from which no good Rust can be generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer to the place.
    pub pointer: String,
    /// What is wrong there, and the way out.
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
