//! Thousands of connections that misbehave, and honest senders among them.

use std::{path::Path, sync::Arc, time::Duration};

use aifi_push_testkit::{TempInbox, http};
use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::block_in_place,
    time::timeout,
};

use super::serve;
use crate::{
    ledger::{Ledger, Trial},
    load::Load,
};

/// How many misbehave at a time.
const CONCURRENCY: usize = 200;

/// How long a connection may write, and then read.
const IO_TIMEOUT: Duration = Duration::from_millis(100);

pub(super) async fn run(binary: &Path, connections: u32) -> Result<Trial> {
    let (inbox, ledger) = (TempInbox::new()?, Arc::new(Ledger::default()));
    let process = serve(binary, &inbox)?;
    let load = Load::start(process.url(), 8, &ledger)?;
    let requests = bad_requests();
    let connected = stream::iter(0..connections)
        .map(|nth| misbehave(process.address(), &requests[nth as usize % requests.len()]))
        .buffer_unordered(CONCURRENCY)
        .filter(|connected| std::future::ready(*connected))
        .count()
        .await;
    println!("{connected} of {connections} misbehaving connections were accepted");
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
    let status = block_in_place(|| process.terminate())?;
    ensure!(status.success(), "it ended with {status}");
    let ledger = Arc::into_inner(ledger).context("a sender goes on")?;
    ledger.settle("connection flood", &inbox).await
}

/// Returns `true` if the connection was accepted.
async fn misbehave(address: &str, request: &[u8]) -> bool {
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return false;
    };
    let _ = timeout(IO_TIMEOUT, stream.write_all(request)).await;
    let _ = timeout(IO_TIMEOUT, stream.read(&mut [0; 64])).await;
    true
}

fn bad_requests() -> Vec<Vec<u8>> {
    let post = |headers: &[&str], body: &str| {
        let mut request = http::head_keep_alive("POST /webhook/left", headers);
        request.extend_from_slice(body.as_bytes());
        request
    };
    let chunked = "Transfer-Encoding: chunked";
    let long = "x".repeat(1024 * 1024);
    vec![
        // Nothing at all, and half a head.
        Vec::new(),
        b"POST /webh".to_vec(),
        // Half a body, and more than the length.
        post(&["Content-Length: 1000"], "{"),
        post(&["Content-Length: 2"], "{}{}{}{}"),
        post(&["Content-Length: 1", "Content-Length: 2"], ""),
        post(&["Content-Length: minus one"], ""),
        // Chunks that break off, that are invalid, and that come with a length.
        post(&[chunked], "5\r\nab"),
        post(&[chunked], "zz\r\nab\r\n0\r\n\r\n"),
        post(&[chunked, "Content-Length: 5"], "0\r\n\r\n"),
        // A header, a token and a body of a mebibyte.
        post(&[&format!("X-Long: {long}")], ""),
        format!("POST /webhook/left HTTP/1.1\r\nAuthorization: Bearer {long}\r\n\r\n").into_bytes(),
        post(&["Content-Length: 2000000"], &long),
        // Not HTTP, or of another version.
        b"\x16\x03\x01\x02".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
    ]
}
