//! What operators ask a receiver.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aifi_push_inbox::{AdminError, ErrorChain, InboxStats, deadlines};
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
use tokio::{join, sync::Mutex, time::timeout};

use crate::{metrics_format::MetricsFormat, state::AppState};

/// How long an answer of the inbox is used, so that frequent questions do not wear the disk.
const READINESS_TTL: Duration = Duration::from_secs(1);

/// When the inbox was probed last, and why it can't store events, if so.
pub(crate) type Readiness = Mutex<Option<(Instant, Option<String>)>>;

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
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

pub(crate) async fn is_ready(state: &AppState) -> bool {
    not_ready(state).await.is_none()
}

/// Says why the receiver is not ready, or returns `None` if it is.
pub(crate) async fn not_ready(state: &AppState) -> Option<String> {
    if state.is_draining() {
        return Some("it is stopping".to_owned());
    }
    let mut last = state.readiness.lock().await;
    if let Some((at, problem)) = &*last
        && at.elapsed() < READINESS_TTL
    {
        return problem.clone();
    }
    let problem = probe(state).await;
    *last = Some((Instant::now(), problem.clone()));
    problem
}

async fn probe(state: &AppState) -> Option<String> {
    match timeout(deadlines::STATUS, state.inbox.probe()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => {
            let error = ErrorChain(&error);
            if let Some(unlogged) = state.log_limit.admit("not ready") {
                tracing::error!(%error, unlogged, "not ready");
            }
            Some(error.to_string())
        }
        Err(_) => {
            if let Some(unlogged) = state.log_limit.admit("not ready") {
                tracing::error!(unlogged, "not ready: the inbox did not answer in time");
            }
            Some("the inbox did not answer in time".to_owned())
        }
    }
}

pub(crate) async fn metrics(state: &AppState) -> Result<String, AdminError> {
    // When the inbox fails, that it is not ready must be seen all the more.
    if let Err(error) = refresh(state).await
        && let Some(unlogged) = state.log_limit.admit("not counted")
    {
        tracing::error!(error = %ErrorChain(&error), unlogged, "no metrics of the inbox");
    }
    let encoded = state.metrics.encode();
    encoded.map_err(|error| AdminError::failed("metrics", "encoding", error))
}

pub(crate) async fn refresh(state: &AppState) -> Result<(), AdminError> {
    // Together, as a scrape of a silent inbox must end before Prometheus gives up.
    let (is_ready, stats) = join!(is_ready(state), stats(state));
    let certificate = state.certificate_valid_until();
    state
        .metrics
        .refresh(is_ready, stats.as_ref().ok(), certificate);
    stats.map(drop)
}

pub(crate) async fn stats(state: &AppState) -> Result<InboxStats, AdminError> {
    let stats = timeout(deadlines::STATUS, state.inbox.stats()).await;
    stats.map_err(|late| AdminError::failed("inbox", "counting events", late))?
}
