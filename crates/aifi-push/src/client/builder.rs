//! The settings of a client, checked before it is built.

use std::{fmt, future::Future, time::Duration};

use reqwest::Url;

use super::{
    Client, Error,
    delivery_url::DeliveryUrl,
    http::{HAS_TLS, HttpSettings},
    token::{self, Token},
};
use crate::RetryPolicy;

/// Builds a [`Client`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    base_url: String,
    is_exact: bool,
    token: Option<TokenSetting>,
    http_client: Option<reqwest::Client>,
    http: HttpSettings,
    timeout: Option<Duration>,
    retry: RetryPolicy,
}

enum TokenSetting {
    None,
    Value(String),
    Source(token::Source),
}

impl ClientBuilder {
    pub(super) fn new(base_url: String) -> Self {
        Self {
            base_url,
            is_exact: false,
            token: None,
            http_client: None,
            http: HttpSettings::default(),
            timeout: None,
            retry: RetryPolicy::none(),
        }
    }

    /// Sets the token to send as `Authorization: Bearer <token>`.
    pub fn bearer_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(TokenSetting::Value(token.into()));
        self
    }

    /// Sets a source of the token, which is called at each attempt, so that the token can change.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> Result<(), aifi_push::Error> {
    /// let client = aifi_push::Client::builder("https://retailer.example")
    ///     .bearer_token_source(|| async {
    ///         let token = std::fs::read_to_string("/run/secrets/token")?;
    ///         Ok::<_, std::io::Error>(token.trim_end().to_owned())
    ///     })
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn bearer_token_source<F, R, E>(mut self, source: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.token = Some(TokenSetting::Source(Token::source(source)));
        self
    }

    /// Sends no token, for a server that wants none.
    pub fn no_token(mut self) -> Self {
        self.token = Some(TokenSetting::None);
        self
    }

    /// Makes [`deliver`](Client::deliver) call the base URL as it is, as the platform does for a webhook
    /// whose URL is [exact](crate::CalledUrl::Exact).
    pub fn exact_url(mut self) -> Self {
        self.is_exact = true;
        self
    }

    /// Sets how long an attempt may take to connect, TLS included. Defaults to 5 seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.http.connect_timeout = Some(timeout);
        self
    }

    /// Sets how long an attempt may take in total, until the end of the response. Defaults to 30
    /// seconds, or to the timeout of the [HTTP client](Self::http_client) if one is set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets when a call that failed is sent again. Defaults to [`RetryPolicy::none`].
    ///
    /// Only an error that [is retryable](Error::is_retryable) leads to another attempt. If the
    /// response to an event was lost, the event is then sent twice, and a receiver can't tell that
    /// from two events; losing it would be worse.
    ///
    /// If the server asks for a longer wait by `Retry-After`, that wait applies. If it asks for
    /// more than the longest delay of the policy, the call ends with that response.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the URL of a proxy for all calls, `http` and `https`. Defaults to the proxy of the
    /// environment for `https`, and to none for `http`.
    ///
    /// The URL may contain credentials for the proxy; they are never shown. A call to an `http`
    /// base URL shows the bearer token and the event to the proxy.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.http.proxy = Some(url.into());
        self
    }

    /// Adds root certificates to trust beside those of the platform: a PEM with one or more. May
    /// be called more than once.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.http.root_certificates.push(pem.into());
        self
    }

    /// Sets the HTTP client to send with. Defaults to one of this crate's own.
    ///
    /// Connecting, TLS, proxies, the connection pool and, unless [`timeout`](Self::timeout) is
    /// set, timeouts are then those of the given client. `Authorization` is still set at each
    /// attempt and marked as sensitive. What the client of this crate ensures is up to the given
    /// one:
    ///
    /// - Redirects: turn them off by `redirect(Policy::none())`. A client that follows a 302 sends
    ///   a `GET` without the event, and its response counts as success.
    /// - The connection pool: set `pool_idle_timeout` to less than the idle timeout of the server.
    ///   An event sent into a connection that the server is just closing is lost or sent twice.
    /// - Proxies: the client of this crate uses the proxy of the environment for `https` only, as
    ///   it would see the token.
    /// - Headers: default headers, cookies and compression of the given client add theirs.
    ///   `User-Agent` is that of the given client.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// use reqwest::redirect::Policy;
    ///
    /// let http = reqwest::Client::builder()
    ///     .redirect(Policy::none())
    ///     .pool_idle_timeout(Duration::from_secs(15))
    ///     .timeout(Duration::from_secs(30))
    ///     .build()?;
    /// let client = aifi_push::Client::builder("https://retailer.example/hooks")
    ///     .bearer_token("secret")
    ///     .http_client(http)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http_client = Some(client);
        self
    }

    /// Builds the client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Configuration`], which names the invalid setting: a base URL that is not a
    /// URL, has a scheme other than `http` and `https`, or contains credentials or a fragment; a token that is missing, empty or not valid in a header; an invalid proxy or root
    /// certificate; an HTTP client together with settings that do not apply to it; TLS that is not
    /// available or fails to start.
    pub fn build(self) -> Result<Client, Error> {
        let url = parse_base_url(&self.base_url)?;
        let token = match self.token {
            Some(TokenSetting::None) => Token::None,
            Some(TokenSetting::Value(token)) => Token::value(&token)?,
            Some(TokenSetting::Source(source)) => Token::Source(source),
            None => {
                return Err(Error::configuration(
                    "bearer_token",
                    "no token: set one, a source of one, or `no_token`",
                ));
            }
        };
        let (client, timeout) = match self.http_client {
            Some(client) => {
                if let Some(setting) = self.http.first_set() {
                    return Err(Error::configuration(
                        "http_client",
                        format!(
                            "`{setting}` does not apply to a given HTTP client: set it on that \
                             client, or remove one of the two"
                        ),
                    ));
                }
                (client, self.timeout)
            }
            None if url.scheme() == "https" && !HAS_TLS => {
                return Err(Error::configuration(
                    "base_url",
                    "https requires the feature `rustls` or `native-tls` of aifi-push",
                ));
            }
            None => {
                let timeout = self.timeout.unwrap_or(Duration::from_secs(30));
                (self.http.build(&url)?, Some(timeout))
            }
        };
        let query = url.query().map(Into::into);
        Ok(Client {
            delivery_url: DeliveryUrl::new(&url, self.is_exact).into(),
            // Each path of the document begins with a slash.
            baseurl: without_query(&url).trim_end_matches('/').into(),
            query,
            client,
            origin: url.origin().ascii_serialization().into(),
            timeout,
            token,
            retry: self.retry,
        })
    }
}

fn parse_base_url(text: &str) -> Result<Url, Error> {
    // The errors leave the text out, as it may contain credentials.
    let invalid = |reason: &'static str| Err(Error::configuration("base_url", reason));
    let url = Url::parse(text).map_err(|source| Error::Configuration {
        setting: "base_url",
        reason: "invalid URL: expected scheme and host, as in https://retailer.example/hooks"
            .into(),
        source: Some(source.into()),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return invalid("unsupported scheme: expected http or https, as in https://host:8443");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return invalid("credentials in the URL are not sent: set a bearer token instead");
    }
    if url.fragment().is_some() {
        return invalid("a fragment is not sent: remove what follows the #");
    }
    if url.authority().contains('{') {
        return invalid(
            "the host can't depend on the event: write {kind} in the path or the query",
        );
    }
    Ok(url)
}

fn without_query(url: &Url) -> &str {
    let text = url.as_str();
    text.split_once('?').map_or(text, |(path, _)| path)
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the token nor the URLs, which may contain credentials.
        f.debug_struct("ClientBuilder")
            .field("connect_timeout", &self.http.connect_timeout)
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
