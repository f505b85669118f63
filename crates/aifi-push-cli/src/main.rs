//! `aifi-push`: the events that AiFi pushes when a customer leaves a store, at the command line.

mod demo;
mod summary;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The events that AiFi pushes when a customer leaves a store.
///
/// Exit codes: 0 if all went well, 1 if not, 2 for a wrong command line.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Options),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Demo(options) => demo::run(&options).await,
    };
    match result.and_then(|outcome| print(&outcome)) {
        Ok(code) => code,
        Err(error) => {
            // There is nobody to tell if this fails as well.
            let _ = writeln!(io::stderr(), "aifi-push: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What a command has to say, and whether all went well.
struct Outcome {
    text: String,
    ok: bool,
}

fn print(outcome: &Outcome) -> Result<ExitCode> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(outcome.text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        // Whoever reads has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    Ok(if outcome.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
