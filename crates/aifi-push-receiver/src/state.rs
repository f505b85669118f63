//! What all requests to a receiver share.

#[cfg(feature = "tls")]
use std::sync::OnceLock;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aifi_push_inbox::Inbox;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};

use tracing::field::display;

use crate::{
    admission::Admission,
    answer::Answerers,
    figures::LastFigures,
    log_limit::LogLimit,
    metrics::Metrics,
    status::Readiness,
    tokens::{Sender, Tokens},
};

/// A path is logged up to this length.
const MAX_PATH_CHARS: usize = 200;

pub(crate) struct AppState {
    pub(crate) inbox: Arc<dyn Inbox>,
    pub(crate) tokens: Tokens,
    pub(crate) admission: Admission,
    pub(crate) answerers: Answerers,
    /// The questions that wait for an answer: they must not keep other events from being stored.
    pub(crate) questions: Admission,
    pub(crate) metrics: Metrics,
    pub(crate) log_limit: LogLimit,
    pub(crate) readiness: Readiness,
    pub(crate) figures: LastFigures,
    /// Of the server that counts its refusals here.
    #[cfg(feature = "tls")]
    pub(crate) certificate: OnceLock<crate::TlsCertificate>,
    pub(crate) draining: AtomicBool,
    pub(crate) max_body_bytes: usize,
    pub(crate) body_timeout: Duration,
    pub(crate) accepted_status: StatusCode,
    pub(crate) quarantined_status: StatusCode,
}

impl AppState {
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn certificate_valid_until(&self) -> Option<DateTime<Utc>> {
        #[cfg(feature = "tls")]
        let valid_until = self.certificate.get()?.valid_until();
        #[cfg(not(feature = "tls"))]
        let valid_until = None::<std::time::SystemTime>;
        valid_until.map(Into::into)
    }

    /// Counts a request that stores no event, and logs it now and then: the path without a query, the
    /// address at the other end of the connection, and the place of the token.
    pub(crate) fn count_refused(
        &self,
        reason: &'static str,
        path: &str,
        peer: Option<SocketAddr>,
        sender: impl FnOnce() -> Option<Sender>,
    ) {
        self.metrics.count_refused(reason);
        if let Some(unlogged) = self.log_limit.admit(reason) {
            let is_cut = path.chars().nth(MAX_PATH_CHARS).is_some();
            let path: String = path
                .chars()
                .take(MAX_PATH_CHARS)
                .chain(is_cut.then_some('…'))
                .collect();
            let peer = peer.map(|peer| display(peer.ip().to_canonical()));
            let token = sender().and_then(Sender::token);
            tracing::warn!(reason, path, peer, token, unlogged, "refused");
        }
    }
}
