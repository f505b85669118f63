//! The way of a request: token, limits, decoding, inbox, response, in this order.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use aifi_push::{Answer, Operation, types::ApiErrorDetail};
use aifi_push_inbox::{
    ATTEMPT_HEADER, ErrorChain, Event, EventFilter, MAX_HOPS, NewEvent, TRACE_PARENT_HEADER,
    TraceParent, VIA_HEADER, deadlines,
};
use axum::{
    Json, Router,
    body::{Body, HttpBody},
    extract::{ConnectInfo, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{ALLOW, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;
use tracing::{Instrument, field::Empty};
use uuid::Uuid;

use crate::{
    admission::Admitted,
    content_coding::{Decompressed, decompress},
    decode::Decoded,
    refusal::{Refusal, api_error},
    routes::{Route, Routes},
    state::AppState,
    store_metrics::Store,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A header is kept up to this length, so that an event fits beside any body into a broker's message.
const MAX_HEADER_CHARS: usize = 1200;

/// Receives events at these routes, and answers every other path.
pub(crate) fn router(state: &Arc<AppState>, routes: Routes) -> Router {
    let answer = async move |State(state): State<Arc<AppState>>, request: Request| {
        answer(state, &routes, request).await
    };
    state.answerers.log_unanswered();
    Router::new().fallback(answer).with_state(Arc::clone(state))
}

/// Answers a request at any path. What only looks, as the probe of a proxy or the test button of a
/// dashboard does, is no event that is lost.
async fn answer(state: Arc<AppState>, routes: &Routes, request: Request) -> Response {
    let is_event = !["GET", "HEAD", "OPTIONS"].contains(&request.method().as_str());
    let refusal = match routes.find(request.uri().path()) {
        Route::Operation(operation) if request.method().as_str() == operation.method => {
            return receive(state, operation, request).await;
        }
        Route::Operation(_) | Route::BaseUrl { .. } | Route::BasePath
            if *request.method() == Method::OPTIONS =>
        {
            return (StatusCode::NO_CONTENT, [(ALLOW, "POST, OPTIONS")]).into_response();
        }
        Route::BaseUrl { .. } | Route::BasePath if !is_event => {
            return "events are received below this path, by POST\n".into_response();
        }
        Route::Operation(_) => Refusal::MethodNotAllowed,
        Route::BaseUrl { webhook } => Refusal::BaseUrl { webhook },
        Route::BasePath | Route::NotFound => Refusal::NotFound,
    };
    // A redirect on the way may have changed the method, so that the sender must see a failure.
    if is_event {
        state.refuse(refusal, &request.into_parts().0)
    } else {
        refusal.into_response()
    }
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
        token = Empty,
        bytes = Empty,
        status = Empty,
    );
    let respond = async {
        let (head, body) = request.into_parts();
        let sender = state.tokens.accept(&head.headers);
        let accepted = match sender {
            Some(sender) => {
                tracing::Span::current().record("token", sender.token());
                accept(&state, id, operation, &head.headers, body).await
            }
            None => Err(Refusal::Unauthorized),
        };
        let refuse = |refusal| state.refuse(refusal, &head);
        let mut response = match accepted {
            Ok(Accepted::Stored { question, decoded }) => {
                let answer = match question {
                    Some(event) => state.answer(operation, event, &decoded).await,
                    None => None,
                };
                answer.unwrap_or_else(|| state.respond(id, &decoded))
            }
            // Whoever reads the response would take a success for the answer.
            Ok(Accepted::StoredBefore(_)) if is_asked(operation, &head.headers) => {
                refuse(Refusal::Circle)
            }
            Ok(Accepted::StoredBefore(id)) => {
                (StatusCode::OK, Json(id.to_string())).into_response()
            }
            Err(refusal) => refuse(refusal),
        };
        let status = response.status();
        tracing::Span::current().record("status", status.as_u16());
        if let Ok(id) = HeaderValue::try_from(id.to_string()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        if sender.is_some() {
            response.extensions_mut().insert(Authenticated);
        }
        if state.is_draining() {
            let headers = response.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        tracing::debug!("responded");
        response
    };
    respond.instrument(span).await
}

/// Marks the response to a request that came with a token that is accepted.
#[derive(Clone, Copy)]
pub(crate) struct Authenticated;

/// What became of a request that is not refused.
enum Accepted {
    Stored {
        /// The event, if the sender waits for an answer.
        question: Option<Event>,
        decoded: Decoded,
    },
    /// The event was passed on from this inbox, and came back.
    StoredBefore(Uuid),
}

/// Stores the event of a request, and returns what the decoder made of it.
async fn accept(
    state: &Arc<AppState>,
    id: Uuid,
    operation: &'static Operation,
    headers: &HeaderMap,
    body: Body,
) -> Result<Accepted, Refusal> {
    let limit = state.max_body_bytes;
    // Before a sender that asks with `Expect: 100-continue` is told to go on.
    if body.size_hint().lower() > limit as u64 {
        return Err(Refusal::TooLarge { limit });
    }
    if let Some(id) = stored_before(state, headers).await {
        state.note_loop(id);
        return Ok(Accepted::StoredBefore(id));
    }
    let body = timeout(state.body_timeout, read(body, limit))
        .await
        .map_err(|_| Refusal::Slow)??;
    tracing::Span::current().record("bytes", body.len());
    let (body, decoded) = state.decode(operation, headers, body)?;
    let admitted = state.admission.admit(body.len())?;
    let event = Event::with_id(id, operation, body).headers(kept(headers, &decoded));
    let question = is_asked(operation, headers).then(|| event.clone());
    let new = NewEvent {
        event,
        verdict: decoded.verdict(),
    };
    // A task of its own, so that a sender that hangs up changes nothing.
    let store = store(Arc::clone(state), operation, new, admitted).in_current_span();
    let stored = state.admission.tasks.spawn(store);
    match timeout(deadlines::REQUEST, stored).await {
        Ok(Ok(stored)) => stored.map(|()| Accepted::Stored { question, decoded }),
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

/// Returns `true` if the sender reads the response: one that forwards a question asks nothing, as it was
/// asked where it comes from.
fn is_asked(operation: &Operation, headers: &HeaderMap) -> bool {
    operation.answer == Answer::Used && !headers.contains_key(ATTEMPT_HEADER)
}

/// Finds the event of a request in the inbox, if it was forwarded from there.
async fn stored_before(state: &AppState, headers: &HeaderMap) -> Option<Uuid> {
    let via = headers.get(VIA_HEADER)?.to_str().ok()?;
    for id in via.split(',').take(MAX_HOPS) {
        let Ok(id) = id.trim().parse() else { continue };
        let filter = EventFilter {
            id: Some(id),
            ..EventFilter::default()
        };
        let found = timeout(deadlines::STATUS, state.inbox.list(&filter, None, 1)).await;
        // An event that comes twice is better than one that is lost.
        if let Ok(Ok(found)) = found
            && !found.is_empty()
        {
            return Some(id);
        }
    }
    None
}

/// The headers that matter later: where a forwarded event has been, the trace that it belongs to, and
/// for a body that fails to decode, what it may be made of.
fn kept(headers: &HeaderMap, decoded: &Decoded) -> BTreeMap<String, String> {
    let describes_body = [CONTENT_TYPE.as_str(), CONTENT_ENCODING.as_str()];
    let names = match decoded {
        Decoded::Accepted => [].iter(),
        Decoded::Coded(_) => describes_body.iter(),
        // The codings were removed.
        Decoded::Failed(_) | Decoded::Panicked => describes_body[..1].iter(),
    };
    let mut kept = BTreeMap::new();
    for name in names.chain([&VIA_HEADER]) {
        let values = headers.get_all(*name).iter();
        let values: Vec<_> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        if !values.is_empty() {
            let value = values.join(", ").chars().take(MAX_HEADER_CHARS).collect();
            kept.insert((*name).to_owned(), value);
        }
    }
    if let Some(parent) = trace_parent(headers) {
        kept.insert(TRACE_PARENT_HEADER.to_owned(), parent.to_string());
    }
    kept
}

fn trace_parent(headers: &HeaderMap) -> Option<TraceParent> {
    let text = headers.get(TRACE_PARENT_HEADER)?.to_str().ok()?;
    text.parse().ok()
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
    // What no store would send must not use up the series of stores.
    let body = new.problem().is_none().then(|| new.event.body.clone());
    let storing = state.metrics.storing();
    let stored = state.inbox.append(vec![new]).await;
    storing.end(stored.is_ok());
    stored.map_err(|error| {
        if let Some(unlogged) = state.log_limit.admit("not stored") {
            tracing::error!(error = %ErrorChain(&error), unlogged, "event not stored");
        }
        Refusal::Unavailable
    })?;
    let store = body.as_deref().map_or(Store::None, Store::of);
    state.metrics.count_stored(operation, body.is_none(), store);
    Ok(())
}

impl AppState {
    /// Returns the body without its codings, and what the decoder made of it.
    fn decode(
        &self,
        operation: &Operation,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<(Bytes, Decoded), Refusal> {
        let limit = self.max_body_bytes;
        let (body, decoded) = match decompress(headers, body, limit) {
            Decompressed::Plain(body) => {
                let decoded = Decoded::by(|| operation.check(&body));
                (body, decoded)
            }
            Decompressed::Coded { body, problem } => (body, Decoded::Coded(problem)),
            Decompressed::TooLarge => return Err(Refusal::TooLarge { limit }),
        };
        match &decoded {
            Decoded::Accepted => {}
            Decoded::Coded(problem) => tracing::warn!(problem, "quarantined"),
            Decoded::Failed(error) => tracing::warn!(%error, "quarantined"),
            Decoded::Panicked => {
                self.metrics.decoder_panics.inc();
                tracing::error!("quarantined: the decoder panicked");
            }
        }
        Ok((body, decoded))
    }

    fn refuse(&self, refusal: Refusal, request: &Parts) -> Response {
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(peer)| *peer);
        let sender = || self.tokens.find(&request.headers);
        self.count_refused(refusal.reason(), request.uri.path(), peer, sender);
        refusal.into_response()
    }

    fn note_loop(&self, id: Uuid) {
        self.metrics.returned.inc();
        if let Some(unlogged) = self.log_limit.admit("returned") {
            tracing::warn!(
                %id,
                unlogged,
                "an event came back: who forwards events or asks for answers does so in a circle"
            );
        }
    }

    fn respond(&self, id: Uuid, decoded: &Decoded) -> Response {
        let Some(problem) = decoded.problem() else {
            return match self.accepted_status {
                StatusCode::NO_CONTENT => StatusCode::NO_CONTENT.into_response(),
                status => (status, Json(id.to_string())).into_response(),
            };
        };
        let field = match decoded {
            Decoded::Failed(error) => error.path(),
            Decoded::Accepted | Decoded::Coded(_) | Decoded::Panicked => "",
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
