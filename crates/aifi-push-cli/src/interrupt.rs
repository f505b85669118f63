//! Ctrl-C and SIGTERM while sending.

use std::time::Duration;

use anyhow::Result;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long the events in hand may take after SIGTERM: who sends it kills a process that does not end.
const TERMINATION: Duration = Duration::from_secs(3);

/// The first signal asks to send no other event, the second to stop with those in hand.
pub(crate) struct Interrupt {
    pub(crate) stop: CancellationToken,
    pub(crate) abort: CancellationToken,
}

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self> {
        let (stop, abort) = (CancellationToken::new(), CancellationToken::new());
        let mut signals = Signals::new()?;
        let interrupt = Self {
            stop: stop.clone(),
            abort: abort.clone(),
        };
        tokio::spawn(async move {
            let signal = signals.next().await;
            stop.cancel();
            match signal {
                Signal::Interrupt => {
                    signals.next().await;
                }
                Signal::Terminate => {
                    // Either of them is the end.
                    let _ = tokio::time::timeout(TERMINATION, signals.next()).await;
                }
            }
            abort.cancel();
        });
        Ok(interrupt)
    }
}

#[derive(Clone, Copy)]
enum Signal {
    Interrupt,
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is no SIGTERM"))]
    Terminate,
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}
