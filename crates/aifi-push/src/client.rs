//! The client: token, timeouts, retries and errors, which the document does not describe.

mod builder;
mod delivery_url;
mod error;
mod http;
mod response;
mod token;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

pub use builder::ClientBuilder;
use delivery_url::DeliveryUrl;
pub use error::Error;
use reqwest::{
    Method, Request,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
pub use response::{Rejection, Response};
use token::Token;
use tracing::{Instrument, field::Empty};

use crate::{Operation, RetryPolicy, operations};

/// Sends events: it has a method for each operation of the document.
///
/// A clone shares the connections of the original.
///
/// # What every call does
///
/// - It sends the bearer token, if there is one, to the configured origin only: redirects are not followed, and a
///   proxy of the environment is used for `https` only, where it does not see the token.
/// - It sends no headers other than `Authorization`, `Accept`, `Content-Type`, `User-Agent`, those
///   that HTTP requires, and those that [you give](Client::deliver_with_headers).
/// - Any 2xx is a success, whatever its body: the event arrived.
/// - It opens a [`tracing`] span `aifi_push` with the fields `operation`, `status`, `attempts` and
///   `duration_ms`. Neither the event nor the token is logged.
///
/// With [an HTTP client of your own](ClientBuilder::http_client), the first two depend on it.
///
/// # Examples
///
/// ```no_run
/// # async fn run(event: aifi_push::types::TransitionLeft) -> Result<(), aifi_push::Error> {
/// use aifi_push::{Client, RetryPolicy};
///
/// let client = Client::builder("https://retailer.example/hooks")
///     .bearer_token("secret")
///     .retry(RetryPolicy::default())
///     .build()?;
///
/// if let Err(error) = client.transition_left(&event).await {
///     eprintln!("{error} (retryable: {})", error.is_retryable());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    // The generated methods build their requests from these two, by the names progenitor uses.
    pub(crate) baseurl: Arc<str>,
    pub(crate) client: reqwest::Client,
    query: Option<Arc<str>>,
    delivery_url: Arc<DeliveryUrl>,
    origin: Arc<str>,
    timeout: Option<Duration>,
    token: Token,
    retry: RetryPolicy,
}

impl Client {
    /// Returns a builder of a client for the server at `base_url`: a URL with scheme and host, to
    /// whose path that of each operation is added. Its query is sent with every call.
    pub fn builder(base_url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(base_url.into())
    }

    /// Returns a client for the vendor's sandbox, the first server of the document.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Configuration`] if the token is empty or not valid in a header.
    pub fn sandbox(bearer_token: impl Into<String>) -> Result<Self, Error> {
        Self::builder(operations::SERVER)
            .bearer_token(bearer_token)
            .build()
    }

    /// Delivers a body as the platform does: unchanged, to the [route](Operation::route) of the
    /// operation below the base URL.
    ///
    /// With the base URL `https://retailer.example/webhook` it calls `/webhook/left` or
    /// `/webhook/checkout`, where [`transition_left`](Self::transition_left) calls
    /// `/webhook/api/push/transition/left`. Where the base URL contains `{kind}`, the
    /// [kind](Operation::kind) takes its place, and nothing is added:
    /// `https://retailer.example/webhook?event={kind}`. Nor is with
    /// [`exact_url`](ClientBuilder::exact_url).
    ///
    /// # Errors
    ///
    /// Returns an [`Error`] if the event did not arrive, or may not have.
    pub async fn deliver(
        &self,
        operation: &Operation,
        body: impl Into<Vec<u8>>,
    ) -> Result<Response<String>, Error> {
        self.deliver_with_headers(operation, body, &[]).await
    }

    /// Delivers a body with further headers, by name and value.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn run(client: aifi_push::Client, body: Vec<u8>) -> Result<(), aifi_push::Error> {
    /// use aifi_push::operations::TRANSITION_LEFT;
    ///
    /// let headers = [("webhook-id", "0199c2d3-6f0a-7cc0-b6b1-5d4d9d2f3a11")];
    /// client.deliver_with_headers(&TRANSITION_LEFT, body, &headers).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`deliver`](Self::deliver), and [`Error::Configuration`] if a header is not valid.
    pub async fn deliver_with_headers(
        &self,
        operation: &Operation,
        body: impl Into<Vec<u8>>,
        headers: &[(&str, &str)],
    ) -> Result<Response<String>, Error> {
        let request = self
            .client
            .request(method(operation), self.delivery_url.of(operation))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .body(body.into());
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        self.call_url(operation.id, request.build()).await
    }

    /// Sends a request that a generated method built, as often as the retry policy allows.
    pub(crate) async fn call<T>(
        &self,
        operation: &'static str,
        request: reqwest::Result<Request>,
    ) -> Result<Response<T>, Error> {
        let request = request.map(|mut request| {
            if let Some(query) = &self.query {
                let url = request.url_mut();
                let query = match url.query() {
                    Some(own) => format!("{own}&{query}"),
                    None => query.to_string(),
                };
                url.set_query(Some(&query));
            }
            request
        });
        self.call_url(operation, request).await
    }

    async fn call_url<T>(
        &self,
        operation: &'static str,
        request: reqwest::Result<Request>,
    ) -> Result<Response<T>, Error> {
        let span = tracing::info_span!(
            "aifi_push",
            operation,
            status = Empty,
            attempts = Empty,
            duration_ms = Empty,
        );
        let start = Instant::now();
        let (attempts, result) = match request {
            Ok(request) => {
                self.send(operation, &request)
                    .instrument(span.clone())
                    .await
            }
            Err(source) => {
                let error = Error::Configuration {
                    setting: operation,
                    reason: "the request could not be built".into(),
                    source: Some(source.without_url().into()),
                };
                (0, Err(error))
            }
        };
        let status = match &result {
            Ok(response) => Some(response.status()),
            Err(error) => error.rejection().map(Rejection::status),
        };
        span.record("status", status);
        span.record("attempts", attempts);
        span.record("duration_ms", start.elapsed().as_millis() as u64);
        result
    }

    /// Returns the number of attempts with the result of the last.
    async fn send<T>(
        &self,
        operation: &str,
        request: &Request,
    ) -> (u32, Result<Response<T>, Error>) {
        let mut attempts = 1;
        loop {
            let error = match self.attempt(operation, request).await {
                Ok(response) => return (attempts, Ok(response)),
                Err(error) => error,
            };
            let Some(delay) = self.delay_after(attempts, &error) else {
                return (attempts, Err(error));
            };
            tracing::warn!(%error, ?delay, "call failed, retrying");
            tokio::time::sleep(delay).await;
            attempts += 1;
        }
    }

    /// Returns how long to wait before sending again, or `None` to give up.
    fn delay_after(&self, attempt: u32, error: &Error) -> Option<Duration> {
        if !error.is_retryable() {
            return None;
        }
        let rejection = error.rejection();
        let wanted = rejection
            .and_then(Rejection::retry_after)
            .unwrap_or_default();
        let delay = self.retry.delay_after(attempt)?;
        (wanted <= self.retry.longest_delay()).then(|| delay.max(wanted))
    }

    async fn attempt<T>(&self, operation: &str, request: &Request) -> Result<Response<T>, Error> {
        let mut attempt = request
            .try_clone()
            .ok_or_else(|| Error::configuration("body", "a streaming body can't be sent twice"))?;
        if let Some(authorization) = self.token.authorization().await? {
            attempt.headers_mut().insert(AUTHORIZATION, authorization);
        }
        *attempt.timeout_mut() = self.timeout;
        let response = self.client.execute(attempt).await;
        let response = response.map_err(|error| self.no_response(error))?;
        response::classify_response(operation, response).await
    }

    fn no_response(&self, error: reqwest::Error) -> Error {
        let origin = self.origin.to_string();
        let (is_connect, is_timeout) = (error.is_connect(), error.is_timeout());
        // Our error contains the origin.
        let source = error.without_url().into();
        if is_connect {
            Error::Connect { origin, source }
        } else if is_timeout {
            let timeout = self.timeout;
            Error::TimedOut {
                origin,
                timeout,
                source,
            }
        } else {
            Error::Disconnected { origin, source }
        }
    }
}

/// The generator accepts these only.
fn method(operation: &Operation) -> Method {
    match operation.method {
        "PATCH" => Method::PATCH,
        "PUT" => Method::PUT,
        _ => Method::POST,
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.baseurl)
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
