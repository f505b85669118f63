//! A `serve` on brokers.

use std::path::Path;

use anyhow::Result;
use tokio::process::Command;

use crate::serving::Serving;

/// A `serve` that comes back at the same address.
pub(super) struct Receiver {
    pub(super) serving: Serving,
    address: String,
}

impl Receiver {
    pub(super) async fn start(binary: &Path, inbox: &str) -> Result<Self> {
        Self::start_at(binary, inbox, "127.0.0.1:0").await
    }

    async fn start_at(binary: &Path, inbox: &str, address: &str) -> Result<Self> {
        let mut command = Command::new(binary);
        command.args([
            "serve", "--log", "off", "--listen", address, "--inbox", inbox,
        ]);
        let serving = Serving::start(command).await?;
        let address = serving.address()?.to_owned();
        Ok(Self { serving, address })
    }

    pub(super) async fn kill_and_restart(self, binary: &Path, inbox: &str) -> Result<Self> {
        self.serving.kill().await?;
        Self::start_at(binary, inbox, &self.address).await
    }
}
