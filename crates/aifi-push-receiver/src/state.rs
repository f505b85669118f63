//! What all requests to a receiver share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aifi_push_inbox::Inbox;
use axum::http::StatusCode;

use crate::{
    admission::Admission, answer::Answerers, log_limit::LogLimit, metrics::Metrics,
    status::Readiness, tokens::Tokens,
};

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

    /// Counts a request that stores no event, and logs it now and then.
    pub(crate) fn count_refused(&self, reason: &'static str, path: &str) {
        self.metrics.count_refused(reason);
        if let Some(unlogged) = self.log_limit.admit(reason) {
            tracing::warn!(reason, path, unlogged, "refused");
        }
    }
}
