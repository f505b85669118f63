//! A full disk, by a limit on the size of files: events are refused, and accepted again when there is
//! room.

use std::{path::Path, process::Command, sync::Arc, time::Duration};

use aifi_push_testkit::{ServeProcess, TempInbox};
use anyhow::{Context, Result, ensure};
use tokio::{
    task::block_in_place,
    time::{sleep, timeout},
};

use crate::{
    ledger::{Ledger, Trial},
    load::Load,
};

/// How long the disk may take to fill up, and the receiver to recover.
const STEP_TIMEOUT: Duration = Duration::from_secs(120);

pub(super) async fn run(binary: &Path) -> Result<Trial> {
    let (inbox, ledger) = (TempInbox::new()?, Arc::new(Ledger::default()));
    // 16 MiB in blocks of 512 bytes. Beyond, a write fails as on a full disk. The signal, which would
    // end the process instead, is ignored.
    let mut limited = Command::new("sh");
    limited
        .args(["-c", r#"trap '' XFSZ; ulimit -S -f 32768; exec "$0" "$@""#])
        .arg(binary)
        .current_dir(inbox.directory());
    let process = block_in_place(|| ServeProcess::serve_with(limited, &["--log", "off"]))?;
    let load = Load::start(process.url(), 32, &ledger)?;
    wait_for(&process, "/readyz", 503)
        .await
        .context("the disk never filled up")?;
    ensure!(status(&process, "/livez")? == 200, "it is not alive");
    let before = ledger.count();
    ensure!(
        before > 0,
        "nothing was acknowledged before the disk was full"
    );

    block_in_place(|| lift_limit(&process))?;
    wait_for(&process, "/readyz", 200)
        .await
        .context("it did not recover")?;
    timeout(STEP_TIMEOUT, async {
        while ledger.count() < before + 100 {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .context("nothing was acknowledged after there was room again")?;
    block_in_place(|| process.kill())?;
    load.stop().await?;
    let ledger = Arc::into_inner(ledger).context("a sender goes on")?;
    ledger.settle("full disk", &inbox).await
}

fn lift_limit(process: &ServeProcess) -> Result<()> {
    let lifted = Command::new("prlimit")
        .args(["--pid", &process.id().to_string(), "--fsize=unlimited:"])
        .status()
        .context("prlimit is missing: install util-linux")?;
    ensure!(lifted.success(), "the limit was not lifted");
    Ok(())
}

async fn wait_for(process: &ServeProcess, path: &str, wanted: u16) -> Result<()> {
    timeout(STEP_TIMEOUT, async {
        while status(process, path)? != wanted {
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    })
    .await?
}

fn status(process: &ServeProcess, path: &str) -> Result<u16> {
    Ok(block_in_place(|| process.get(path))?.status)
}
