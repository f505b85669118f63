//! The receiver: what a server needs to take events into an inbox.

#[cfg(feature = "tls")]
use std::sync::OnceLock;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aifi_push_inbox::{AdminError, Inbox};
use axum::{
    Router,
    http::{HeaderMap, StatusCode},
};
use prometheus_client::{collector::Collector, registry::Registry};

use crate::{
    admission::Admission,
    answer::{AnswerMetrics, AnswerSettings},
    consumer_metrics::ConsumerMetrics,
    error::ReceiverError,
    figures::{self, Figures, LastFigures},
    log_limit::LogLimit,
    metrics::Metrics,
    receive,
    routes::Routes,
    state::AppState,
    status::{self, Readiness},
    token_metrics::TokenMetrics,
    tokens::Tokens,
};

/// Stores events in an inbox and acknowledges each when it is durable.
///
/// A clone is the same receiver.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use aifi_push_receiver::{Receiver, Tokens, inbox::MemoryInbox};
/// use axum::Router;
///
/// # fn run() -> Result<(), aifi_push_receiver::ReceiverError> {
/// let inbox = Arc::new(MemoryInbox::new());
/// let receiver = Receiver::builder(inbox, Tokens::new(["secret"])?).build()?;
/// // The platform, configured with https://retailer.example/webhook, calls /webhook/left.
/// let app: Router = Router::new().nest("/webhook", receiver.router());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Receiver {
    pub(crate) state: Arc<AppState>,
}

impl Receiver {
    /// Configures a receiver that stores in `inbox` what comes with one of `tokens`.
    pub fn builder(inbox: Arc<dyn Inbox>, tokens: Tokens) -> ReceiverBuilder {
        ReceiverBuilder {
            inbox,
            tokens,
            max_body_bytes: 1020 * 1024,
            body_timeout: Duration::from_secs(30),
            max_queued_events: 10_000,
            max_queued_bytes: 64 * 1024 * 1024,
            accepted_status: StatusCode::CREATED,
            quarantined_status: StatusCode::UNPROCESSABLE_ENTITY,
            answers: AnswerSettings::default(),
            collectors: Vec::new(),
        }
    }

    /// Returns routes for the operations of the document, to nest at the path below which the
    /// [webhooks](Routes) have their URLs.
    ///
    /// | status | when |
    /// |---|---|
    /// | 201, or as [set](ReceiverBuilder::accepted_status), the id of the event | the event is stored |
    /// | 422, or as [set](ReceiverBuilder::quarantined_status) | it is stored and quarantined, as its body failed to decode |
    /// | 200, the answer | it is a question, and its answerer [answered](ReceiverBuilder::answer) |
    /// | 200, the id of the event | it was forwarded from this inbox, and came back |
    /// | 400, 408 | the body did not arrive in full, or in time |
    /// | 401 | there is no token, or one that is not accepted |
    /// | 404, 405 | no operation of the document has this path, this method |
    /// | 413 | the body is too large |
    /// | 503 with `Retry-After` | too many events wait, the inbox failed, or nobody answered a question |
    ///
    /// Every body of a refusal is an [`ApiError`](aifi_push::types::ApiError). Slashes at the end of a
    /// path or doubled ones, and the `Content-Type`, change nothing: whether the body decodes
    /// decides. Bodies in gzip, deflate, br and zstd are stored without this coding.
    ///
    /// The routes are a fallback: nest them in an application that has one of its own.
    pub fn router(&self) -> Router {
        self.router_with(&Routes::nested())
    }

    /// Returns [`router`](Self::router) with the URLs that are configured for some webhooks, for the
    /// root of a server. If it is nested, they are below that path.
    ///
    /// ```no_run
    /// # use aifi_push_receiver::{Receiver, ReceiverError, Routes};
    /// # fn app(receiver: &Receiver) -> Result<axum::Router, ReceiverError> {
    /// let routes = Routes::below("/webhook").route("checkout-zone", "/zones").build()?;
    /// Ok(receiver.router_with(&routes).merge(receiver.status_router()))
    /// # }
    /// ```
    pub fn router_with(&self, routes: &Routes) -> Router {
        receive::router(&self.state, routes.clone())
    }

    /// Returns routes for operators, without a token: `/livez` reports that the process is alive,
    /// `/readyz` whether an event could be stored now, `/metrics` metrics for Prometheus.
    ///
    /// An application that has one of these paths nests the routes, as in
    /// `.nest("/aifi-push", receiver.status_router())`, or calls [`is_ready`](Self::is_ready) and
    /// [`metrics`](Self::metrics) from its own.
    pub fn status_router(&self) -> Router {
        status::router(&self.state)
    }

    /// Returns the operator's page, for the root of a server or nested at a path: what happens now, each
    /// event, what went wrong and what to do about it. Everything but the form to sign in is for those
    /// whom the settings let in. `GET /figures` answers a [`FiguresReport`](crate::FiguresReport) as JSON.
    ///
    /// From its first visitor on, and while somebody looks, a task follows the inbox; another one records
    /// the figures, where the [settings](crate::AdminSettings::history) have no history. Pages that are open end soon after [`drain`](Self::drain).
    ///
    /// A server shows where a request came from by [`ConnectInfo`](axum::extract::ConnectInfo), as
    /// [`Server`](crate::Server) does: failed attempts to sign in are limited by address.
    #[cfg(feature = "admin")]
    pub fn admin_router(&self, settings: crate::AdminSettings) -> Router {
        crate::admin::router(self, settings)
    }

    /// Returns everything on one address, for a server that does nothing else:
    /// [`router`](Self::router) below a base path such as `/webhook`, and
    /// [`status_router`](Self::status_router). Any other path is answered with 404.
    /// [`router_with`](Self::router_with) is for URLs that are configured otherwise.
    ///
    /// # Errors
    ///
    /// [`ReceiverError`] if the base path is invalid.
    pub fn app(&self, base_path: &str) -> Result<Router, ReceiverError> {
        let routes = Routes::below(base_path).build()?;
        Ok(self.router_with(&routes).merge(self.status_router()))
    }

    /// Returns the same without the status routes, for a server that has these on another address.
    ///
    /// # Errors
    ///
    /// As for [`app`](Self::app).
    pub fn events_app(&self, base_path: &str) -> Result<Router, ReceiverError> {
        let routes = Routes::below(base_path).status_elsewhere().build()?;
        Ok(self.router_with(&routes))
    }

    /// Makes [`is_ready`](Self::is_ready) and `/readyz` false while events are received as before, so
    /// that a load balancer sends them elsewhere before the process ends.
    pub fn drain(&self) {
        self.state.draining.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if an event could be stored now, and [`drain`](Self::drain) was not called. The
    /// answer is at most a second old.
    pub async fn is_ready(&self) -> bool {
        status::is_ready(&self.state).await
    }

    /// Returns all metrics in the OpenMetrics text format. If the inbox can't be counted, those of what is
    /// in it are absent.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if a [collector](ReceiverBuilder::collector) fails.
    pub async fn metrics(&self) -> Result<String, AdminError> {
        status::metrics(&self.state).await
    }

    /// Returns the metrics of consumers that run in this process, which are among
    /// [`metrics`](Self::metrics), for [`ConsumerBuilder::observer`].
    ///
    /// [`ConsumerBuilder::observer`]: aifi_push_inbox::ConsumerBuilder::observer
    pub fn consumer_metrics(&self) -> ConsumerMetrics {
        self.state.metrics.consumers().clone()
    }

    /// Registers the metrics in a registry of your own. Those of the inbox are as of the last call of
    /// [`refresh_metrics`](Self::refresh_metrics).
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.state.metrics.register(registry);
        registry.register_collector(Box::new(TokenMetrics(self.state.tokens.clone())));
    }

    /// Counts the inbox, for the metrics in a registry of your own. If that fails, those of what is in it
    /// are absent.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox can't be counted.
    pub async fn refresh_metrics(&self) -> Result<(), AdminError> {
        status::refresh(&self.state).await
    }

    /// Returns what an operator looks at first: how fast events arrive, how long it takes until they
    /// are durable, what is in the inbox, and how far each consumer is. At most half a second old.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox can't be counted.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn figures(&self) -> Result<Figures, AdminError> {
        figures::figures(&self.state).await
    }

    /// Returns `true` if a request with these headers comes with one of the tokens, such as for a layer
    /// that believes no others. It is not counted as a use of the token.
    pub fn accepts(&self, headers: &HeaderMap) -> bool {
        self.state.tokens.find(headers).is_some()
    }

    #[cfg(feature = "server")]
    pub(crate) fn state(&self) -> Arc<AppState> {
        Arc::clone(&self.state)
    }

    /// Accepts no more events, and returns when those in flight are stored. For the end of the
    /// process, after the server has ended.
    pub async fn close(&self) {
        self.state.admission.close().await;
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("inbox", &self.state.inbox)
            .finish_non_exhaustive()
    }
}

/// Configures a [`Receiver`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ReceiverBuilder {
    inbox: Arc<dyn Inbox>,
    tokens: Tokens,
    max_body_bytes: usize,
    body_timeout: Duration,
    max_queued_events: usize,
    max_queued_bytes: usize,
    accepted_status: StatusCode,
    quarantined_status: StatusCode,
    pub(crate) answers: AnswerSettings,
    collectors: Vec<Box<dyn Collector>>,
}

impl ReceiverBuilder {
    /// Sets the largest body, in bytes. Defaults to 1020 KiB, so that a body and its headers fit into
    /// the 1 MiB that a broker accepts.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Sets how long a body may take to arrive. Defaults to 30 seconds.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// Sets how many events may wait to be stored, and how many bytes. More requests than that are
    /// answered with 503. As many questions may wait for their answer, which keeps no event from being
    /// stored. Defaults to 10,000 events of 64 MiB in all.
    pub fn max_queued(mut self, events: usize, bytes: usize) -> Self {
        self.max_queued_events = events;
        self.max_queued_bytes = bytes;
        self
    }

    /// Sets the status for an event that is stored, a 2xx. Defaults to 201, which the vendor's page
    /// does not name. The response to 204 has no body.
    pub fn accepted_status(mut self, status: StatusCode) -> Self {
        self.accepted_status = status;
        self
    }

    /// Adds metrics of your own to those that `/metrics` reports.
    pub fn collector(mut self, collector: Box<dyn Collector>) -> Self {
        self.collectors.push(collector);
        self
    }

    /// Sets the status for an event that is stored although its body fails to decode. Defaults to
    /// 422. A 2xx is for a sender that would stop sending after a 4xx.
    pub fn quarantined_status(mut self, status: StatusCode) -> Self {
        self.quarantined_status = status;
        self
    }

    /// Builds the receiver.
    ///
    /// # Errors
    ///
    /// [`ReceiverError`] names the setting that is wrong.
    pub fn build(self) -> Result<Receiver, ReceiverError> {
        // Tokio's semaphores panic beyond.
        let most = usize::MAX >> 3;
        if !(1..=most).contains(&self.max_queued_events) {
            return Err(ReceiverError::new(
                "max_queued",
                "0 events may wait: allow at least 1",
            ));
        }
        if !(self.max_body_bytes..=most).contains(&self.max_queued_bytes) {
            return Err(ReceiverError::new(
                "max_queued",
                format!(
                    "a body of {} bytes does not fit: allow more bytes, or smaller bodies",
                    self.max_body_bytes
                ),
            ));
        }
        let largest = self.inbox.max_body_bytes().unwrap_or(usize::MAX);
        if self.max_body_bytes > largest {
            return Err(ReceiverError::new(
                "max_body_bytes",
                format!(
                    "the inbox accepts bodies of at most {largest} bytes, not of {}: allow smaller \
                     ones, or raise `max_payload` of the brokers",
                    self.max_body_bytes
                ),
            ));
        }
        if self.max_body_bytes == 0 {
            return Err(ReceiverError::new(
                "max_body_bytes",
                "no event fits into 0 bytes: allow at least 1",
            ));
        }
        if self.body_timeout.is_zero() {
            return Err(ReceiverError::new(
                "body_timeout",
                "no body arrives within 0 seconds: allow more time",
            ));
        }
        let status = self.accepted_status;
        if !status.is_success() {
            return Err(ReceiverError::new(
                "accepted_status",
                format!(
                    "{} is no acknowledgement: choose a 2xx, such as 200, 202 or 204",
                    status.as_u16()
                ),
            ));
        }
        let status = self.quarantined_status;
        if !status.is_success() && !status.is_client_error() {
            return Err(ReceiverError::new(
                "quarantined_status",
                format!(
                    "{} says nothing about the body: choose a 2xx or a 4xx",
                    status.as_u16()
                ),
            ));
        }
        let answerers = self.answers.check()?;
        let answers = AnswerMetrics::new(&answerers);
        let mut collectors = self.collectors;
        collectors.push(Box::new(TokenMetrics(self.tokens.clone())));
        let state = AppState {
            inbox: self.inbox,
            tokens: self.tokens,
            admission: Admission::new(self.max_queued_events, self.max_queued_bytes),
            questions: Admission::new(self.max_queued_events, self.max_queued_bytes),
            metrics: Metrics::new(collectors, answers),
            answerers,
            log_limit: LogLimit::default(),
            readiness: Readiness::default(),
            figures: LastFigures::default(),
            #[cfg(feature = "tls")]
            certificate: OnceLock::new(),
            draining: AtomicBool::new(false),
            max_body_bytes: self.max_body_bytes,
            body_timeout: self.body_timeout,
            accepted_status: self.accepted_status,
            quarantined_status: self.quarantined_status,
        };
        Ok(Receiver {
            state: Arc::new(state),
        })
    }
}
