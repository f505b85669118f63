//! What became of the events.

use std::{collections::BTreeMap, fmt, time::Duration};

use aifi_push::Error;
use serde::Serialize;

use crate::counted::counted;

/// The counts of a simulation.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tally {
    pub(super) stores: u32,
    /// Visits that began.
    pub(super) visits: usize,
    pub(super) events: u64,
    stored: u64,
    /// Stored, although they fail to decode.
    quarantined: u64,
    failed: u64,
    /// The failures by their cause: a status, or what happened to the connection.
    failures: BTreeMap<String, u64>,
    kinds: BTreeMap<&'static str, u64>,
    pub(super) seconds: f64,
    /// How much later than planned an event was sent at most.
    latest_seconds: f64,
}

impl Tally {
    pub(super) fn add(&mut self, kind: &'static str, lag: Duration, result: Result<(), &Error>) {
        self.events += 1;
        *self.kinds.entry(kind).or_default() += 1;
        self.latest_seconds = self.latest_seconds.max(lag.as_secs_f64());
        match result {
            Ok(()) => self.stored += 1,
            Err(error) if error.rejection().is_some_and(|it| it.status() == 422) => {
                self.quarantined += 1;
            }
            Err(error) => {
                self.failed += 1;
                *self.failures.entry(cause(error)).or_default() += 1;
            }
        }
    }

    pub(super) fn is_without_failure(&self) -> bool {
        self.failed == 0
    }
}

/// A failure in few words, so that there are few.
fn cause(error: &Error) -> String {
    match error {
        Error::Connect { .. } => "could not connect".to_owned(),
        Error::TimedOut { .. } => "no response in time".to_owned(),
        Error::Disconnected { .. } => "connection ended".to_owned(),
        _ => match error.rejection() {
            Some(rejection) => format!("status {}", rejection.status()),
            None => "not sent".to_owned(),
        },
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stores,
            visits,
            events,
            stored,
            quarantined,
            failed,
            failures,
            seconds,
            latest_seconds,
            ..
        } = self;
        #[expect(clippy::cast_precision_loss, reason = "it is rounded")]
        let rate = *events as f64 / seconds.max(f64::MIN_POSITIVE);
        writeln!(
            f,
            "{} of {} to {} in {seconds:.0} s ({rate:.1} a second)",
            counted(*events, "event"),
            counted(*visits as u64, "visit"),
            counted((*stores).into(), "store"),
        )?;
        writeln!(f, "  stored       {stored}")?;
        writeln!(f, "  quarantined  {quarantined}")?;
        writeln!(f, "  failed       {failed}")?;
        for (cause, count) in failures {
            writeln!(f, "    {cause}: {count}")?;
        }
        write!(f, "  at most {latest_seconds:.1} s later than planned")
    }
}
