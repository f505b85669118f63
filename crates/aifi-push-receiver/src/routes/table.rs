//! Which operation is at a path.

use std::collections::HashMap;

use aifi_push::{CalledUrl, Operation, operations};
use percent_encoding::percent_decode_str;

/// What is at a path.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Route {
    /// The events of an operation.
    Operation(&'static Operation),
    /// The URL that is configured for a webhook, to which the platform appends a segment.
    BaseUrl {
        webhook: &'static str,
    },
    /// The path below which the webhooks are.
    BasePath,
    NotFound,
}

/// The URL of a webhook. A path has no slash at its end: that of the root is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Configured {
    pub(super) webhook: &'static str,
    pub(super) path: String,
    /// Whether the vendor calls it; it may have done so before another one was given.
    pub(super) is_in_use: bool,
}

/// A path at which operations of two webhooks are called.
#[derive(Debug)]
pub(super) struct Conflict {
    pub(super) path: String,
    pub(super) webhooks: [&'static str; 2],
}

/// The paths of all operations, and the configured URLs.
pub(super) struct Table {
    found: HashMap<String, Route>,
    conflict: Option<Conflict>,
}

impl Table {
    pub(super) fn new(base_path: &str, urls: Vec<Configured>) -> Self {
        let (mut called, mut others) = (Vec::new(), Vec::new());
        for url in &urls {
            let all = operations::ALL.iter();
            for operation in all.filter(|operation| operation.webhook == url.webhook) {
                if url.is_in_use {
                    called.push((join(&url.path, called_end(operation)), operation));
                }
                let ends = ends(operation);
                others.extend(ends.map(|end| (join(&url.path, end), operation)));
            }
        }
        for operation in operations::ALL {
            // What is shorter may be of several operations.
            let ends = ends(operation).filter(|end| end.len() >= operation.route.len());
            others.extend(ends.map(|end| (join(base_path, end), operation)));
        }

        let (mut found, mut conflict) = (HashMap::new(), None);
        for (path, operation) in called {
            match found.get(&path) {
                Some(Route::Operation(other)) if other.webhook != operation.webhook => {
                    let webhooks = [other.webhook, operation.webhook];
                    conflict.get_or_insert(Conflict { path, webhooks });
                }
                _ => {
                    found.insert(path, Route::Operation(operation));
                }
            }
        }
        // What the vendor does not call there comes second.
        for (path, operation) in others {
            found.entry(path).or_insert(Route::Operation(operation));
        }
        for Configured { webhook, path, .. } in urls {
            found.entry(path).or_insert(Route::BaseUrl { webhook });
        }
        found.entry(base_path.to_owned()).or_insert(Route::BasePath);
        Self { found, conflict }
    }

    pub(super) fn find(&self, path: &str) -> Route {
        let found = normalized(path).and_then(|path| self.found.get(&path));
        found.copied().unwrap_or(Route::NotFound)
    }

    /// Returns a path at which events can't be told apart.
    pub(super) fn conflict(&self) -> Option<&Conflict> {
        self.conflict.as_ref()
    }
}

/// Returns what the vendor appends to the configured URL.
fn called_end(operation: &Operation) -> &str {
    match operation.url {
        CalledUrl::Base => operation.segment(),
        _ => "",
    }
}

/// Returns the ends of the operation's path, and its kind.
fn ends(operation: &Operation) -> impl Iterator<Item = &str> {
    let slashes = operation.path.match_indices('/');
    slashes
        .map(|(slash, _)| &operation.path[slash + 1..])
        .chain([operation.kind])
}

fn join(path: &str, end: &str) -> String {
    if end.is_empty() {
        path.to_owned()
    } else {
        format!("{path}/{end}")
    }
}

/// Returns a path without the empty segments of trailing and doubled slashes, and without escapes. None
/// is the path of an operation if it is not text, or contains an escaped slash.
fn normalized(path: &str) -> Option<String> {
    let mut normalized = String::with_capacity(path.len());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let segment = percent_decode_str(segment).decode_utf8().ok()?;
        if segment.contains('/') {
            return None;
        }
        normalized.push('/');
        normalized.push_str(&segment);
    }
    Some(normalized)
}
