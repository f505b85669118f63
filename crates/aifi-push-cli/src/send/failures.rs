//! What could not be sent: listed, and kept in a file.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::PathBuf,
};

use anyhow::{Context, Result, ensure};
use chrono::Utc;

use crate::{
    input::{Item, on_one_line},
    output,
};

/// How many are listed; the file contains all.
const LISTED: usize = 20;

pub(super) struct Failures {
    path: PathBuf,
    file: Option<File>,
    count: u64,
    listed: Vec<String>,
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
            path.display()
        );
        Ok(Self {
            path,
            file: None,
            count: 0,
            listed: Vec::new(),
        })
    }

    pub(super) fn add(&mut self, item: &Item, problem: &str) -> Result<()> {
        self.count += 1;
        if self.listed.len() < LISTED {
            self.listed
                .push(format!("{}:{}: {problem}", item.file, item.line));
        }
        let written = self.file().and_then(|file| {
            file.write_all(&on_one_line(&item.body))?;
            Ok(())
        });
        written.with_context(|| {
            let place = format!("{}:{}", item.file, item.line);
            format!(
                "{place} failed ({problem}), and can't be written to {}",
                self.path.display()
            )
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

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Lists them, and how to send them again.
    pub(super) fn report(&self) -> Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        for failure in &self.listed {
            output::line(failure)?;
        }
        let unlisted = self.count - self.listed.len() as u64;
        if unlisted > 0 {
            output::line(format_args!("and {unlisted} more"))?;
        }
        let path = self.path.display();
        output::line(format_args!(
            "failures are in {path}: send them again with `aifi-push send {path}`"
        ))
    }
}
