//! Asking services what to answer to questions.

use std::{ffi::OsString, fs, path::PathBuf, time::Duration};

use aifi_push::{Answer, Client, Operation, operations};
use aifi_push_receiver::{
    ReceiverBuilder,
    inbox::{Event, TRACE_PARENT_HEADER, VIA_HEADER},
};
use anyhow::{Context, Result, bail, ensure};
use axum::body::Bytes;

use super::{forward::via, traces::trace_parent};
use crate::{
    escape,
    tokens::{TokenOption, TokenSource},
};

const TOKEN: TokenOption = TokenOption {
    flag: "--answer-token-file",
    variable: "AIFI_PUSH_ANSWER_TOKEN",
    without: None,
};

/// How much longer than an answerer a call may take, so that the answerer says why it ended.
const CALL_MARGIN: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
#[command(next_help_heading = "Answering")]
pub(super) struct Answers {
    /// Ask a service what to answer to a question; may be repeated.
    #[arg(long, value_name = "KIND=URL", long_help = help())]
    answer: Vec<String>,
    /// The answer if the service returns none in time: JSON, or @FILE.
    ///
    /// Without it, the response is 503.
    #[arg(long, value_name = "KIND=JSON", requires = "answer")]
    answer_fallback: Vec<String>,
    /// How long a service may take to answer, once the event is stored.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "3s",
        value_parser = super::positive_duration,
        requires = "answer"
    )]
    answer_timeout: Duration,
    /// File of the bearer token for the service of this kind.
    ///
    /// Without a kind, it is for every service without one of its own. It is read for each question.
    /// Defaults to AIFI_PUSH_ANSWER_TOKEN of the environment; without either, no token is sent.
    #[arg(long, value_name = "[KIND=]FILE", requires = "answer")]
    answer_token_file: Vec<TokenFile>,
}

fn help() -> String {
    format!(
        "Ask a service what to answer to a question; may be repeated.\n\nThe body of the question is \
         POSTed to the URL while a customer waits, and the JSON of a 2xx is the answer. The kinds are \
         {}. One without this is acknowledged like any other event",
        questions()
    )
}

/// What an option says about the questions of a kind.
struct OfKind<'a> {
    question: &'static Operation,
    value: &'a str,
}

#[derive(Clone)]
struct TokenFile {
    question: Option<&'static Operation>,
    file: PathBuf,
}

impl Answers {
    /// Lets a receiver ask the services.
    pub(super) fn add_to(&self, receiver: ReceiverBuilder) -> Result<ReceiverBuilder> {
        let services = of_kinds("--answer", &self.answer)?;
        self.check_token_files(&services)?;
        let mut receiver = receiver.answer_timeout(self.answer_timeout);
        for &OfKind { question, value } in &services {
            let client = self.client(question, value);
            let client = client.with_context(|| format!("--answer {}", question.kind))?;
            receiver = receiver.answer_raw(question, move |event| {
                let client = client.clone();
                async move { ask(&client, question, event).await }
            });
        }
        for OfKind { question, value } in of_kinds("--answer-fallback", &self.answer_fallback)? {
            check_is_asked("--answer-fallback", question, &services)?;
            let json = match value.strip_prefix('@') {
                Some(file) => fs::read(file).with_context(|| {
                    let file = escape::path(file.as_ref());
                    format!("--answer-fallback {}: {file}", question.kind)
                })?,
                None => value.as_bytes().to_vec(),
            };
            receiver = receiver.answer_fallback_raw(question, json);
        }
        Ok(receiver)
    }

    fn client(&self, question: &Operation, url: &str) -> Result<Client> {
        let client = Client::builder(url)
            .exact_url()
            .timeout(self.answer_timeout.saturating_add(CALL_MARGIN));
        let about = |question: Option<&Operation>| {
            let mut files = self.answer_token_file.iter();
            let id = question.map(|question| question.id);
            files.find(|file| file.question.map(|question| question.id) == id)
        };
        let file = about(Some(question)).or_else(|| about(None));
        let client = if file.is_some() || TOKEN.is_in_environment() {
            let file = file.map(|file| file.file.clone());
            TokenSource::new(file, &TOKEN)?.give_to(client)?
        } else {
            client.no_token()
        };
        Ok(client.build()?)
    }

    fn check_token_files(&self, services: &[OfKind<'_>]) -> Result<()> {
        for (index, TokenFile { question, .. }) in self.answer_token_file.iter().enumerate() {
            let id = question.map(|question| question.id);
            let is_same = |other: &TokenFile| other.question.map(|question| question.id) == id;
            let about = question.map_or("all services", |question| question.kind);
            ensure!(
                !self.answer_token_file[..index].iter().any(is_same),
                "--answer-token-file: given twice for {about}"
            );
            if let Some(question) = question {
                check_is_asked("--answer-token-file", question, services)?;
            }
        }
        Ok(())
    }
}

fn check_is_asked(option: &str, question: &Operation, services: &[OfKind<'_>]) -> Result<()> {
    let kind = question.kind;
    let mut services = services.iter();
    ensure!(
        services.any(|service| service.question.id == question.id),
        "{option}: no service answers {kind}: add --answer {kind}=URL"
    );
    Ok(())
}

/// Asks a service for the answer to a question.
async fn ask(client: &Client, question: &Operation, event: Event) -> Result<Bytes> {
    let id = event.id.to_string();
    let via = via(&event).context("it came through too many receivers: they ask in a circle")?;
    let parent = trace_parent(&event);
    let mut headers = vec![("webhook-id", id.as_str()), (VIA_HEADER, &via)];
    headers.extend(
        parent
            .as_deref()
            .map(|parent| (TRACE_PARENT_HEADER, parent)),
    );
    let asked = client.deliver_with_headers(question, event.body, &headers);
    let response = asked.await?;
    if !response.is_complete() {
        bail!("the answer is longer than 1 MiB, or broke off");
    }
    Ok(response.body().to_vec().into())
}

/// Reads the values of an option, each of another kind. No error quotes one, as it may contain a key.
fn of_kinds<'a>(option: &str, texts: &'a [String]) -> Result<Vec<OfKind<'a>>> {
    let mut found: Vec<OfKind<'_>> = Vec::new();
    for text in texts {
        let (question, value) = of_kind(text).with_context(|| {
            let questions = questions();
            format!(
                "{option}: expected the kind of a question and a `=` first: these are {questions}"
            )
        })?;
        let kind = question.kind;
        ensure!(!value.is_empty(), "{option}: no value after {kind}=");
        ensure!(
            !found.iter().any(|other| other.question.id == question.id),
            "{option}: given twice for {kind}"
        );
        found.push(OfKind { question, value });
    }
    Ok(found)
}

fn of_kind(text: &str) -> Option<(&'static Operation, &str)> {
    let (kind, value) = text.split_once('=')?;
    Some((find(kind)?, value))
}

impl From<OsString> for TokenFile {
    fn from(text: OsString) -> Self {
        match text.to_str().and_then(of_kind) {
            Some((question, file)) => Self {
                question: Some(question),
                file: file.into(),
            },
            None => Self {
                question: None,
                file: text.into(),
            },
        }
    }
}

fn find(kind: &str) -> Option<&'static Operation> {
    Operation::find(kind).filter(|operation| operation.answer == Answer::Used)
}

fn questions() -> String {
    let operations = operations::ALL.iter();
    let questions = operations.filter(|operation| operation.answer == Answer::Used);
    let kinds: Vec<_> = questions.map(|operation| operation.kind).collect();
    kinds.join(", ")
}
