//! What a connection does, so that silent ones end and make room for others.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::oneshot,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

/// What HTTP/2 begins with.
const HTTP2: &[u8] = b"PRI ";

/// How many of the first bytes are kept, to say what else it was.
const FIRST_BYTES: usize = 12;

/// How long a connection may be silent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// For the first request, and from the first byte of a head to its last.
    pub(super) head: Duration,
    /// Between requests.
    pub(super) idle: Duration,
}

/// What one connection does.
#[derive(Debug)]
pub(super) struct Activity {
    progress: Mutex<Progress>,
    /// Ends the connection.
    pub(super) cut: CancellationToken,
}

#[derive(Debug)]
struct Progress {
    phase: Phase,
    since: Instant,
    /// Requests without a response.
    in_flight: usize,
    first_bytes: Vec<u8>,
    /// Whether a request came with a token that is accepted.
    is_authenticated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No request yet.
    New,
    /// Between requests.
    Idle,
    /// The head of a request, or what nobody wants of a body, is arriving.
    Head,
    InRequest,
}

impl Activity {
    pub(super) fn new(cut: CancellationToken) -> Self {
        Self {
            progress: Mutex::new(Progress {
                phase: Phase::New,
                since: Instant::now(),
                in_flight: 0,
                first_bytes: Vec::with_capacity(FIRST_BYTES),
                is_authenticated: false,
            }),
            cut,
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the server has a request to answer, until the result is dropped.
    pub(super) fn request(self: &Arc<Self>) -> InRequest {
        let mut progress = self.progress();
        progress.in_flight += 1;
        progress.enter(Phase::InRequest);
        InRequest(Arc::clone(self))
    }

    fn read(&self, bytes: &[u8]) {
        let mut progress = self.progress();
        let missing = FIRST_BYTES - progress.first_bytes.len();
        if missing > 0 {
            progress.first_bytes.extend(bytes.iter().take(missing));
        }
        // Frames of HTTP/2 arrive between requests as well.
        if progress.phase == Phase::Idle && !progress.first_bytes.starts_with(HTTP2) {
            progress.enter(Phase::Head);
        }
    }

    pub(super) fn first_bytes(&self) -> Vec<u8> {
        self.progress().first_bytes.clone()
    }

    /// Returns who is closed first to make room: connections without a token, then those silent for longest; or
    /// `None` in the middle of a request.
    pub(super) fn dispensability(&self) -> Option<(bool, Instant)> {
        let progress = self.progress();
        let is_silent = progress.phase != Phase::InRequest;
        is_silent.then_some((progress.is_authenticated, progress.since))
    }

    /// Completes when the connection has been silent for too long.
    pub(super) async fn expired(&self, limits: Limits) {
        loop {
            let (phase, since) = {
                let progress = self.progress();
                (progress.phase, progress.since)
            };
            let limit = match phase {
                Phase::New | Phase::Head => limits.head,
                Phase::Idle => limits.idle,
                Phase::InRequest => Duration::MAX,
            };
            let left = limit.saturating_sub(since.elapsed());
            if left.is_zero() {
                return;
            }
            // A look now and then costs less than a timer that each request sets.
            sleep(left.min(limits.head)).await;
        }
    }
}

impl Progress {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
    }
}

/// A request that the server answers.
#[derive(Debug)]
pub(super) struct InRequest(Arc<Activity>);

impl InRequest {
    /// Notes that the request came with a token that is accepted.
    pub(super) fn authenticated(&self) {
        self.0.progress().is_authenticated = true;
    }
}

impl Drop for InRequest {
    fn drop(&mut self) {
        let mut progress = self.0.progress();
        progress.in_flight -= 1;
        if progress.in_flight == 0 {
            progress.enter(Phase::Idle);
        }
    }
}

/// A stream whose bytes are noted, and which comes back when it is dropped.
pub(super) struct Watched<S> {
    /// `None` while it is dropped.
    stream: Option<S>,
    activity: Arc<Activity>,
    end_of_input: Arc<AtomicBool>,
    back: Option<oneshot::Sender<S>>,
}

/// The stream of a [`Watched`] that was dropped.
pub(super) struct Back<S> {
    stream: oneshot::Receiver<S>,
    end_of_input: Arc<AtomicBool>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>) -> (Self, Back<S>) {
        let (back, returned) = oneshot::channel();
        let end_of_input = Arc::new(AtomicBool::new(false));
        let watched = Self {
            stream: Some(stream),
            activity,
            end_of_input: Arc::clone(&end_of_input),
            back: Some(back),
        };
        let back = Back {
            stream: returned,
            end_of_input,
        };
        (watched, back)
    }
}

impl<S> Back<S> {
    /// Returns the stream if the peer may still send.
    pub(super) async fn open_stream(self) -> Option<S> {
        let stream = self.stream.await.ok()?;
        (!self.end_of_input.load(Ordering::Relaxed)).then_some(stream)
    }
}

impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        if let (Some(stream), Some(back)) = (self.stream.take(), self.back.take()) {
            // Nobody waits for it where the connection was cut.
            let _ = back.send(stream);
        }
    }
}

fn gone<T>() -> Poll<std::io::Result<T>> {
    Poll::Ready(Err(std::io::ErrorKind::NotConnected.into()))
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let Some(stream) = &mut self.stream else {
            return gone();
        };
        ready!(Pin::new(stream).poll_read(context, buffer))?;
        match &buffer.filled()[before..] {
            [] => self.end_of_input.store(true, Ordering::Relaxed),
            bytes => self.activity.read(bytes),
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let Some(stream) = &mut self.stream else {
            return gone();
        };
        Pin::new(stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let Some(stream) = &mut self.stream else {
            return gone();
        };
        Pin::new(stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream
            .as_ref()
            .is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        let Some(stream) = &mut self.stream else {
            return gone();
        };
        Pin::new(stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        let Some(stream) = &mut self.stream else {
            return gone();
        };
        Pin::new(stream).poll_shutdown(context)
    }
}
