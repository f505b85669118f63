//! Logging on standard error while serving.

use std::io;

use clap::ValueEnum;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

#[derive(clap::Args)]
pub(super) struct Logging {
    /// Level to log: error, warn, info, debug or trace, or levels for parts of the program, as in
    /// info,aifi_push_receiver=debug.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log: Targets,
    /// Format of the log.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    log_format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Lines for people.
    Text,
    /// One JSON object on each line.
    Json,
}

impl Logging {
    pub(super) fn start(&self) {
        let registry = tracing_subscriber::registry().with(self.log.clone());
        let lines = fmt::layer().with_writer(io::stderr);
        match self.log_format {
            Format::Text => registry.with(lines.with_ansi(false)).init(),
            Format::Json => registry.with(lines.json()).init(),
        }
    }
}
