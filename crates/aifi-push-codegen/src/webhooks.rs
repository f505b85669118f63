//! What a retailer configures at the vendor's: a URL for each webhook, which has one operation or
//! several.

use openapiv3::Operation;
use serde_json::Value;

use crate::document::Document;

/// The extension that names the webhook of an operation, as in the vendor's console.
pub(crate) const WEBHOOK: &str = "x-webhook";
/// The extension that says how the configured URL is called.
pub(crate) const URL: &str = "x-url";
/// The extension that says whether the response is read.
pub(crate) const ANSWER: &str = "x-answer";

/// How the platform calls the URL that a retailer configured for a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CalledUrl {
    /// With the last segment of the operation's path appended.
    Base,
    /// As it is.
    Exact,
}

/// The part of an operation in a webhook.
#[derive(Debug)]
pub(crate) struct Webhook {
    pub(crate) name: String,
    pub(crate) url: CalledUrl,
    /// Whether the response is read.
    pub(crate) is_question: bool,
    /// The path below the base path of a receiver, without a leading slash.
    pub(crate) route: String,
    /// The route as one word.
    pub(crate) kind: String,
}

impl Webhook {
    pub(crate) fn of(document: &Document, path: &str, operation: &Operation) -> Self {
        let first = document.operations().next();
        let route = first.map_or(path, |(first_path, _, first)| {
            let directory = parent(configured(first_path, first));
            let is_first = name(first) == name(operation) && called_url(first) == CalledUrl::Base;
            // The events of the first webhook arrive below the base path itself.
            let below = path.strip_prefix(directory);
            match below.filter(|route| route.starts_with('/')) {
                Some(_) if is_first => last_segment(path),
                Some(route) => route,
                None => path,
            }
        });
        let route = route.trim_start_matches('/').to_owned();
        Self {
            name: name(operation),
            url: called_url(operation),
            is_question: text(operation, ANSWER) == Some("used"),
            kind: route.replace('/', "-"),
            route,
        }
    }
}

/// Returns the part of a path that stands for the configured URL.
pub(crate) fn configured<'a>(path: &'a str, operation: &Operation) -> &'a str {
    match called_url(operation) {
        CalledUrl::Base => parent(path),
        CalledUrl::Exact => path,
    }
}

/// Returns the name of the webhook; without one in the document, the operation is one of its own.
pub(crate) fn name(operation: &Operation) -> String {
    let id = operation.operation_id.as_deref().unwrap_or_default();
    text(operation, WEBHOOK).map_or_else(|| id.replace('_', "-"), ToOwned::to_owned)
}

pub(crate) fn called_url(operation: &Operation) -> CalledUrl {
    match text(operation, URL) {
        Some("exact") => CalledUrl::Exact,
        _ => CalledUrl::Base,
    }
}

pub(crate) fn last_segment(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn text<'a>(operation: &'a Operation, extension: &str) -> Option<&'a str> {
    operation.extensions.get(extension).and_then(Value::as_str)
}
