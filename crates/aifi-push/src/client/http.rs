//! The HTTP client below the client, unless the user brings one.

use std::{borrow::Cow, time::Duration};

use reqwest::{Proxy, Url, redirect};

use super::Error;

/// Shorter than the idle timeouts of common servers and load balancers: an event sent into a
/// connection that is just being closed is lost or doubled.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Whether the crate was built with TLS.
pub(super) const HAS_TLS: bool = cfg!(any(feature = "rustls", feature = "native-tls"));

/// The settings that only apply to an HTTP client of our own.
#[derive(Default)]
pub(super) struct HttpSettings {
    pub(super) connect_timeout: Option<Duration>,
    pub(super) proxy: Option<String>,
    pub(super) root_certificates: Vec<Vec<u8>>,
}

impl HttpSettings {
    /// Returns the method of the builder that set one of these, if one did.
    pub(super) fn first_set(&self) -> Option<&'static str> {
        if !self.root_certificates.is_empty() {
            return Some("root_certificate");
        }
        if self.proxy.is_some() {
            return Some("proxy");
        }
        self.connect_timeout.map(|_| "connect_timeout")
    }

    /// Builds the HTTP client for a server.
    pub(super) fn build(&self, base_url: &Url) -> Result<reqwest::Client, Error> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("aifi-push/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.connect_timeout.unwrap_or(Duration::from_secs(5)))
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            // A POST that follows a 302 becomes a GET, and its body is lost.
            .redirect(redirect::Policy::none())
            // Each of these would add a header if another crate enables the feature of reqwest.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate();
        #[cfg(feature = "rustls")]
        let http = http.tls_backend_rustls();
        #[cfg(all(feature = "native-tls", not(feature = "rustls")))]
        let http = http.tls_backend_native();
        let http = trust(http, &self.root_certificates)?;
        let http = match &self.proxy {
            Some(url) => http.proxy(proxy(url)?),
            // The proxy of the environment would see the token. Of https it sees an encrypted
            // tunnel.
            None if base_url.scheme() == "http" => http.no_proxy(),
            None => http,
        };
        http.build()
            .map_err(|source| configuration("tls", "the HTTP client failed to start", source))
    }
}

/// Parses the URL of a proxy. The errors leave it out, as it may contain credentials.
fn proxy(text: &str) -> Result<Proxy, Error> {
    const SETTING: &str = "proxy";
    let invalid = "invalid proxy URL: expected a URL such as http://proxy.example:3128";
    let url = Url::parse(text).map_err(|source| Error::Configuration {
        setting: SETTING,
        reason: invalid.into(),
        source: Some(source.into()),
    })?;
    match url.scheme() {
        "http" => {}
        "https" if HAS_TLS => {}
        "https" => {
            return Err(Error::configuration(
                SETTING,
                "an https proxy requires the feature `rustls` or `native-tls` of aifi-push",
            ));
        }
        _ => {
            return Err(Error::configuration(
                SETTING,
                "unsupported scheme: expected http or https, as in http://proxy.example:3128",
            ));
        }
    }
    Proxy::all(url).map_err(|source| configuration(SETTING, invalid, source))
}

/// Adds root certificates to those of the platform.
#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn trust(
    mut http: reqwest::ClientBuilder,
    pems: &[Vec<u8>],
) -> Result<reqwest::ClientBuilder, Error> {
    const SETTING: &str = "root_certificate";
    for pem in pems {
        let parsed = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|source| configuration(SETTING, "invalid certificate in the PEM", source))?;
        if parsed.is_empty() {
            return Err(Error::configuration(
                SETTING,
                "no certificate in the PEM: expected `-----BEGIN CERTIFICATE-----`",
            ));
        }
        http = http.tls_certs_merge(parsed);
    }
    Ok(http)
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn trust(http: reqwest::ClientBuilder, pems: &[Vec<u8>]) -> Result<reqwest::ClientBuilder, Error> {
    match pems {
        [] => Ok(http),
        _ => Err(Error::configuration(
            "root_certificate",
            "root certificates require the feature `rustls` or `native-tls` of aifi-push",
        )),
    }
}

fn configuration(
    setting: &'static str,
    reason: impl Into<Cow<'static, str>>,
    source: reqwest::Error,
) -> Error {
    Error::Configuration {
        setting,
        reason: reason.into(),
        source: Some(source.without_url().into()),
    }
}
