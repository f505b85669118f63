//! SIGTERM at a random moment: nothing is lost, and it ends well.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};

use crate::{
    ledger::{Ledger, Trial},
    load::Load,
    serving::Place,
};

pub(crate) async fn run(binary: &Path, stops: u32) -> Result<Trial> {
    let (place, ledger) = (Place::new()?, Arc::new(Ledger::default()));
    for _ in 0..stops {
        let serving = place.serve(binary).await?;
        let load = Load::start(&serving.url, 32, &ledger)?;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(10..500))).await;
        let status = serving.terminate().await?;
        ensure!(status.success(), "after SIGTERM it ended with {status}");
        load.stop().await?;
    }
    let ledger = Arc::into_inner(ledger).context("a sender goes on")?;
    ledger.settle("SIGTERM", &place.inbox()).await
}
