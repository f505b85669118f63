//! The rules that a document must meet before Rust is generated from it.
//!
//! Progenitor panics on some documents, and generates Rust that loses data from others. Each rule
//! here turns one such case into a message that says where it is and how to fix it.

mod dropped;
mod extensible_enums;
mod names;
mod operations;
mod schemas;

use crate::{Error, document::Document, error::Problem, pointer::Pointer};

/// Finds every violation of a rule, in the order of the document.
pub(crate) fn check(document: &Document) -> Result<(), Error> {
    let mut problems = Problems(Vec::new());
    dropped::check(document, &mut problems);
    check_servers(document, &mut problems);
    operations::check(document, &mut problems);
    schemas::check(document, &mut problems);
    if problems.0.is_empty() {
        Ok(())
    } else {
        Err(Error::Document(problems.0))
    }
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, pointer: &Pointer, message: impl Into<String>) {
        self.0.push(Problem {
            pointer: pointer.to_string(),
            message: message.into(),
        });
    }
}

fn check_servers(document: &Document, problems: &mut Problems) {
    let servers = Pointer::root().join("servers");
    match document.servers() {
        [] => problems.add(
            &servers,
            "missing server: add one, the first is the client's default",
        ),
        [first, ..] if first.url.contains('{') || !first.url.contains("://") => problems.add(
            &servers.join("0").join("url"),
            "invalid default server: expected a complete URL without variables",
        ),
        _ => {}
    }
}
