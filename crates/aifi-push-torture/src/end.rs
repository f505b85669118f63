//! Ending it at a random moment, again and again on the same inbox.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};

use crate::{
    ledger::{Ledger, Trial},
    load::Load,
    serving::{Place, Serving},
};

/// By kill -9, as in a crash.
pub(crate) async fn by_kill(binary: &Path, times: u32) -> Result<Trial> {
    run("kill -9", binary, times, Serving::kill).await
}

/// By SIGTERM, after which it ends well.
pub(crate) async fn by_sigterm(binary: &Path, times: u32) -> Result<Trial> {
    run("SIGTERM", binary, times, async |serving: Serving| {
        let status = serving.terminate().await?;
        ensure!(status.success(), "after SIGTERM it ended with {status}");
        Ok(())
    })
    .await
}

async fn run(
    name: &'static str,
    binary: &Path,
    times: u32,
    end: impl AsyncFn(Serving) -> Result<()>,
) -> Result<Trial> {
    let (place, ledger) = (Place::new()?, Arc::new(Ledger::default()));
    for _ in 0..times {
        let serving = place.serve(binary).await?;
        let load = Load::start(&serving.url, 32, &ledger)?;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(10..500))).await;
        end(serving).await?;
        load.stop().await?;
    }
    let ledger = Arc::into_inner(ledger).context("a sender goes on")?;
    ledger.settle(name, &place.inbox()).await
}
