//! The signals of the operating system.

use std::future::Future;

use aifi_push_receiver::Tokens;
use anyhow::Result;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

use crate::tokens::TokenSource;

/// Done on Ctrl-C or SIGTERM, listened for from now on.
#[cfg(unix)]
pub(super) fn stop() -> Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Done on Ctrl-C.
#[cfg(not(unix))]
pub(super) fn stop() -> Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}

/// Reads the tokens again on SIGHUP. Those of before stay if that fails.
#[cfg(unix)]
pub(super) fn reload_on_hangup(tokens: Tokens, source: TokenSource) -> Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            match source.read().and_then(|read| Ok(tokens.replace(read)?)) {
                Ok(()) => tracing::info!("read the tokens again"),
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "the tokens stay as they were");
                }
            }
        }
    });
    Ok(())
}

/// There is no such signal here.
#[cfg(not(unix))]
pub(super) fn reload_on_hangup(_: Tokens, _: TokenSource) -> Result<()> {
    Ok(())
}
