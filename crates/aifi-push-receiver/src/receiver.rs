//! The receiver: what a server needs to take events into an inbox.

use std::{fmt, sync::Arc, time::Duration};

use axum::{Router, http::StatusCode};

use crate::{
    Error, Inbox, Tokens, metrics::Metrics, queue::Queue, receive, shared::Shared, status,
};

/// Takes pushes into an inbox and acknowledges each when it is durable.
///
/// A clone is the same receiver.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use aifi_push_receiver::{Receiver, SqliteInbox, Tokens};
/// use axum::Router;
///
/// # async fn run() -> Result<(), aifi_push_receiver::Error> {
/// let inbox = Arc::new(SqliteInbox::open("events.db").await?);
/// let receiver = Receiver::builder(inbox, Tokens::new(["secret"])?).build()?;
/// // The platform, configured with https://retailer.example/webhook, calls /webhook/left.
/// let app: Router = Router::new().nest("/webhook", receiver.router());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Receiver {
    shared: Arc<Shared>,
}

impl Receiver {
    /// Starts a receiver that stores into `inbox` what comes with one of `tokens`.
    pub fn builder(inbox: Arc<dyn Inbox>, tokens: Tokens) -> ReceiverBuilder {
        ReceiverBuilder {
            inbox,
            tokens,
            max_body_bytes: 1020 * 1024,
            body_timeout: Duration::from_secs(30),
            max_queued_events: 10_000,
            max_queued_bytes: 64 * 1024 * 1024,
            quarantined_status: StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// Routes for the operations of the document, each at the last segment of its path.
    ///
    /// | answer | when |
    /// |---|---|
    /// | 201, the id of the event | the event is stored |
    /// | 422, or as [set](ReceiverBuilder::quarantined_status) | it is stored and quarantined, as its body does not decode |
    /// | 400, 408 | the body did not arrive in full, or in time |
    /// | 401 | there is no token, or not one of ours |
    /// | 404, 405 | no operation of the document has this path, this method |
    /// | 413, 415 | the body is too large, is not JSON by its `Content-Type` |
    /// | 503 with `Retry-After` | too many events wait, or the inbox failed |
    ///
    /// Every answer but 201 is an [`ApiError`](aifi_push::types::ApiError).
    pub fn router(&self) -> Router {
        receive::router(&self.shared)
    }

    /// Routes for those who operate the receiver, without a token: `/livez` says that the process
    /// lives, `/readyz` whether an event could be stored now, `/metrics` gives figures for
    /// Prometheus.
    pub fn status_router(&self) -> Router {
        status::router(&self.shared)
    }

    /// Everything on one address, for a server that does nothing else: [`router`](Self::router)
    /// below a base path such as `/webhook`, and [`status_router`](Self::status_router). Any other
    /// path is answered with 404 and an error that says so.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if the base path is none.
    pub fn app(&self, base_path: &str) -> Result<Router, Error> {
        receive::app(&self.shared, base_path).map(|app| app.merge(self.status_router()))
    }

    /// Takes no more events, and returns when those in hand are stored. For the end of the process,
    /// after the server has ended.
    pub async fn close(&self) {
        self.shared.queue.close().await;
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("inbox", &self.shared.inbox)
            .finish_non_exhaustive()
    }
}

/// Makes a [`Receiver`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ReceiverBuilder {
    inbox: Arc<dyn Inbox>,
    tokens: Tokens,
    max_body_bytes: usize,
    body_timeout: Duration,
    max_queued_events: usize,
    max_queued_bytes: usize,
    quarantined_status: StatusCode,
}

impl ReceiverBuilder {
    /// The most bytes of a body. 1020 KiB unless set, so that a body and its headers fit into the
    /// 1 MiB that a broker takes.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// How long a body may take to arrive. 30 seconds unless set.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// How many events may wait for the disk, and how many bytes. More calls than that are answered
    /// with 503. 10,000 events of 64 MiB in all unless set.
    pub fn max_queued(mut self, events: usize, bytes: usize) -> Self {
        self.max_queued_events = events;
        self.max_queued_bytes = bytes;
        self
    }

    /// The status for an event that is stored although its body does not decode: 422 unless set.
    /// A 2xx is for a sender that would stop sending after a 4xx.
    pub fn quarantined_status(mut self, status: StatusCode) -> Self {
        self.quarantined_status = status;
        self
    }

    /// Makes the receiver. It runs on the Tokio runtime in which this is called.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] names the setting that is wrong.
    pub fn build(self) -> Result<Receiver, Error> {
        // Tokio's semaphores and channels panic beyond.
        let most = usize::MAX >> 3;
        if !(1..=most).contains(&self.max_queued_events) {
            return Err(Error::configuration(
                "max_queued",
                "at least one event must fit",
            ));
        }
        if !(self.max_body_bytes..=most).contains(&self.max_queued_bytes) {
            return Err(Error::configuration(
                "max_queued",
                format!(
                    "a body of {} bytes must fit: allow more, or smaller bodies only",
                    self.max_body_bytes
                ),
            ));
        }
        let largest = self.inbox.max_body_bytes().unwrap_or(usize::MAX);
        if self.max_body_bytes > largest {
            return Err(Error::configuration(
                "max_body_bytes",
                format!(
                    "the inbox takes bodies of at most {largest} bytes, not of {}: allow smaller \
                     ones only, or raise `max_payload` of the brokers",
                    self.max_body_bytes
                ),
            ));
        }
        let status = self.quarantined_status;
        if !status.is_success() && !status.is_client_error() {
            return Err(Error::configuration(
                "quarantined_status",
                format!(
                    "{} says nothing about the body: choose a 2xx or a 4xx",
                    status.as_u16()
                ),
            ));
        }
        let metrics = Arc::new(Metrics::new());
        let queue = Queue::start(
            Arc::clone(&self.inbox),
            self.max_queued_events,
            self.max_queued_bytes,
            Arc::clone(&metrics),
        );
        let shared = Shared {
            inbox: self.inbox,
            tokens: self.tokens,
            queue,
            metrics,
            max_body_bytes: self.max_body_bytes,
            body_timeout: self.body_timeout,
            quarantined_status: self.quarantined_status,
        };
        Ok(Receiver {
            shared: Arc::new(shared),
        })
    }
}
