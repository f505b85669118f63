//! Logging on standard error while serving.

use std::{io, panic};

use clap::ValueEnum;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::counter::ConstCounter,
};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::escape::LogWriter;

/// How many lines may wait to be written.
const MAX_WAITING_LINES: usize = 10_000;

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

/// What was started: lines that wait are written when it is dropped.
pub(super) struct Started {
    pub(super) dropped_lines: ErrorCounter,
    _writer: WorkerGuard,
}

impl Logging {
    /// Starts logging by a thread of its own. If nobody reads the log, lines are dropped, and nothing
    /// else waits.
    pub(super) fn start(&self) -> Started {
        let (writer, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(MAX_WAITING_LINES)
            .lossy(true)
            .finish(io::stderr());
        let dropped_lines = writer.error_counter();
        let registry = tracing_subscriber::registry().with(self.log.clone());
        let lines = fmt::layer();
        match self.log_format {
            Format::Text => {
                let lines = lines.with_writer(move || LogWriter::text(writer.clone()));
                registry.with(lines.with_ansi(false)).init();
            }
            Format::Json => {
                let lines = lines.with_writer(move || LogWriter::json(writer.clone()));
                registry.with(lines.json()).init();
            }
        }
        // The default would write to standard error, and wait where nobody reads it. What a panic
        // says may quote a body.
        panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string);
            tracing::error!(location, "panicked");
        }));
        Started {
            dropped_lines,
            _writer: guard,
        }
    }
}

/// The metric of the lines that were dropped.
#[derive(Debug)]
pub(super) struct DroppedLines(pub(super) ErrorCounter);

impl Collector for DroppedLines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let count = ConstCounter::new(self.0.dropped_lines() as u64);
        let metric = encoder.encode_descriptor(
            "aifi_push_log_lines_dropped",
            "Lines of the log that were dropped, as nobody read it fast enough",
            None,
            count.metric_type(),
        )?;
        count.encode(metric)
    }
}
