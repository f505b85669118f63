//! A receiver on brokers.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use aifi_push_testkit::ServeProcess;
use anyhow::Result;
use tokio::task::block_in_place;

/// A receiver that restarts at the same address.
pub(super) struct Receiver {
    binary: PathBuf,
    inbox: String,
    process: ServeProcess,
}

impl Receiver {
    pub(super) fn start(binary: &Path, inbox: &str) -> Result<Self> {
        Ok(Self {
            binary: binary.to_owned(),
            inbox: inbox.to_owned(),
            process: start(binary, inbox, "127.0.0.1:0")?,
        })
    }

    pub(super) fn url(&self) -> &str {
        self.process.url()
    }

    pub(super) fn kill_and_restart(self) -> Result<Self> {
        let Self {
            binary,
            inbox,
            process,
        } = self;
        let address = process.address().to_owned();
        block_in_place(|| process.kill())?;
        let process = start(&binary, &inbox, &address)?;
        Ok(Self {
            binary,
            inbox,
            process,
        })
    }
}

fn start(binary: &Path, inbox: &str, address: &str) -> Result<ServeProcess> {
    let mut command = Command::new(binary);
    command
        .args(["serve", "--log", "off"])
        .args(["--listen", address, "--inbox", inbox]);
    block_in_place(|| ServeProcess::start(command))
}
