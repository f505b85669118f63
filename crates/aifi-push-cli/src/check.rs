//! `check`: whether events decode.

use aifi_push::Operation;

use crate::{Outcome, input, kind, output};

/// Decode events, and report where one is wrong.
///
/// Each problem is a line `FILE:LINE:COLUMN: FIELD: what is wrong`, without the value. The exit code
/// is 1 if there is any.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Files of one event, or of one on each line. `-` or none for standard input.
    files: Vec<String>,
    /// Kind of the events.
    #[arg(long, value_parser = kind::parser(), default_value = kind::default())]
    kind: &'static Operation,
}

pub(crate) fn run(options: Options) -> Outcome {
    let (mut events, mut wrong) = (0_u64, 0_u64);
    for item in input::items(options.files) {
        let item = item?;
        events += 1;
        if let Err(error) = options.kind.check(&item.body) {
            wrong += 1;
            // The lines of an event are counted from 1.
            let line = item.line + error.line().saturating_sub(1);
            let (file, column) = (&item.file, error.column());
            let path = match error.path() {
                "" => "the body as a whole",
                path => path,
            };
            let reason = error.reason();
            output::line(format_args!("{file}:{line}:{column}: {path}: {reason}"))?;
        }
    }
    anyhow::ensure!(events > 0, "no event found");
    output::line(format_args!("{events} checked, {wrong} wrong"))?;
    Ok(wrong == 0)
}
