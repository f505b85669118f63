//! What a client is made of, checked before it is made.

use std::{fmt, future::Future, time::Duration};

use reqwest::{Url, redirect};

use super::{
    Client, Error,
    token::{self, Token},
};
use crate::RetryPolicy;

/// Idle connections are given up before the servers and load balancers that people use close them:
/// an event sent into a connection that is just being closed is lost or doubled.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Makes a [`Client`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    base_url: String,
    token: Option<TokenSetting>,
    connect_timeout: Duration,
    timeout: Duration,
    retry: RetryPolicy,
}

enum TokenSetting {
    Value(String),
    Source(token::Source),
}

impl ClientBuilder {
    pub(super) fn new(base_url: String) -> Self {
        Self {
            base_url,
            token: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            retry: RetryPolicy::none(),
        }
    }

    /// The token to send as `Authorization: Bearer <token>`.
    pub fn bearer_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(TokenSetting::Value(token.into()));
        self
    }

    /// A source of the token, asked at each attempt, so that the token can change.
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

    /// How long an attempt may take until it is connected, TLS included. 5 seconds unless set.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long an attempt may take in all, until the end of the answer. 30 seconds unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets when a call that failed is sent again. Defaults to [`RetryPolicy::none`].
    ///
    /// Only an error that [is retryable](Error::is_retryable) leads to another attempt. An event
    /// whose answer got lost is then sent twice, and a receiver can't tell that from two events;
    /// losing it would be worse.
    ///
    /// A server that asks for a longer wait by `Retry-After` gets it. If it asks for more than the
    /// longest delay of the policy, the call ends with its answer.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Makes the client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] names the setting that is wrong: a base URL that is none, has no
    /// `http` or `https` scheme, or carries credentials, a query or a fragment; a token that is
    /// missing, empty or can't stand in a header; TLS that is missing or fails to start.
    pub fn build(self) -> Result<Client, Error> {
        let url = parse_base_url(&self.base_url)?;
        let token = match self.token {
            Some(TokenSetting::Value(token)) => Token::value(&token)?,
            Some(TokenSetting::Source(source)) => Token::Source(source),
            None => {
                return Err(Error::configuration(
                    "bearer_token",
                    "no token: give one, or a source of one",
                ));
            }
        };
        let client = http_client(&url)
            .connect_timeout(self.connect_timeout)
            .timeout(self.timeout)
            .build()
            .map_err(|source| Error::Configuration {
                setting: "tls",
                reason: "the HTTP client can't start".into(),
                source: Some(source.without_url().into()),
            })?;
        Ok(Client {
            // Each path of the document begins with a slash.
            baseurl: url.as_str().trim_end_matches('/').into(),
            client,
            origin: url.origin().ascii_serialization().into(),
            timeout: self.timeout,
            token,
            retry: self.retry,
        })
    }
}

fn http_client(url: &Url) -> reqwest::ClientBuilder {
    let http = reqwest::Client::builder()
        .user_agent(concat!("aifi-push/", env!("CARGO_PKG_VERSION")))
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        // A POST that follows a 302 becomes a GET, and its body is lost.
        .redirect(redirect::Policy::none())
        // Each of these would add a header where another crate turns the feature of reqwest on.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate();
    #[cfg(feature = "rustls")]
    let http = http.tls_backend_rustls();
    #[cfg(all(feature = "native-tls", not(feature = "rustls")))]
    let http = http.tls_backend_native();
    if url.scheme() == "http" {
        // A proxy would see the token. Of https it sees an encrypted tunnel.
        http.no_proxy()
    } else {
        http
    }
}

fn parse_base_url(text: &str) -> Result<Url, Error> {
    // The text is left out of the errors, as it may hold credentials.
    let wrong = |reason: &'static str| Err(Error::configuration("base_url", reason));
    let url = Url::parse(text).map_err(|source| Error::Configuration {
        setting: "base_url",
        reason: "not a URL with scheme and host, such as https://retailer.example/hooks".into(),
        source: Some(source.into()),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return wrong("the scheme must be http or https: put it in front, as https://host:8443");
    }
    let has_tls = cfg!(any(feature = "rustls", feature = "native-tls"));
    if url.scheme() == "https" && !has_tls {
        return wrong("https needs the feature `rustls` or `native-tls` of aifi-push");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("credentials in the URL are not sent: give a bearer token");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("a query or fragment can't stand before the path of an operation: remove it");
    }
    Ok(url)
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the token nor the URL, which is not yet known to hold no credentials.
        f.debug_struct("ClientBuilder")
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
