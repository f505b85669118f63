//! `completions`: what a shell needs to complete the command line.

use std::io;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{Cli, Outcome};

/// Print the completions of a shell: `aifi-push completions bash`.
#[derive(clap::Args)]
pub(crate) struct Options {
    shell: Shell,
}

pub(crate) fn run(options: &Options) -> Outcome {
    // The generator panics when its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "aifi-push", &mut script);
    io::Write::write_all(&mut io::stdout(), &script)?;
    Ok(true)
}
