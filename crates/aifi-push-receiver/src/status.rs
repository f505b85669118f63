//! What those who operate a receiver ask it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{sync::Mutex, time::timeout};

use crate::{chain::Chain, shared::Shared};

/// How long an answer of the inbox holds, so that whoever asks often does not wear the disk.
const FRESH: Duration = Duration::from_secs(1);

/// How long the inbox may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

const PROMETHEUS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the last probe of the inbox found.
type Readiness = Mutex<Option<(Instant, bool)>>;

pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let (ready, metrics) = (Arc::clone(shared), Arc::clone(shared));
    let readiness = Arc::new(Readiness::default());
    Router::new()
        .route("/livez", get(async || "alive\n"))
        .route(
            "/readyz",
            get(async move || readyz(&ready, &readiness).await),
        )
        .route("/metrics", get(async move || figures(&metrics).await))
}

async fn readyz(shared: &Shared, readiness: &Readiness) -> Response {
    let mut last = readiness.lock().await;
    let is_ready = match *last {
        Some((at, is_ready)) if at.elapsed() < FRESH => is_ready,
        _ => {
            let is_ready = probe(shared).await;
            *last = Some((Instant::now(), is_ready));
            is_ready
        }
    };
    if is_ready {
        "ready\n".into_response()
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: the inbox can't store events\n",
        )
            .into_response()
    }
}

async fn probe(shared: &Shared) -> bool {
    match timeout(PATIENCE, shared.inbox.probe()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::error!(error = %Chain(&error), "not ready");
            false
        }
        Err(_) => {
            tracing::error!("not ready: the inbox did not answer in {PATIENCE:?}");
            false
        }
    }
}

async fn figures(shared: &Shared) -> Response {
    let stats = match timeout(PATIENCE, shared.inbox.stats()).await {
        Ok(Ok(stats)) => stats,
        Ok(Err(error)) => return unavailable(&Chain(&error)),
        Err(late) => return unavailable(&late),
    };
    match shared.metrics.encode(&stats) {
        Ok(text) => ([(CONTENT_TYPE, PROMETHEUS)], text).into_response(),
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "no figures");
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "the inbox does not answer\n",
    )
        .into_response()
}
