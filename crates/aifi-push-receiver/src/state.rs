//! What all requests to a receiver share.

use std::{sync::Arc, time::Duration};

use aifi_push_inbox::Inbox;
use axum::http::StatusCode;

use crate::{admission::Admission, metrics::Metrics, status::Readiness, tokens::Tokens};

pub(crate) struct AppState {
    pub(crate) inbox: Arc<dyn Inbox>,
    pub(crate) tokens: Tokens,
    pub(crate) admission: Admission,
    pub(crate) metrics: Metrics,
    pub(crate) readiness: Readiness,
    pub(crate) max_body_bytes: usize,
    pub(crate) body_timeout: Duration,
    pub(crate) quarantined_status: StatusCode,
}
