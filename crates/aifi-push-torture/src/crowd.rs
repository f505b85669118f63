//! Thousands of connections that misbehave, and honest senders in between.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    ledger::{Ledger, Trial},
    load::Load,
    serving::{Place, TOKEN},
};

/// How many misbehave at a time.
const AT_ONCE: usize = 200;

/// How long one that sent its worst stays to listen.
const LINGER: Duration = Duration::from_millis(100);

pub(crate) async fn run(binary: &Path, connections: u32) -> Result<Trial> {
    let (place, ledger) = (Place::new()?, Arc::new(Ledger::default()));
    let serving = place.serve(binary).await?;
    let load = Load::start(&serving.url, 8, &ledger)?;
    let address = serving.address()?;
    let worst = worst();
    let connected = stream::iter(0..connections)
        .map(|nth| misbehave(address, &worst[nth as usize % worst.len()]))
        .buffer_unordered(AT_ONCE)
        .filter(|connected| std::future::ready(*connected))
        .count()
        .await;
    println!("{connected} of {connections} misbehaving connections came about");
    let before = ledger.count();
    ensure!(before > 0, "no honest sender got through");
    timeout(Duration::from_secs(60), async {
        while ledger.count() < before + 100 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .context("no honest sender gets through any more")?;
    load.stop().await?;
    let status = serving.terminate().await?;
    ensure!(status.success(), "it ended with {status}");
    let ledger = Arc::into_inner(ledger).context("a sender goes on")?;
    ledger.settle("crowd", &place.inbox()).await
}

/// Gives whether a connection came about.
async fn misbehave(address: &str, bytes: &[u8]) -> bool {
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return false;
    };
    let _ = timeout(LINGER, stream.write_all(bytes)).await;
    let _ = timeout(LINGER, stream.read(&mut [0; 64])).await;
    true
}

fn worst() -> Vec<Vec<u8>> {
    let head = |headers: &str| {
        format!(
            "POST /webhook/left HTTP/1.1\r\nHost: torture\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\n{headers}\r\n"
        )
    };
    let long = "x".repeat(1024 * 1024);
    let texts = [
        // Nothing at all, and half a head.
        String::new(),
        "POST /webh".to_owned(),
        // Half a body, and more than was said.
        head("Content-Length: 1000\r\n") + "{",
        head("Content-Length: 2\r\n") + "{}{}{}{}",
        head("Content-Length: 1\r\nContent-Length: 2\r\n"),
        head("Content-Length: minus one\r\n"),
        // Chunks that break off, that are none, and that come with a length.
        head("Transfer-Encoding: chunked\r\n") + "5\r\nab",
        head("Transfer-Encoding: chunked\r\n") + "zz\r\nab\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") + "0\r\n\r\n",
        // A head, a token and a body of a mebibyte.
        head(&format!("X-Long: {long}\r\n")),
        format!("POST /webhook/left HTTP/1.1\r\nAuthorization: Bearer {long}\r\n\r\n"),
        head("Content-Length: 2000000\r\n") + &long,
        // No HTTP.
        "\u{16}\u{3}\u{1}\u{2}".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
    ];
    texts.map(String::into_bytes).into()
}
