//! The way of a request: token, limits, decoding, inbox, response, in this order.

use std::sync::Arc;

use aifi_push::{Operation, operations, types::ApiErrorDetail};
use aifi_push_inbox::{ErrorChain, Event, NewEvent, deadlines};
use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{MethodFilter, on},
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;
use tracing::{Instrument, field::Empty};
use uuid::Uuid;

use crate::{
    admission::Admitted,
    decode::Decoded,
    error::ReceiverError,
    refusal::{Refusal, api_error},
    state::AppState,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(crate) fn router(state: &Arc<AppState>) -> Router {
    let mut router = Router::new();
    for operation in operations::ALL {
        let method = operation.method.parse::<Method>();
        let Some(method) = method
            .ok()
            .and_then(|method| MethodFilter::try_from(method).ok())
        else {
            continue;
        };
        let receive = move |State(state), request| receive(state, operation, request);
        router = router.route(&format!("/{}", operation.segment()), on(method, receive));
    }
    router
        .fallback(async |State(state): State<Arc<AppState>>| state.refuse(Refusal::NotFound))
        .method_not_allowed_fallback(async |State(state): State<Arc<AppState>>| {
            state.refuse(Refusal::MethodNotAllowed)
        })
        .with_state(Arc::clone(state))
}

/// The routes below a base path, and a response for every other path.
pub(crate) fn app(state: &Arc<AppState>, base_path: &str) -> Result<Router, ReceiverError> {
    let router = router(state);
    let base_path = base_path.trim_end_matches('/');
    if base_path.is_empty() {
        return Ok(router);
    }
    let is_path = base_path.strip_prefix('/').is_some_and(|segments| {
        segments.split('/').all(|segment| {
            let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            !segment.is_empty() && segment.bytes().all(is_unreserved)
        })
    });
    if !is_path {
        return Err(ReceiverError::new(
            "base_path",
            format!(
                "invalid path {base_path:?}: expected letters, digits, `-`, `.`, `_` and `~`, such \
                 as /webhook"
            ),
        ));
    }
    let not_found = async |State(state): State<Arc<AppState>>| state.refuse(Refusal::NotFound);
    let others = Router::new().fallback(not_found);
    Ok(others.with_state(Arc::clone(state)).nest(base_path, router))
}

async fn receive(
    state: Arc<AppState>,
    operation: &'static Operation,
    request: Request,
) -> Response {
    let id = Uuid::now_v7();
    let span = tracing::info_span!(
        "aifi_push_receive",
        request_id = %id,
        operation = operation.id,
        bytes = Empty,
        status = Empty,
    );
    let respond = async {
        let mut response = match accept(&state, id, operation, request).await {
            Ok(decoded) => state.respond(id, &decoded),
            Err(refusal) => state.refuse(refusal),
        };
        let status = response.status();
        tracing::Span::current().record("status", status.as_u16());
        if let Ok(id) = HeaderValue::try_from(id.to_string()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        tracing::debug!("responded");
        response
    };
    respond.instrument(span).await
}

/// Stores the event of a request, and returns what the decoder made of it.
async fn accept(
    state: &Arc<AppState>,
    id: Uuid,
    operation: &'static Operation,
    request: Request,
) -> Result<Decoded, Refusal> {
    let (head, body) = request.into_parts();
    if !state.tokens.accept(&head.headers) {
        return Err(Refusal::Unauthorized);
    }
    if !is_json(&head.headers) {
        return Err(Refusal::MediaType);
    }
    let body = timeout(state.body_timeout, read(body, state.max_body_bytes))
        .await
        .map_err(|_| Refusal::Slow)??;
    tracing::Span::current().record("bytes", body.len());
    let admitted = state.admission.admit(body.len())?;
    let decoded = state.decode(operation, &body);
    let new = NewEvent {
        event: Event::with_id(id, operation, body),
        verdict: decoded.verdict(),
    };
    // A task of its own, so that a sender that hangs up changes nothing.
    let store = store(Arc::clone(state), operation, new, admitted).in_current_span();
    let stored = state.admission.tasks.spawn(store);
    match timeout(deadlines::REQUEST, stored).await {
        Ok(Ok(stored)) => stored.map(|()| decoded),
        Ok(Err(error)) => {
            tracing::error!(%error, "storing the event panicked");
            Err(Refusal::Unavailable)
        }
        Err(_) => {
            let limit = deadlines::REQUEST;
            tracing::error!(?limit, "the inbox did not answer in time");
            Err(Refusal::Unavailable)
        }
    }
}

/// A body without a type is taken for JSON, as no retry is promised.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(CONTENT_TYPE) else {
        return true;
    };
    let content_type = content_type.to_str().unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    media_type == "application/json" || media_type.ends_with("+json")
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Refusal> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge { limit }),
        Err(_) => Err(Refusal::Broken),
    }
}

async fn store(
    state: Arc<AppState>,
    operation: &'static Operation,
    new: NewEvent,
    _admitted: Admitted,
) -> Result<(), Refusal> {
    let is_quarantined = new.problem().is_some();
    let storing = state.metrics.storing();
    let stored = state.inbox.append(vec![new]).await;
    storing.end();
    stored.map_err(|error| {
        tracing::error!(error = %ErrorChain(&error), "event not stored");
        Refusal::Unavailable
    })?;
    state.metrics.count_stored(operation, is_quarantined);
    Ok(())
}

impl AppState {
    fn decode(&self, operation: &Operation, body: &[u8]) -> Decoded {
        let decoded = Decoded::by(|| operation.check(body));
        match &decoded {
            Decoded::Accepted => {}
            Decoded::Failed(error) => tracing::warn!(%error, "quarantined"),
            Decoded::Panicked => {
                self.metrics.decoder_panics.inc();
                tracing::error!("quarantined: the decoder panicked");
            }
        }
        decoded
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        self.metrics.count_refused(refusal.reason());
        tracing::warn!(reason = refusal.reason(), "refused");
        refusal.into_response()
    }

    fn respond(&self, id: Uuid, decoded: &Decoded) -> Response {
        let Some(problem) = decoded.problem() else {
            return (StatusCode::CREATED, Json(id.to_string())).into_response();
        };
        let field = match decoded {
            Decoded::Failed(error) => error.path(),
            Decoded::Accepted | Decoded::Panicked => "",
        };
        let detail = ApiErrorDetail::builder()
            .error(problem)
            .rule("schema")
            .field(field)
            .build();
        let mut body = api_error(
            "the body failed to decode; it is stored under this id, for an operator".to_owned(),
            "E_INVALID_BODY",
            vec![detail],
        );
        body.extra.insert("id".to_owned(), id.to_string().into());
        (self.quarantined_status, Json(body)).into_response()
    }
}
