//! `config`: where the options of `serve` come from: flags, the environment, or a file.
//!
//! Nothing here knows a single option: all is read off the definitions of the command line, so that a
//! new option of `serve` is also a key and a variable.

mod environment;
mod example;
mod file;
mod options;
mod report;
mod settings;

use std::{env, path::PathBuf};

use clap::Subcommand;
pub(crate) use settings::arguments;

use crate::{Outcome, output, serve};

/// The file that is read where none is named, if it exists.
#[cfg(unix)]
const DEFAULT_FILE: Option<&str> = Some("/etc/aifi-push/config.toml");
/// Elsewhere, anybody might create such a file.
#[cfg(not(unix))]
const DEFAULT_FILE: Option<&str> = None;

/// Check the configuration of `serve`, or print a file to begin with.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(Box<Check>),
    Example(Example),
}

/// Print the configuration that `serve` would use, with the source of each value.
///
/// Give it the flags of `serve`: it reads the same file and the same environment, and checks all that
/// can be checked without an inbox and without listening, such as tokens, certificates and targets.
/// The exit code is 1 if something is wrong. Passwords in URLs are not printed.
#[derive(clap::Args)]
#[command(
    after_help = "The output is TOML, and can be a configuration file itself, but for passwords."
)]
struct Check {
    #[command(flatten)]
    serve: serve::Options,
}

/// Print a configuration file with every key, its meaning and its default.
#[derive(clap::Args)]
struct Example {}

/// The file to read.
#[derive(clap::Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct FileOption {
    /// TOML file of options. Defaults to /etc/aifi-push/config.toml, if it exists.
    ///
    /// Its keys are the names of the long flags, as `aifi-push config example` prints them. Each
    /// option can also be set by a variable, such as AIFI_PUSH_MAX_BODY for --max-body. A flag
    /// overrides a variable, and a variable overrides the file.
    #[arg(id = "config", long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl FileOption {
    pub(crate) fn log(&self) {
        if let Some(file) = &self.file {
            tracing::info!(file = %file.display(), "configuration");
        }
    }
}

pub(crate) fn run(options: &Options) -> Outcome {
    match &options.command {
        Command::Check(check) => {
            output::lines(report::report(env::args_os())?.trim_end())?;
            for note in environment::unknown(&options::command()) {
                output::note(note);
            }
            check.serve.check()?;
        }
        Command::Example(Example {}) => output::lines(example::example().trim_end())?,
    }
    Ok(true)
}
