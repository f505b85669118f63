//! The signals of the operating system.

use anyhow::Result;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Why the program is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Somebody at a terminal pressed Ctrl-C.
    Interrupt,
    /// A supervisor wants it, by SIGTERM.
    Terminate,
}

/// The signals to stop, listened for from its creation on.
pub(crate) struct StopSignals {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
}

/// The signal to reload files, listened for from its creation on.
pub(crate) struct Hangups {
    #[cfg(unix)]
    signal: Signal,
}

#[cfg(unix)]
impl StopSignals {
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub(crate) async fn next(&mut self) -> Stop {
        tokio::select! {
            _ = self.interrupt.recv() => Stop::Interrupt,
            _ = self.terminate.recv() => Stop::Terminate,
        }
    }
}

#[cfg(unix)]
impl Hangups {
    pub(crate) fn listen() -> Result<Self> {
        let signal = signal(SignalKind::hangup())?;
        Ok(Self { signal })
    }

    /// Waits for the next one.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub(crate) async fn next(&mut self) {
        self.signal.recv().await;
    }
}

#[cfg(not(unix))]
impl StopSignals {
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self {})
    }

    pub(crate) async fn next(&mut self) -> Stop {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Stop::Interrupt
    }
}

#[cfg(not(unix))]
impl Hangups {
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self {})
    }

    pub(crate) async fn next(&mut self) {
        std::future::pending().await
    }
}
