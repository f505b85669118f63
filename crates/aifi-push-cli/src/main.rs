//! `aifi-push`: the events that AiFi pushes to a retailer, at the command line.

mod ago;
mod check;
mod completions;
mod config;
mod confirm;
mod counted;
mod demo;
mod escape;
mod example;
#[cfg(test)]
mod guide;
mod inbox;
mod input;
mod interrupt;
mod kind;
mod listing;
mod location;
mod man;
mod output;
mod progress;
mod rate;
mod scenario;
mod schema;
mod send;
mod serve;
mod simulate;
mod summary;
mod tokens;
mod top;
mod visit;

use std::{env, io, process::ExitCode, time::Duration};

use anyhow::Result;
use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

/// With musl's own, memory grows by 8 MB for every million events.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Receive, send and inspect the events that AiFi pushes when something happens in a store.
///
/// Exit codes: 0 for success, 1 for failure, 2 for an invalid command line.
#[derive(Parser)]
#[command(name = "aifi-push", version, max_term_width = 80)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Options),
    Serve(Box<serve::Options>),
    Config(config::Options),
    Send(send::Options),
    Simulate(simulate::Options),
    Check(check::Options),
    Example(example::Options),
    Schema(schema::Options),
    Inbox(inbox::Options),
    Top(top::Options),
    Completions(completions::Options),
    Man(man::Options),
}

/// Whether a command succeeded: one that did its work may have found that something is wrong.
type Outcome = Result<bool>;

/// How long the end waits for what nothing can stop, such as a look-up of the name of a host.
const SHUTDOWN: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let command = match config::arguments(env::args_os()) {
        Ok(arguments) => Cli::parse_from(arguments).command,
        Err(error) => return failed(&error),
    };
    let outcome = Runtime::new().map_err(Into::into).and_then(|runtime| {
        let outcome = runtime.block_on(run(command));
        runtime.shutdown_timeout(SHUTDOWN);
        outcome
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // The reader has seen enough, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    output::note(format_args!("aifi-push: {error:#}"));
    ExitCode::FAILURE
}

async fn run(command: Command) -> Outcome {
    match command {
        Command::Demo(options) => demo::run(&options).await,
        Command::Serve(options) => serve::run(*options).await,
        Command::Config(options) => config::run(&options),
        Command::Send(options) => send::run(options).await,
        Command::Simulate(options) => simulate::run(options).await,
        Command::Check(options) => check::run(options),
        Command::Example(options) => example::run(&options),
        Command::Schema(options) => schema::run(&options),
        Command::Inbox(options) => inbox::run(options).await,
        Command::Top(options) => top::run(options).await,
        Command::Completions(options) => completions::run(&options),
        Command::Man(options) => man::run(&options),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
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
