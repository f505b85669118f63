//! kill -9 at a random moment, again and again on the same inbox.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result};

use crate::{
    ledger::{Ledger, Trial},
    load::Load,
    serving::Place,
};

pub(crate) async fn run(binary: &Path, kills: u32) -> Result<Trial> {
    let (place, ledger) = (Place::new()?, Arc::new(Ledger::default()));
    for _ in 0..kills {
        let serving = place.serve(binary).await?;
        let load = Load::start(&serving.url, 32, &ledger)?;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(10..500))).await;
        serving.kill().await?;
        load.stop().await?;
    }
    let ledger = Arc::into_inner(ledger).context("a sender goes on")?;
    ledger.settle("kill -9", &place.inbox()).await
}
