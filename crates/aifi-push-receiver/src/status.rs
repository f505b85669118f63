//! What operators ask a receiver.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aifi_push_inbox::{AdminError, ErrorChain, deadlines};
use axum::{
    Router,
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{sync::Mutex, time::timeout};

use crate::{metrics_format::MetricsFormat, state::AppState};

/// How long an answer of the inbox is used, so that frequent questions do not wear the disk.
const READINESS_TTL: Duration = Duration::from_secs(1);

/// What the last probe of the inbox found, and when.
pub(crate) type Readiness = Mutex<Option<(Instant, bool)>>;

pub(crate) fn router(state: &Arc<AppState>) -> Router {
    Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(get_readyz))
        .route("/metrics", get(get_metrics))
        .with_state(Arc::clone(state))
}

async fn get_readyz(State(state): State<Arc<AppState>>) -> Response {
    let problem = if state.is_draining() {
        "not ready: stopping\n"
    } else if !is_ready(&state).await {
        "not ready: the inbox can't store events\n"
    } else {
        return "ready\n".into_response();
    };
    (StatusCode::SERVICE_UNAVAILABLE, problem).into_response()
}

async fn get_metrics(State(state): State<Arc<AppState>>, headers: HeaderMap) -> Response {
    let accept = headers.get_all(ACCEPT).iter();
    let format = MetricsFormat::accepted(accept.filter_map(|value| value.to_str().ok()));
    match metrics(&state).await {
        Ok(text) => ([(CONTENT_TYPE, format.content_type())], format.write(text)).into_response(),
        Err(error) => {
            if let Some(unlogged) = state.log_limit.admit("no metrics") {
                tracing::error!(error = %ErrorChain(&error), unlogged, "no metrics");
            }
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the inbox does not answer\n",
            )
                .into_response()
        }
    }
}

pub(crate) async fn is_ready(state: &AppState) -> bool {
    if state.is_draining() {
        return false;
    }
    let mut last = state.readiness.lock().await;
    match *last {
        Some((at, is_ready)) if at.elapsed() < READINESS_TTL => is_ready,
        _ => {
            let is_ready = probe(state).await;
            *last = Some((Instant::now(), is_ready));
            is_ready
        }
    }
}

async fn probe(state: &AppState) -> bool {
    match timeout(deadlines::STATUS, state.inbox.probe()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            if let Some(unlogged) = state.log_limit.admit("not ready") {
                tracing::error!(error = %ErrorChain(&error), unlogged, "not ready");
            }
            false
        }
        Err(_) => {
            if let Some(unlogged) = state.log_limit.admit("not ready") {
                tracing::error!(unlogged, "not ready: the inbox did not answer in time");
            }
            false
        }
    }
}

pub(crate) async fn metrics(state: &AppState) -> Result<String, AdminError> {
    refresh(state).await?;
    let encoded = state.metrics.encode();
    encoded.map_err(|error| AdminError::failed("metrics", "encoding", error))
}

pub(crate) async fn refresh(state: &AppState) -> Result<(), AdminError> {
    let stats = timeout(deadlines::STATUS, state.inbox.stats()).await;
    let stats = stats.map_err(|late| AdminError::failed("inbox", "counting events", late))??;
    state.metrics.refresh(&stats);
    Ok(())
}
