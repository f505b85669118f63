//! A directory for an inbox.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::TempDir;

/// A directory for an inbox, deleted when it is dropped.
#[derive(Debug)]
pub struct TempInbox {
    directory: TempDir,
}

impl TempInbox {
    /// Creates the directory.
    ///
    /// # Errors
    ///
    /// If it can't be created.
    pub fn new() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        Ok(Self { directory })
    }

    /// Returns the directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the path of the SQLite file, which need not exist.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("events.db")
    }

    /// Returns the URL of the inbox.
    pub fn url(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    /// Opens the inbox.
    ///
    /// # Errors
    ///
    /// If it can't be opened.
    #[cfg(feature = "inbox")]
    pub async fn open(&self) -> Result<aifi_push_inbox::SqliteInbox, aifi_push_inbox::OpenError> {
        aifi_push_inbox::SqliteInbox::open(self.path()).await
    }
}
