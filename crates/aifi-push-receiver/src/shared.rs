//! What all calls to a receiver share.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;

use crate::{Inbox, Tokens, metrics::Metrics, queue::Queue};

pub(crate) struct Shared {
    pub(crate) inbox: Arc<dyn Inbox>,
    pub(crate) tokens: Tokens,
    pub(crate) queue: Queue,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) max_body_bytes: usize,
    pub(crate) body_timeout: Duration,
    pub(crate) quarantined_status: StatusCode,
}
