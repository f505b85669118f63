//! Ends the receiver at random moments, again and again on the same inbox.

use std::{path::Path, sync::Arc, time::Duration};

use aifi_push_testkit::{ServeProcess, TempInbox};
use anyhow::{Context, Result, ensure};
use tokio::task::block_in_place;

use super::serve;
use crate::{
    ledger::{Ledger, Trial},
    load::Load,
};

/// By SIGKILL, as in a crash.
pub(super) async fn by_kill(binary: &Path, times: u32) -> Result<Trial> {
    run("SIGKILL", binary, times, ServeProcess::kill).await
}

/// By SIGTERM, after which it ends with success.
pub(super) async fn by_sigterm(binary: &Path, times: u32) -> Result<Trial> {
    run("SIGTERM", binary, times, |serve| {
        let status = serve.terminate()?;
        ensure!(status.success(), "after SIGTERM it ended with {status}");
        Ok(())
    })
    .await
}

async fn run(
    name: &'static str,
    binary: &Path,
    times: u32,
    end: fn(ServeProcess) -> Result<()>,
) -> Result<Trial> {
    let (inbox, ledger) = (TempInbox::new()?, Arc::new(Ledger::default()));
    for _ in 0..times {
        let process = serve(binary, &inbox)?;
        let load = Load::start(process.url(), 32, &ledger)?;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(10..500))).await;
        block_in_place(|| end(process))?;
        load.stop().await?;
    }
    let ledger = Arc::into_inner(ledger).context("a sender goes on")?;
    ledger.settle(name, &inbox).await
}
