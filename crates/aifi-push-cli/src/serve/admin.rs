//! The operator's page of `serve`.

use std::path::PathBuf;

use aifi_push_receiver::{AdminSettings, FiguresHistory, Listener, Receiver, Tokens};
use anyhow::{Context, Result, bail};
use axum::Router;

use super::{
    listen,
    reload::{ReloadedTokens, Watch},
};
use crate::tokens::{TokenOption, TokenSource};

const TOKENS: TokenOption = TokenOption {
    flag: "--admin-token-file",
    variable: "AIFI_PUSH_ADMIN_TOKEN",
    without: Some("--admin-listen unix:PATH"),
};

const READ_TOKENS: TokenOption = TokenOption {
    flag: "--admin-read-token-file",
    variable: "AIFI_PUSH_ADMIN_READ_TOKEN",
    without: None,
};

#[derive(clap::Args)]
#[command(next_help_heading = "Operator's page")]
pub(super) struct AdminOptions {
    /// Address of the operator's page, such as 127.0.0.1:8081.
    ///
    /// Whoever has the admin token can look at each event and act there. On a Unix socket, such as
    /// unix:/run/aifi-push/admin.sock, owner and group of its file may connect, and no token is needed.
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<String>,
    /// File of the tokens to sign in with at the operator's page, one on each line.
    ///
    /// Defaults to AIFI_PUSH_ADMIN_TOKEN of the environment. A changed file is noticed.
    #[arg(long, value_name = "FILE", requires = "admin_listen")]
    admin_token_file: Option<PathBuf>,
    /// File of the tokens to look at the operator's page with.
    ///
    /// They show figures, stores, consumers and causes of problems, no event and no visit, and change
    /// nothing. Defaults to AIFI_PUSH_ADMIN_READ_TOKEN of the environment.
    #[arg(long, value_name = "FILE", requires = "admin_listen")]
    admin_read_token_file: Option<PathBuf>,
}

/// The length below which somebody could guess a token.
const SHORT_TOKEN: usize = 16;

/// A page that is listened for, and not served yet.
pub(super) struct AdminPage {
    pub(super) listeners: Vec<Listener>,
    pub(super) router: Router,
    pub(super) url: String,
}

/// Who may see the page, and what is read again when it changes.
pub(super) struct Access {
    settings: AdminSettings,
    /// The figures of the last hour, which the page shows, and somebody is to record.
    pub(super) history: FiguresHistory,
    pub(super) tokens: Vec<ReloadedTokens>,
}

impl Access {
    fn new(settings: AdminSettings, tokens: Vec<ReloadedTokens>) -> Self {
        let history = FiguresHistory::default();
        Self {
            settings: settings.history(history.clone()),
            history,
            tokens,
        }
    }

    /// Each list of tokens, and what names it.
    pub(super) fn lists(&self) -> impl Iterator<Item = (&'static str, Tokens)> {
        let tokens = self.tokens.iter();
        tokens.map(|list| (list.option, list.tokens.clone()))
    }
}

impl AdminOptions {
    /// Reads the tokens, or returns `None` if there is no page. None of them is to be one of `webhook`.
    pub(super) fn access(&self, webhook: (&'static str, &Tokens)) -> Result<Option<Access>> {
        let Some(address) = &self.admin_listen else {
            return Ok(None);
        };
        let is_without_token = address.starts_with("unix:")
            && self.admin_token_file.is_none()
            && !TOKENS.is_in_environment();
        if is_without_token {
            let read_token = match &self.admin_read_token_file {
                Some(_) => Some(READ_TOKENS.flag),
                None => READ_TOKENS
                    .is_in_environment()
                    .then_some(READ_TOKENS.variable),
            };
            if let Some(read_token) = read_token {
                bail!(
                    "{read_token}: without an admin token, everyone who reaches the socket may act: use \
                     --admin-token-file as well"
                );
            }
            return Ok(Some(Access::new(
                AdminSettings::without_sign_in(),
                Vec::new(),
            )));
        }
        let mut all = read(self.admin_token_file.as_ref(), &TOKENS).context("--admin-listen")?;
        let (option, webhook) = webhook;
        all.keep_apart_from(option, webhook)?;
        let mut settings = AdminSettings::new(all.tokens.clone());
        let mut tokens = Vec::new();
        if self.admin_read_token_file.is_some() || READ_TOKENS.is_in_environment() {
            let mut read = read(self.admin_read_token_file.as_ref(), &READ_TOKENS)?;
            read.keep_apart_from(option, webhook)?;
            read.keep_apart_from(TOKENS.flag, &all.tokens)?;
            all.keep_apart_from(READ_TOKENS.flag, &read.tokens)?;
            settings = settings.read_tokens(read.tokens.clone());
            tokens.push(read);
        }
        tokens.push(all);
        Ok(Some(Access::new(settings, tokens)))
    }

    /// Listens for those whom the settings let in.
    pub(super) async fn listen(&self, access: &Access, receiver: &Receiver) -> Result<AdminPage> {
        let address = self.admin_listen.as_deref().unwrap_or_default();
        let listeners = match address.strip_prefix("unix:") {
            Some(path) => bind_private(address, path).await,
            None => Listener::bind(address).await.map_err(Into::into),
        };
        let listeners = listeners.context("--admin-listen")?;
        let is_local = |listener: &Listener| {
            let address = listener.address();
            address.is_none_or(|address| address.ip().is_loopback())
        };
        if !listeners.iter().all(is_local) {
            tracing::warn!(
                "the operator's page is reachable from other machines, and has no TLS: put a proxy that \
                 has in front of it, or listen on 127.0.0.1"
            );
        }
        let url = listeners.first();
        let url = url.map(|listener| listen::origin("http", address, listener));
        Ok(AdminPage {
            listeners,
            router: receiver.admin_router(access.settings.clone()),
            url: url.unwrap_or_default(),
        })
    }
}

fn read(file: Option<&PathBuf>, option: &'static TokenOption) -> Result<ReloadedTokens> {
    // Before it is read, so that a change in between is noticed.
    let watch = Watch::new(file);
    let source = TokenSource::new(file.cloned(), option)?;
    let read = source.read()?;
    if read.iter().any(|token| token.len() < SHORT_TOKEN) {
        let option = option.flag;
        tracing::warn!(
            option,
            "a token is short enough to be guessed: use `openssl rand -hex 32`"
        );
    }
    let tokens = Tokens::new(read)?;
    Ok(ReloadedTokens {
        option: option.flag,
        tokens,
        source,
        watch,
        others: Vec::new(),
        has_failed: false,
    })
}

/// Listens on a Unix socket that owner and group may connect to, and nobody else, whatever the umask is.
#[cfg(unix)]
async fn bind_private(address: &str, path: &str) -> Result<Vec<Listener>> {
    use std::{
        fs::{Permissions, set_permissions},
        os::unix::fs::PermissionsExt,
    };

    use rustix::{fs::Mode, process::umask};

    // Whoever connects before the permissions are changed stays connected.
    let before = umask(Mode::from_raw_mode(0o177));
    let listeners = Listener::bind(address).await;
    umask(before);
    let listeners = listeners?;
    set_permissions(path, Permissions::from_mode(0o660))?;
    Ok(listeners)
}

#[cfg(not(unix))]
async fn bind_private(address: &str, _: &str) -> Result<Vec<Listener>> {
    Ok(Listener::bind(address).await?)
}
