//! What could not be sent: listed, and kept in a file.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{File, OpenOptions},
    io::Write,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use chrono::Utc;

use crate::{
    escape,
    input::{Item, on_one_line},
    output,
};

/// How many are listed; the file contains all.
const LISTED: usize = 20;

/// What is wrong with an event that the receiver stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Flaw {
    /// It fails to decode there.
    Quarantined,
    /// It is a question that nobody answered in time.
    Unanswered,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quarantined => "stored but quarantined",
            Self::Unanswered => "stored but unanswered",
        })
    }
}

pub(super) struct Failures {
    path: PathBuf,
    file: Option<File>,
    count: u64,
    unsent: u64,
    flawed: BTreeMap<Flaw, u64>,
    listed: Vec<String>,
    unlisted: u64,
}

impl Failures {
    /// Nothing has failed yet, so there is no file yet.
    pub(super) fn new(path: Option<PathBuf>) -> Result<Self> {
        let path = path.unwrap_or_else(|| {
            let time = Utc::now().format("%Y%m%dT%H%M%S%3fZ");
            format!("aifi-push-failed-{time}.ndjson").into()
        });
        ensure!(
            !path.exists(),
            "{}: this file exists and may contain earlier failures: choose another with --failures",
            escape::path(&path)
        );
        Ok(Self {
            path,
            file: None,
            count: 0,
            unsent: 0,
            flawed: BTreeMap::new(),
            listed: Vec::new(),
            unlisted: 0,
        })
    }

    pub(super) fn add(&mut self, item: &Item, problem: &str) -> Result<()> {
        self.list(item, problem);
        self.write(item).with_context(|| problem.to_owned())
    }

    /// Adds an event that was left when sending was interrupted.
    pub(super) fn add_unsent(&mut self, item: &Item) -> Result<()> {
        self.unsent += 1;
        self.write(item)
    }

    /// Lists an event that need not be sent again.
    pub(super) fn add_stored(&mut self, item: &Item, flaw: Flaw, id: &str) {
        *self.flawed.entry(flaw).or_default() += 1;
        self.list(item, &format!("{flaw} under the id {id}"));
    }

    fn list(&mut self, item: &Item, problem: &str) {
        if self.listed.len() < LISTED {
            self.listed
                .push(format!("{}:{}: {problem}", item.file, item.line));
        } else {
            self.unlisted += 1;
        }
    }

    fn write(&mut self, item: &Item) -> Result<()> {
        self.count += 1;
        let written = self.file().and_then(|file| {
            file.write_all(&on_one_line(&item.body))?;
            Ok(())
        });
        written.with_context(|| {
            let (file, line) = (&item.file, item.line);
            let path = escape::path(&self.path);
            format!("{file}:{line} was not sent, and can't be written to {path}")
        })
    }

    fn file(&mut self) -> Result<&mut File> {
        if self.file.is_none() {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            // It contains personal data.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            self.file = Some(options.open(&self.path)?);
        }
        self.file.as_mut().context("no file")
    }

    /// Returns how many are in the file.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Prints how many of all events were sent, lists the others, and says how to send them again.
    pub(super) fn report(&self, all: u64, duration: Duration) -> Result<()> {
        let (sent, seconds) = (all - self.count, duration.as_secs_f64());
        let flawed = self.flawed.iter();
        let flawed: String = flawed
            .map(|(flaw, count)| format!(", {count} of them {flaw}"))
            .collect();
        output::line(format_args!(
            "sent {sent} of {all} in {seconds:.1} s{flawed}"
        ))?;
        for failure in &self.listed {
            output::line(failure)?;
        }
        if self.unlisted > 0 {
            output::line(format_args!("and {} more", self.unlisted))?;
        }
        if self.unsent > 0 {
            output::line(format_args!("interrupted: {} were not sent", self.unsent))?;
        }
        if self.count == 0 {
            return Ok(());
        }
        let path = escape::path(&self.path);
        output::line(format_args!(
            "failures are in {path}: send them again with `aifi-push send {path}`"
        ))
    }
}
