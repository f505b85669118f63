//! Logging on standard error while serving.

use std::{io, panic};

use clap::ValueEnum;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::counter::ConstCounter,
};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

#[cfg(feature = "otel")]
use super::traces::Traces;
use crate::escape::LogWriter;

/// How many lines may wait to be written.
const MAX_WAITING_LINES: usize = 10_000;

#[derive(clap::Args)]
#[command(next_help_heading = "Logging")]
pub(super) struct Logging {
    /// Level to log: error, warn, info, debug or trace.
    ///
    /// Parts of the program may have levels of their own, as in info,aifi_push_receiver=debug.
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
    // Before the writer, for what is logged at its end.
    #[cfg(feature = "otel")]
    _traces: Option<Traces>,
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
        #[cfg(feature = "otel")]
        let (traces, failed) = match Traces::start() {
            Ok(traces) => (traces, None),
            Err(error) => (None, Some(error)),
        };
        let registry = tracing_subscriber::registry();
        #[cfg(feature = "otel")]
        let registry = registry.with(traces.as_ref().map(Traces::layer));
        let lines = fmt::layer();
        match self.log_format {
            Format::Text => {
                let lines = lines.with_writer(move || LogWriter::text(writer.clone()));
                let lines = lines.with_ansi(false).with_filter(self.log.clone());
                registry.with(lines).init();
            }
            Format::Json => {
                let lines = lines.with_writer(move || LogWriter::json(writer.clone()));
                let lines = lines.json().with_filter(self.log.clone());
                registry.with(lines).init();
            }
        }
        // The default would write to standard error, and wait where nobody reads it. What a panic
        // says may quote a body.
        panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string);
            tracing::error!(location, "panicked");
        }));
        #[cfg(feature = "otel")]
        if let Some(error) = failed {
            tracing::error!(error = format!("{error:#}"), "no traces are sent");
        }
        Started {
            dropped_lines,
            #[cfg(feature = "otel")]
            _traces: traces,
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
