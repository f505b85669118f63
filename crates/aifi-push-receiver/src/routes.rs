//! The URLs that are configured at the vendor's, one for each webhook or several.

mod table;

use std::{collections::HashSet, fmt, sync::Arc};

use aifi_push::{Answer, CalledUrl, Operation, operations};
use table::{Configured, Conflict, Table};

pub(crate) use table::Route;

use crate::error::ReceiverError;

/// Where [`status_router`](crate::Receiver::status_router) has its own.
const STATUS_PATHS: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// The URL paths at which events arrive: for each webhook of the vendor's console, the one that is
/// configured there.
///
/// Without a route of its own, a webhook is below a base path, where each has another URL. With
/// `/webhook`, these are `/webhook/transition`, `/webhook/checkout-zone`, `/webhook/checkout` and
/// so on, and `/webhook` itself for transitions. To the URL of some webhooks, the platform appends
/// the last segment of the operation's path: [`WebhookUrl::called`] says which.
///
/// Below the URL of a webhook, events are also accepted at any longer end of the operation's path,
/// such as `/zones/checkout-zone/left`, and at its kind, such as `/webhook/checkout-zone-left`.
/// Slashes at the end of a path, doubled ones and percent-encoding change nothing.
///
/// # Examples
///
/// ```
/// use aifi_push_receiver::Routes;
///
/// # fn main() -> Result<(), aifi_push_receiver::ReceiverError> {
/// let routes = Routes::below("/webhook").route("checkout-zone", "/zones").build()?;
/// let path_of = |name| {
///     let mut webhooks = routes.webhooks().iter();
///     webhooks.find(|webhook| webhook.name == name).map(|webhook| &*webhook.path)
/// };
/// assert_eq!(path_of("checkout-zone"), Some("/zones"));
/// assert_eq!(path_of("checkout"), Some("/webhook/checkout"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Routes {
    table: Arc<Table>,
    webhooks: Arc<[WebhookUrl]>,
}

/// The URL of a webhook.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WebhookUrl {
    /// The webhook, such as `checkout-zone`.
    pub name: &'static str,
    /// The path to configure, such as `/webhook/checkout-zone`; `/` for the root.
    pub path: String,
    /// How the platform calls it.
    pub called: CalledUrl,
    /// What the platform does with the response.
    pub answer: Answer,
}

/// Configures [`Routes`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct RoutesBuilder {
    base_path: String,
    routes: Vec<(String, String)>,
    is_status_elsewhere: bool,
}

impl Routes {
    /// Configures routes below a base path, such as `/webhook`.
    pub fn below(base_path: impl Into<String>) -> RoutesBuilder {
        RoutesBuilder {
            base_path: base_path.into(),
            routes: Vec::new(),
            is_status_elsewhere: false,
        }
    }

    /// Returns the URLs to configure, in the order of the document.
    pub fn webhooks(&self) -> &[WebhookUrl] {
        &self.webhooks
    }

    /// The routes at the root of a router that is nested anywhere.
    pub(crate) fn nested() -> Self {
        Self::of("", Vec::new())
    }

    pub(crate) fn find(&self, path: &str) -> Route {
        self.table.find(path)
    }

    fn of(base_path: &str, mut urls: Vec<Configured>) -> Self {
        let mut webhooks = Vec::new();
        for first in first_operations() {
            let given = urls.iter().filter(|url| url.webhook == first.webhook);
            let mut shown: Vec<_> = given.map(|url| url.path.clone()).collect();
            let defaults = default_paths(base_path, first);
            let is_default = shown.is_empty();
            if is_default {
                shown.extend(defaults.first().cloned());
            }
            webhooks.extend(shown.iter().map(|path| WebhookUrl {
                name: first.webhook,
                path: shown_path(path).to_owned(),
                called: first.url,
                answer: answer(first.webhook),
            }));
            urls.extend(defaults.into_iter().map(|path| Configured {
                webhook: first.webhook,
                path,
                is_in_use: is_default,
            }));
        }
        Self {
            table: Arc::new(Table::new(base_path, urls)),
            webhooks: webhooks.into(),
        }
    }

    fn check_status_paths(&self) -> Result<(), ReceiverError> {
        for path in STATUS_PATHS {
            if let Route::Operation(Operation { webhook, .. }) = self.find(path) {
                let problem =
                    format!("{path} is for health and metrics: choose another path for {webhook}");
                return Err(ReceiverError::new("route", problem));
            }
        }
        Ok(())
    }

    fn check_conflict(&self) -> Result<(), ReceiverError> {
        let Some(Conflict { path, webhooks }) = self.table.conflict() else {
            return Ok(());
        };
        let (path, [one, other]) = (shown_path(path), webhooks);
        let problem = format!(
            "events of {one} and {other} would both arrive at {path}, where nothing tells them apart: \
             choose another path for one of them, such as {other}=/{other}"
        );
        Err(ReceiverError::new("route", problem))
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("webhooks", &self.webhooks)
            .finish_non_exhaustive()
    }
}

impl RoutesBuilder {
    /// Sets the path that is configured at the vendor's for a webhook, from the root and not below the
    /// base path. A webhook may have several, such as an old and a new one.
    ///
    /// The webhook is called by its name in the vendor's console, such as `checkout-zone`, or by a kind
    /// or an id of its operations. Its path below the base path stays, unless it is now that of
    /// another webhook: an event of before the change is not lost.
    pub fn route(mut self, webhook: impl Into<String>, path: impl Into<String>) -> Self {
        self.routes.push((webhook.into(), path.into()));
        self
    }

    /// Allows the paths of [`status_router`](crate::Receiver::status_router), for a server that has
    /// these on another address.
    pub fn status_elsewhere(mut self) -> Self {
        self.is_status_elsewhere = true;
        self
    }

    /// Builds the routes.
    ///
    /// # Errors
    ///
    /// [`ReceiverError`] if a path is invalid, there is no such webhook, or the events of two webhooks
    /// would arrive at one path, where nothing tells them apart.
    pub fn build(self) -> Result<Routes, ReceiverError> {
        let base_path = parse_path("base_path", &self.base_path)?;
        let mut given = Vec::new();
        for (name, path) in &self.routes {
            let webhook = find_webhook(name)?;
            if path.is_empty() {
                let problem = format!("no path for {webhook}: expected one such as /webhook");
                return Err(ReceiverError::new("route", problem));
            }
            let url = Configured {
                webhook,
                path: parse_path("route", path)?,
                is_in_use: true,
            };
            if !given.contains(&url) {
                given.push(url);
            }
        }
        let routes = Routes::of(&base_path, given);
        if !self.is_status_elsewhere {
            routes.check_status_paths()?;
        }
        routes.check_conflict()?;
        Ok(routes)
    }
}

/// Returns the first operation of each webhook, which says how all of them are called.
fn first_operations() -> impl Iterator<Item = &'static Operation> {
    let mut seen = HashSet::new();
    let all = operations::ALL.iter();
    all.filter(move |operation| seen.insert(operation.webhook))
}

/// Returns the paths of a webhook that has no route of its own, the one to configure first.
fn default_paths(base_path: &str, first: &Operation) -> Vec<String> {
    let configured = |path| match first.url {
        CalledUrl::Base => parent(path),
        _ => path,
    };
    let route = format!("/{}", first.route);
    let route = configured(&route);
    let mut paths = vec![format!("{base_path}{route}")];
    // The URLs of the other webhooks are below this one: it has another of its own.
    if route.is_empty() {
        let distinct = last_segment(configured(first.path));
        paths.insert(0, format!("{base_path}{distinct}"));
    }
    paths.dedup();
    paths
}

fn answer(webhook: &str) -> Answer {
    let mut all = operations::ALL.iter();
    let is_question = |it: &Operation| it.webhook == webhook && it.answer == Answer::Used;
    match all.any(is_question) {
        true => Answer::Used,
        false => Answer::Ignored,
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Returns the last segment with the slash before it.
fn last_segment(path: &str) -> &str {
    path.rfind('/').map_or("", |start| &path[start..])
}

fn shown_path(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

fn find_webhook(name: &str) -> Result<&'static str, ReceiverError> {
    let text = name.replace('_', "-");
    let named = |is: &dyn Fn(&str) -> bool| {
        let mut all = operations::ALL.iter().map(|operation| operation.webhook);
        all.find(|webhook| is(webhook))
    };
    let found = named(&|webhook| webhook == text)
        .or_else(|| Operation::find(name).map(|operation| operation.webhook))
        .or_else(|| named(&|webhook| webhook.strip_suffix('s') == Some(&text)));
    found.ok_or_else(|| {
        let all: Vec<_> = first_operations().map(|first| first.webhook).collect();
        let problem = format!("no webhook {name:?}: there are {}", all.join(", "));
        ReceiverError::new("route", problem)
    })
}

/// Checks a path, and returns it without a slash at its end.
fn parse_path(setting: &'static str, path: &str) -> Result<String, ReceiverError> {
    let path = path.trim_end_matches('/');
    let is_path = path.strip_prefix('/').is_some_and(|segments| {
        segments.split('/').all(|segment| {
            let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            // Senders resolve `.` and `..`, and call another path.
            !matches!(segment, "" | "." | "..") && segment.bytes().all(is_unreserved)
        })
    });
    if !path.is_empty() && !is_path {
        return Err(ReceiverError::new(
            setting,
            format!(
                "invalid path {path:?}: expected letters, digits, `-`, `.`, `_` and `~`, and no segment \
                 `.` or `..`, such as /webhook"
            ),
        ));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests;
