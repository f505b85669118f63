//! A directory for an inbox.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::TempDir;

/// A directory for an inbox, deleted when it is dropped.
#[derive(Debug)]
pub struct TempInbox {
    /// With it, an inbox that is dropped later can't write its file again.
    _parent: TempDir,
    directory: PathBuf,
}

impl TempInbox {
    /// Creates the directory.
    ///
    /// # Errors
    ///
    /// If it can't be created.
    pub fn new() -> Result<Self> {
        let parent = tempfile::tempdir()?;
        let directory = parent.path().join("data");
        std::fs::create_dir(&directory)?;
        Ok(Self {
            _parent: parent,
            directory,
        })
    }

    /// Returns the directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the path of the SQLite file, which need not exist.
    pub fn path(&self) -> PathBuf {
        self.directory.join("events.db")
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
