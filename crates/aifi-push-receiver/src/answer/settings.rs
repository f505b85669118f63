//! How a receiver is told who answers questions.

use std::{collections::HashMap, fmt, future::Future, sync::Arc, time::Duration};

use aifi_push::{Answer, Operation, Question, operations};
use aifi_push_inbox::{BoxError, Delivery, Event, Receipt, Received, deadlines};
use bytes::Bytes;
use serde::de::IgnoredAny;

use super::{Answerer, Answerers, Ask};
use crate::{error::ReceiverError, receiver::ReceiverBuilder};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What the methods of the builder set, checked when the receiver is built.
pub(crate) struct AnswerSettings {
    answerers: Vec<(Operation, Ask)>,
    fallbacks: Vec<(Operation, serde_json::Result<Bytes>)>,
    timeout: Duration,
}

/// # Questions
///
/// To a [`Question`] the platform reads the response, while a customer waits. Its event is stored first,
/// as any other; then the answerer of its type is asked, and what it returns is the response: 200 with
/// the answer as JSON, whatever [`accepted_status`](Self::accepted_status) is. Without an answerer it is
/// acknowledged as a notification, and the log says so when the routes are made. Consumers receive
/// the event in either case.
///
/// | when | the response with a fallback | without |
/// |---|---|---|
/// | the answerer exceeds the [timeout](Self::answer_timeout), returns an error or panics | 200 and the fallback | 503 with `Retry-After`, an [`ApiError`](aifi_push::types::ApiError) with the id |
/// | the body fails to decode, so that nobody is asked | 200 and the fallback | as for any other event |
/// | [too many](Self::max_queued) questions wait for their answer, so that nobody is asked | 200 and the fallback | 503, the same |
/// | the event can't be stored, so that nobody is asked | 503 with `Retry-After` | the same |
impl ReceiverBuilder {
    /// Sets who answers the questions whose body is a `Q`. Two for the same type are an error.
    ///
    /// The answerer runs until it ends or its [timeout](Self::answer_timeout) is over, also if the sender
    /// hangs up. It is asked for each request anew; two at a time run at a time.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{io, sync::Arc};
    ///
    /// use aifi_push::types::{EntryCodeVerify, EntryCodeVerifyAnswer, EntryCodeVerifyStatus};
    /// use aifi_push_receiver::{
    ///     Receiver, Tokens,
    ///     inbox::{MemoryInbox, Received},
    /// };
    ///
    /// async fn verify(
    ///     question: Received<EntryCodeVerify>,
    /// ) -> Result<EntryCodeVerifyAnswer, io::Error> {
    ///     let status = match question.event.store_id {
    ///         7 => EntryCodeVerifyStatus::Ok,
    ///         _ => EntryCodeVerifyStatus::Failed,
    ///     };
    ///     Ok(EntryCodeVerifyAnswer::builder().status(status).build())
    /// }
    ///
    /// # fn run() -> Result<(), aifi_push_receiver::ReceiverError> {
    /// let denied = EntryCodeVerifyAnswer::builder()
    ///     .status(EntryCodeVerifyStatus::Failed)
    ///     .reason("try again".to_owned())
    ///     .build();
    /// let receiver = Receiver::builder(Arc::new(MemoryInbox::new()), Tokens::new(["secret"])?)
    ///     .answer(verify)
    ///     .answer_fallback::<EntryCodeVerify>(&denied)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// # run().unwrap();
    /// ```
    pub fn answer<Q, F, R, E>(self, answerer: F) -> Self
    where
        Q: Question + Send + 'static,
        F: Fn(Received<Q>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Q::Answer, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let answerer = Arc::new(answerer);
        let ask = move |event| {
            let answerer = Arc::clone(&answerer);
            async move {
                let question = Received::decode(Delivery::new(event, 1, Receipt::new("")))?;
                let answer = answerer(question).await.map_err(Into::into)?;
                Ok::<_, BoxError>(serde_json::to_vec(&answer)?)
            }
        };
        self.answer_by(Q::OPERATION, ask)
    }

    /// Sets who answers the questions of an operation as bytes, for a service that passes them on. The
    /// body of the event decodes. An answer that does not decode into that of the operation is an error,
    /// such as a text where the document has an object; another reaches the platform byte for byte, but
    /// for a byte order mark.
    pub fn answer_raw<F, R, E>(self, operation: &Operation, answerer: F) -> Self
    where
        F: Fn(Event) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let answerer = Arc::new(answerer);
        let operation = *operation;
        let ask = move |event| {
            let answerer = Arc::clone(&answerer);
            async move {
                let answer = answerer(event).await.map_err(Into::into)?;
                let answer = without_mark(answer);
                check_json(&answer).map_err(|error| format!("the answer is not JSON: {error}"))?;
                let checked = operation.check_answer(&answer);
                checked.map_err(|error| format!("not an answer of this kind: {error}"))?;
                Ok::<_, BoxError>(answer)
            }
        };
        self.answer_by(operation, ask)
    }

    /// Sets the answer for when there is no other in time. Defaults to none. It requires an answerer of
    /// the same type.
    pub fn answer_fallback<Q: Question>(mut self, answer: &Q::Answer) -> Self {
        let answer = serde_json::to_vec(answer).map(Bytes::from);
        self.answers.fallbacks.push((Q::OPERATION, answer));
        self
    }

    /// Sets the same as bytes, which must decode into the answer of the operation, with a value of the
    /// documented type in each field.
    pub fn answer_fallback_raw(mut self, operation: &Operation, answer: impl Into<Bytes>) -> Self {
        let answer = without_mark(answer.into());
        self.answers.fallbacks.push((*operation, Ok(answer)));
        self
    }

    /// Sets how long an answerer may take, from when the event is stored. Then it is cancelled. Defaults
    /// to 3 seconds. A server that stops should give requests more time than that.
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answers.timeout = timeout;
        self
    }

    fn answer_by<F, R, A>(mut self, operation: Operation, ask: F) -> Self
    where
        F: Fn(Event) -> R + Send + Sync + 'static,
        R: Future<Output = Result<A, BoxError>> + Send + 'static,
        A: Into<Bytes>,
    {
        let ask: Ask = Box::new(move |event| {
            let asked = ask(event);
            Box::pin(async move { asked.await.map(Into::into) })
        });
        self.answers.answerers.push((operation, ask));
        self
    }
}

impl AnswerSettings {
    /// Checks the settings.
    pub(crate) fn check(self) -> Result<Answerers, ReceiverError> {
        if self.timeout.is_zero() {
            return Err(ReceiverError::new(
                "answer_timeout",
                "nobody answers within 0 seconds: allow more time",
            ));
        }
        let mut by_operation = HashMap::new();
        for (operation, ask) in self.answerers {
            check_is_question(&operation)?;
            let answerer = Answerer {
                ask,
                fallback: None,
            };
            if by_operation.insert(operation.id, answerer).is_some() {
                let reason = format!("two answerers of {}: remove one", operation.kind);
                return Err(ReceiverError::new("answer", reason));
            }
        }
        for (operation, fallback) in self.fallbacks {
            let kind = operation.kind;
            let wrong = |reason| Err(ReceiverError::new("answer_fallback", reason));
            let Some(answerer) = by_operation.get_mut(operation.id) else {
                return wrong(format!(
                    "{kind}: it has no answerer: add one, or remove this"
                ));
            };
            let fallback = match checked(&operation, fallback) {
                Ok(fallback) => fallback,
                Err(error) => return wrong(format!("{kind}: {error}")),
            };
            if answerer.fallback.replace(fallback).is_some() {
                return wrong(format!("two fallbacks of {kind}: remove one"));
            }
        }
        Ok(Answerers {
            by_operation,
            timeout: self.timeout,
        })
    }
}

fn check_is_question(operation: &Operation) -> Result<(), ReceiverError> {
    if operation.answer == Answer::Used {
        return Ok(());
    }
    let is_question = |operation: &&Operation| operation.answer == Answer::Used;
    let questions = operations::ALL.iter().filter(is_question);
    let questions: Vec<_> = questions.map(|operation| operation.kind).collect();
    Err(ReceiverError::new(
        "answer",
        format!(
            "{} is not a question: the questions are {}",
            operation.kind,
            questions.join(", ")
        ),
    ))
}

fn checked(operation: &Operation, answer: serde_json::Result<Bytes>) -> Result<Bytes, BoxError> {
    let answer = answer?;
    check_json(&answer)?;
    operation.check_answer_strictly(&answer)?;
    Ok(answer)
}

/// Checks that an answer is JSON for any reader, who may be less tolerant than our decoder.
fn check_json(answer: &[u8]) -> Result<(), BoxError> {
    serde_json::from_str::<IgnoredAny>(str::from_utf8(answer)?)?;
    Ok(())
}

fn without_mark(mut answer: Bytes) -> Bytes {
    if answer.starts_with(BYTE_ORDER_MARK) {
        return answer.split_off(BYTE_ORDER_MARK.len());
    }
    answer
}

impl Default for AnswerSettings {
    fn default() -> Self {
        Self {
            answerers: Vec::new(),
            fallbacks: Vec::new(),
            timeout: deadlines::ANSWER,
        }
    }
}

impl fmt::Debug for AnswerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.answerers.iter().map(|(operation, _)| operation.kind);
        f.debug_struct("AnswerSettings")
            .field("answerers", &kinds.collect::<Vec<_>>())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
