//! `man`: the manual, made from the command line itself.

use std::{fs, path::PathBuf};

use anyhow::Context;
use clap::CommandFactory;

use crate::{Cli, Outcome};

/// Write the man pages into a directory: read one with `man -l DIRECTORY/aifi-push.1`.
#[derive(clap::Args)]
pub(crate) struct Options {
    directory: PathBuf,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let directory = &options.directory;
    fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), directory))
        .with_context(|| format!("{}: writing the man pages failed", directory.display()))?;
    Ok(true)
}
