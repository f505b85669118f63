//! The rules that a document must meet before Rust is generated from it.
//!
//! Those for schemas, bodies and responses are part of `normalize`; here are the others. Each turns
//! a document that no good Rust comes out of into a message: where it is, and how to fix it.

mod dropped;
mod extensions;
mod operations;
mod parts;
mod webhooks;

use crate::{Error, document::Document, error::Problem, pointer::Pointer};

/// Finds every violation of a rule.
pub(crate) fn check(document: &Document) -> Result<(), Error> {
    let mut problems = Problems(Vec::new());
    dropped::check(document, &mut problems);
    check_servers(document, &mut problems);
    operations::check(document, &mut problems);
    webhooks::check(document, &mut problems);
    problems.0.extend(document.problems.iter().cloned());
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
