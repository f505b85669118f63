//! What happens to a call: token, size, disk, decoding, answer, in this order.

use std::{sync::Arc, time::Duration};

use aifi_push::{DecodeError, Operation, operations, types::ApiErrorDetail};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{MethodFilter, on},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;
use tracing::{Instrument, field::Empty};
use uuid::Uuid;

use crate::{
    Error, Event,
    chain::Chain,
    queue::NotStored,
    refusal::{Refusal, api_error},
    shared::Shared,
};

/// How long a call waits for the disk. Past it nobody knows whether the event is stored.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new();
    for operation in operations::ALL {
        let method = operation.method.parse::<Method>();
        let Some(method) = method
            .ok()
            .and_then(|method| MethodFilter::try_from(method).ok())
        else {
            continue;
        };
        let shared = Arc::clone(shared);
        let receive = move |request| receive(Arc::clone(&shared), *operation, request);
        router = router.route(&format!("/{}", operation.segment()), on(method, receive));
    }
    let (no_path, no_method) = (Arc::clone(shared), Arc::clone(shared));
    router
        .fallback(async move || no_path.refuse(Refusal::NotFound))
        .method_not_allowed_fallback(async move || no_method.refuse(Refusal::MethodNotAllowed))
}

/// The routes below a base path, and an answer for every other path.
pub(crate) fn app(shared: &Arc<Shared>, base_path: &str) -> Result<Router, Error> {
    let router = router(shared);
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
        return Err(Error::configuration(
            "base_path",
            format!(
                "{base_path:?} is no path of letters, digits, `-`, `.`, `_` and `~`, such as \
                 /webhook"
            ),
        ));
    }
    let no_path = Arc::clone(shared);
    let not_found = async move || no_path.refuse(Refusal::NotFound);
    Ok(Router::new().nest(base_path, router).fallback(not_found))
}

async fn receive(shared: Arc<Shared>, operation: Operation, request: Request) -> Response {
    let id = Uuid::now_v7();
    let span = tracing::info_span!(
        "aifi_push_receive",
        request_id = %id,
        operation = operation.id,
        bytes = Empty,
        status = Empty,
    );
    let answer = async {
        let mut response = match accept(&shared, id, operation, request).await {
            Ok(response) => response,
            Err(refusal) => shared.refuse(refusal),
        };
        let status = response.status();
        tracing::Span::current().record("status", status.as_u16());
        if let Ok(id) = HeaderValue::try_from(id.to_string()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        tracing::debug!("answered");
        response
    };
    answer.instrument(span).await
}

async fn accept(
    shared: &Arc<Shared>,
    id: Uuid,
    operation: Operation,
    request: Request,
) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    if !shared.tokens.accept(&head.headers) {
        return Err(Refusal::Unauthorised);
    }
    if !is_json(&head.headers) {
        return Err(Refusal::MediaType);
    }
    let body = timeout(shared.body_timeout, read(body, shared.max_body_bytes))
        .await
        .map_err(|_| Refusal::Slow)??;
    tracing::Span::current().record("bytes", body.len());
    let event = Event::with_id(id, &operation, body);
    // A task of its own, so that a sender that hangs up changes nothing.
    let store = tokio::spawn(store(Arc::clone(shared), operation, event).in_current_span());
    let stored = timeout(COMMIT_TIMEOUT, store).await;
    let decoded = match stored {
        Ok(Ok(result)) => result?,
        // The task panicked.
        Ok(Err(_)) => return Err(Refusal::Unavailable),
        Err(_) => {
            tracing::error!("the inbox did not answer in {COMMIT_TIMEOUT:?}");
            return Err(Refusal::Unavailable);
        }
    };
    Ok(match decoded {
        Ok(()) => (StatusCode::CREATED, Json(id.to_string())).into_response(),
        Err(error) => shared.quarantined(id, &error),
    })
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

/// Stores an event, and sets it aside if it does not decode.
async fn store(
    shared: Arc<Shared>,
    operation: Operation,
    event: Event,
) -> Result<Result<(), DecodeError>, Refusal> {
    let (id, body) = (event.id, event.body.clone());
    shared
        .queue
        .append(event)
        .await
        .map_err(|not_stored| match not_stored {
            NotStored::Overloaded => Refusal::Overloaded,
            NotStored::Closing => Refusal::Closing,
            // Logged once for the batch.
            NotStored::Failed => Refusal::Unavailable,
        })?;
    shared.metrics.count_received(&operation);
    let decoded = operation.check(&body);
    if let Err(error) = &decoded {
        shared.metrics.count_quarantined(&operation);
        tracing::warn!(%error, "quarantined");
        if let Err(error) = shared.inbox.quarantine(id, &error.to_string()).await {
            // A consumer that is handed the event tries again.
            tracing::error!(error = %Chain(&error), "the event is stored but not quarantined");
        }
    }
    Ok(decoded)
}

impl Shared {
    fn refuse(&self, refusal: Refusal) -> Response {
        self.metrics.count_refused(refusal.reason());
        tracing::warn!(reason = refusal.reason(), "refused");
        refusal.into_response()
    }

    fn quarantined(&self, id: Uuid, error: &DecodeError) -> Response {
        let detail = ApiErrorDetail::builder()
            .error(error.to_string())
            .rule("schema")
            .field(error.path())
            .build();
        let mut answer = api_error(
            "the body does not decode; it is stored under the id, for an operator".to_owned(),
            "E_INVALID_BODY",
            vec![detail],
        );
        answer.extra.insert("id".to_owned(), id.to_string().into());
        (self.quarantined_status, Json(answer)).into_response()
    }
}
