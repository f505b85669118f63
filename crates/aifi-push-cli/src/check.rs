//! `check`: whether events decode.

use std::path::PathBuf;

use aifi_push::Operation;
use anyhow::ensure;

use crate::{
    Outcome,
    input::{self, Waiting},
    kind, output,
};

/// Decode events, and report where one is wrong.
///
/// Each problem is a line `FILE:LINE:COLUMN: FIELD: what is wrong`, without the value. The exit code
/// is 1 if there is any.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Files of events: one, one on each line, one after another, or lists of them, also compressed
    /// by gzip. `-` or none for standard input.
    files: Vec<PathBuf>,
    /// Kind of the events.
    #[arg(long, value_parser = kind::parser(), default_value = kind::default())]
    kind: &'static Operation,
}

pub(crate) fn run(options: Options) -> Outcome {
    let (mut events, mut wrong) = (0_u64, 0_u64);
    let mut unread = Vec::new();
    for item in input::items(options.files, Waiting::default()) {
        let item = match item {
            Ok(item) => item,
            Err(error) => {
                unread.push(error);
                continue;
            }
        };
        events += 1;
        if let Err(error) = options.kind.check(&item.body) {
            wrong += 1;
            // Lines of an event are counted from 1, and its first one may not begin with it.
            let line = item.line + error.line().saturating_sub(1);
            let before = if error.line() > 1 { 0 } else { item.column };
            let (file, column) = (&item.file, before + error.column());
            let path = match error.path() {
                "" => "the body as a whole",
                path => path,
            };
            let reason = error.reason();
            output::line(format_args!("{file}:{line}:{column}: {path}: {reason}"))?;
        }
    }
    if events > 0 {
        output::line(format_args!("{events} checked, {wrong} wrong"))?;
    }
    input::ensure_read(unread)?;
    ensure!(events > 0, "no event found");
    Ok(wrong == 0)
}
