//! What systemd is told, where it asks for it with `Type=notify` and `WatchdogSec=`.

use std::future::Future;

use anyhow::Result;

/// What the process does now.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    Ready,
    Stopping,
}

#[cfg(unix)]
pub(super) fn notify(state: State) {
    let state = match state {
        State::Ready => sd_notify::NotifyState::Ready,
        State::Stopping => sd_notify::NotifyState::Stopping,
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd was not notified");
    }
}

/// Reports that the process is alive as often as systemd asks. It runs on the same threads as
/// everything else, so that it stops when these are stuck.
#[cfg(unix)]
pub(super) fn watchdog() -> Option<impl Future<Output = Result<()>>> {
    let timeout = sd_notify::watchdog_enabled()?;
    Some(async move {
        let mut ticks = tokio::time::interval(timeout / 2);
        loop {
            ticks.tick().await;
            sd_notify::notify(&[sd_notify::NotifyState::Watchdog])?;
        }
    })
}

#[cfg(not(unix))]
pub(super) fn notify(_: State) {}

#[cfg(not(unix))]
pub(super) fn watchdog() -> Option<std::future::Pending<Result<()>>> {
    None
}
