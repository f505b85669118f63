//! A full disk, by a limit on the size of files: refused, survived, and over when there is room.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
    time::{sleep, timeout},
};

use crate::{
    ledger::{Ledger, Trial},
    load::Load,
    serving::{Place, Serving},
};

/// How long the disk may take to fill up, and the receiver to see that there is room again.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) async fn run(binary: &Path) -> Result<Trial> {
    let (place, ledger) = (Place::new()?, Arc::new(Ledger::default()));
    // 16 MiB in blocks of 512 bytes. Beyond, a write fails as on a full disk instead of ending the
    // process, as the signal is ignored.
    let mut limited = Command::new("sh");
    limited
        .args(["-c", r#"trap '' XFSZ; ulimit -S -f 32768; exec "$0" "$@""#])
        .arg(binary);
    let serving = place.serve_under(limited).await?;
    let load = Load::start(&serving.url, 32, &ledger)?;
    wait_for(&serving, "/readyz", 503)
        .await
        .context("the disk never filled up")?;
    ensure!(status(&serving, "/livez").await? == 200, "it is not alive");
    let before = ledger.count();
    ensure!(
        before > 0,
        "nothing was acknowledged before the disk was full"
    );

    let id = serving.id()?.to_string();
    let raised = Command::new("prlimit")
        .args(["--pid", &id, "--fsize=unlimited:"])
        .status()
        .await
        .context("prlimit, of util-linux")?;
    ensure!(raised.success(), "the limit was not raised");
    wait_for(&serving, "/readyz", 200)
        .await
        .context("it did not recover")?;
    timeout(PATIENCE, async {
        while ledger.count() < before + 100 {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .context("nothing was acknowledged after there was room again")?;
    serving.kill().await?;
    load.stop().await?;
    let ledger = Arc::into_inner(ledger).context("a sender goes on")?;
    ledger.settle("full disk", &place.inbox()).await
}

async fn wait_for(serving: &Serving, path: &str, wanted: u16) -> Result<()> {
    timeout(PATIENCE, async {
        while status(serving, path).await? != wanted {
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    })
    .await?
}

async fn status(serving: &Serving, path: &str) -> Result<u16> {
    let mut stream = TcpStream::connect(serving.address()?).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: torture\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.get(9..12).context("no status")?;
    Ok(status.parse()?)
}
