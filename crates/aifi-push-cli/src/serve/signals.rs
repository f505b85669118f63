//! The signals of the operating system.

use std::future::Future;

use aifi_push_receiver::Tokens;
use anyhow::Result;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

use crate::tokens::TokenSource;

/// Completes on Ctrl-C or SIGTERM, which are listened for from now on.
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

/// Completes on Ctrl-C.
#[cfg(not(unix))]
pub(super) fn stop() -> Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}

/// Reloads the tokens on SIGHUP. If that fails, they stay as they are.
#[cfg(unix)]
pub(super) fn reload_on_hangup(
    tokens: Tokens,
    source: TokenSource,
) -> Result<impl Future<Output = Result<()>>> {
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        while hangup.recv().await.is_some() {
            match source.read().and_then(|read| Ok(tokens.replace(read)?)) {
                Ok(()) => tracing::info!("reloaded the tokens"),
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "the tokens stay as they were");
                }
            }
        }
        Ok(())
    })
}

/// There is no such signal here.
#[cfg(not(unix))]
pub(super) fn reload_on_hangup(
    _: Tokens,
    _: TokenSource,
) -> Result<impl Future<Output = Result<()>>> {
    Ok(std::future::pending())
}
