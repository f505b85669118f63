//! Where the figures are read.

use std::{path::PathBuf, time::Duration};

use aifi_push_receiver::FiguresReport;
use anyhow::{Context, Result, anyhow, bail};
use reqwest::{Client, StatusCode, Url, redirect};
use tokio::time::sleep;

use crate::{
    escape,
    tokens::{TokenOption, TokenSource},
};

const TOKEN: TokenOption = TokenOption {
    flag: "--token-file",
    variable: "AIFI_PUSH_ADMIN_TOKEN",
    without: None,
};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The operator's server of a receiver.
pub(super) struct Source {
    client: Client,
    /// As it was given.
    address: String,
    url: Url,
    token: Option<TokenSource>,
}

impl Source {
    pub(super) fn new(address: &str, token_file: Option<PathBuf>) -> Result<Self> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(TIMEOUT);
        let invalid = || {
            let address = escape::line(address);
            format!("--url {address}: expected a URL such as http://127.0.0.1:8081, or unix:PATH")
        };
        let socket = address.strip_prefix("unix:");
        // Who may open the socket needs no token.
        let token = if socket.is_some() && token_file.is_none() && !TOKEN.is_in_environment() {
            None
        } else {
            Some(TokenSource::new(token_file, &TOKEN)?)
        };
        let (client, url) = match socket {
            #[cfg(unix)]
            Some(path) => (client.unix_socket(path), "http://localhost"),
            #[cfg(not(unix))]
            Some(_) => bail!("--url: this system has no Unix sockets"),
            None if address.starts_with("http://") => (client.no_proxy(), address),
            None if address.starts_with("https://") => (client, address),
            None => bail!(invalid()),
        };
        let url = format!("{}/figures", url.trim_end_matches('/'));
        Ok(Self {
            client: client.build()?,
            address: escape::line(address).into_owned(),
            url: url.parse().with_context(invalid)?,
            token,
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.address
    }

    pub(super) async fn read_after(&self, time: Duration) -> Result<FiguresReport> {
        sleep(time).await;
        self.read().await
    }

    /// Reads the figures of now and of the last hour.
    pub(super) async fn read(&self) -> Result<FiguresReport> {
        let mut request = self.client.get(self.url.clone());
        if let Some(token) = &self.token {
            // Anew, as it may have been replaced.
            request = request.bearer_auth(token.first()?);
        }
        // The URL is known.
        let answer = request.send().await.map_err(reqwest::Error::without_url);
        let answer = answer.context("no answer")?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                bail!("the token is not accepted: use that of `serve --admin-token-file`")
            }
            StatusCode::NOT_FOUND => {
                bail!("no figures there: use the address of `serve --admin-listen`")
            }
            status => bail!("the answer has status {}", status.as_u16()),
        }
        let body = answer.bytes().await.map_err(reqwest::Error::without_url)?;
        // Without the cause, which may quote the answer.
        serde_json::from_slice(&body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            anyhow!("the answer has no figures at line {line}, column {column}")
        })
    }
}
