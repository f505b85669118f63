//! Questions: events whose response the platform uses, and who answers them.

mod metrics;
mod settings;

use std::{collections::HashMap, future::Future, pin::Pin, time::Duration};

use aifi_push::{Answer, Operation, operations};
use aifi_push_inbox::{BoxError, ErrorChain, Event};
use axum::{
    Json,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use bytes::Bytes;
pub(crate) use metrics::AnswerMetrics;
pub(crate) use settings::AnswerSettings;
use tokio::time::{Instant, timeout};
use tracing::Instrument;
use uuid::Uuid;

use crate::{decode::Decoded, refusal, state::AppState};

type Answering = Pin<Box<dyn Future<Output = Result<Bytes, BoxError>> + Send>>;

/// Asks the retailer, and returns the answer as JSON.
type Ask = Box<dyn Fn(Event) -> Answering + Send + Sync>;

/// Who answers which questions.
pub(crate) struct Answerers {
    by_operation: HashMap<&'static str, Answerer>,
    timeout: Duration,
}

struct Answerer {
    ask: Ask,
    fallback: Option<Bytes>,
}

/// Why a question was not answered.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Timeout,
    Error,
    Panic,
    /// The body failed to decode, so that nobody was asked.
    Undecodable,
    /// Too many others wait, so that nobody was asked.
    Overloaded,
}

impl Failure {
    const ALL: [Self; 5] = [
        Self::Timeout,
        Self::Error,
        Self::Panic,
        Self::Undecodable,
        Self::Overloaded,
    ];

    /// Returns the failure as one word, for metrics and logs.
    fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Error => "error",
            Self::Panic => "panic",
            Self::Undecodable => "undecodable",
            Self::Overloaded => "overloaded",
        }
    }
}

impl Answerers {
    /// Logs which questions nobody answers.
    pub(crate) fn log_unanswered(&self) {
        let is_unanswered = |operation: &&Operation| {
            operation.answer == Answer::Used && !self.by_operation.contains_key(operation.id)
        };
        let unanswered = operations::ALL.iter().filter(is_unanswered);
        let unanswered: Vec<_> = unanswered.map(|operation| operation.kind).collect();
        if !unanswered.is_empty() {
            tracing::info!(
                kinds = unanswered.join(", "),
                "questions without an answerer are answered as notifications"
            );
        }
    }
}

impl AppState {
    /// Returns the response to a question that is stored, or `None` if it is acknowledged as any other
    /// event.
    pub(crate) async fn answer(
        &self,
        operation: &Operation,
        event: Event,
        decoded: &Decoded,
    ) -> Option<Response> {
        let answerer = self.answerers.by_operation.get(operation.id)?;
        let metrics = self.metrics.answers();
        let id = event.id;
        let asked = match decoded {
            Decoded::Accepted => self.ask(operation, answerer, event).await,
            Decoded::Coded(_) | Decoded::Failed(_) | Decoded::Panicked => Err(Failure::Undecodable),
        };
        let failure = match asked {
            Ok(answer) => {
                metrics.count_answered(operation);
                return Some(answered(answer));
            }
            Err(failure) => failure,
        };
        metrics.count_failed(operation, failure, answerer.fallback.is_some());
        match (&answerer.fallback, failure) {
            (Some(fallback), _) => Some(answered(fallback.clone())),
            // The response says what is wrong with the body.
            (None, Failure::Undecodable) => None,
            (None, _) => Some(unanswered(id)),
        }
    }

    async fn ask(
        &self,
        operation: &Operation,
        answerer: &Answerer,
        event: Event,
    ) -> Result<Bytes, Failure> {
        let limit = self.answerers.timeout;
        let Ok(room) = self.questions.admit(event.body.len()) else {
            self.log_failure(operation, answerer, Failure::Overloaded, None);
            return Err(Failure::Overloaded);
        };
        let since = Instant::now();
        let answering = timeout(limit, (answerer.ask)(event));
        let answering = async move {
            let answer = answering.await;
            drop(room);
            answer
        };
        // A task of its own, so that a sender that hangs up interrupts no answerer, and an answerer that
        // blocks its thread is not waited for.
        let task = tokio::spawn(answering.in_current_span());
        let ended = timeout(limit, task).await;
        self.metrics.answers().observe(operation, since.elapsed());
        let (failure, error) = match ended {
            Ok(Ok(Ok(Ok(answer)))) => return Ok(answer),
            Ok(Ok(Ok(Err(error)))) => (Failure::Error, Some(error)),
            Ok(Ok(Err(_))) | Err(_) => (Failure::Timeout, None),
            // The panic may quote the event.
            Ok(Err(_)) => (Failure::Panic, None),
        };
        self.log_failure(operation, answerer, failure, error);
        Err(failure)
    }

    fn log_failure(
        &self,
        operation: &Operation,
        answerer: &Answerer,
        failure: Failure,
        error: Option<BoxError>,
    ) {
        let Some(unlogged) = self.log_limit.admit(operation.id) else {
            return;
        };
        let (reason, limit) = (failure.as_str(), self.answerers.timeout);
        let error = error.map(|error| ErrorChain(&*error).to_string());
        let fallback = answerer.fallback.is_some();
        if fallback {
            tracing::warn!(
                reason,
                error,
                ?limit,
                fallback,
                unlogged,
                "question not answered"
            );
        } else {
            tracing::error!(
                reason,
                error,
                ?limit,
                fallback,
                unlogged,
                "question not answered"
            );
        }
    }
}

fn answered(answer: Bytes) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::OK, headers, answer).into_response()
}

/// The sender may ask again, which stores another event: better than a customer who gets no answer.
fn unanswered(id: Uuid) -> Response {
    let mut body = refusal::api_error(
        "the question is stored under this id, but it could not be answered: ask again".to_owned(),
        "E_UNANSWERED",
        Vec::new(),
    );
    body.extra.insert("id".to_owned(), id.to_string().into());
    let retry_after = [(RETRY_AFTER, refusal::RETRY_AFTER)];
    (StatusCode::SERVICE_UNAVAILABLE, retry_after, Json(body)).into_response()
}
