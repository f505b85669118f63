//! What could not be sent: listed, and kept in a file.

use std::{
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

pub(super) struct Failures {
    path: PathBuf,
    file: Option<File>,
    count: u64,
    unsent: u64,
    quarantined: u64,
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
            quarantined: 0,
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
    pub(super) fn add_quarantined(&mut self, item: &Item, id: &str) {
        self.quarantined += 1;
        self.list(item, &format!("stored but quarantined under the id {id}"));
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
        let quarantined = match self.quarantined {
            0 => String::new(),
            some => format!(", {some} of them stored but quarantined"),
        };
        output::line(format_args!(
            "sent {sent} of {all} in {seconds:.1} s{quarantined}"
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
