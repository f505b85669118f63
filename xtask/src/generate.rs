//! `cargo xtask generate`: what the generator makes of any document.

use std::process::ExitCode;

use aifi_push_codegen::generate;
use anyhow::Result;

use crate::document;

/// Print the Rust source that is generated from a document, and change nothing.
///
/// The exit code is 1 if the document is refused: what is wrong with it is printed instead, each
/// problem with its JSON pointer.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The document, in JSON or YAML, or `-` for standard input.
    document: String,
}

pub(crate) fn run(Options { document }: &Options) -> Result<ExitCode> {
    let text = document::text(document)?;
    let source = document::to_json(document, text).and_then(|json| Ok(generate(&json)?));
    match source {
        Ok(source) => {
            print!("{source}");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("{error:#}");
            Ok(ExitCode::FAILURE)
        }
    }
}
