//! Where an inbox is, and how to open it.

use std::{path::PathBuf, str::FromStr, sync::Arc};

use aifi_push_receiver::inbox::{Inbox, JetStreamInbox, JetStreamInboxBuilder, SqliteInbox};
use anyhow::Result;

#[derive(clap::Args)]
pub(crate) struct Location {
    /// URL of the inbox: sqlite:FILE, or nats://HOST,… for brokers with JetStream, tls://HOST,… to
    /// require TLS, with USER:PASSWORD@ before the first host.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "AIFI_PUSH_INBOX",
        // It may contain a password.
        hide_env_values = true,
        default_value = "sqlite:events.db"
    )]
    pub(crate) inbox: Url,
    /// File of the credentials for the brokers, as nsc writes it.
    #[arg(long, global = true, value_name = "FILE")]
    nats_credentials: Option<PathBuf>,
    /// PEM file of the certificates to trust in brokers, instead of those of the platform.
    #[arg(long, global = true, value_name = "FILE")]
    nats_root_certificates: Option<PathBuf>,
}

/// An inbox by its URL.
#[derive(Clone)]
pub(crate) enum Url {
    Sqlite(PathBuf),
    Nats(String),
}

impl FromStr for Url {
    type Err = &'static str;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        match url.split_once(':') {
            Some(("sqlite", file)) if !file.is_empty() => Ok(Self::Sqlite(file.into())),
            Some(("nats" | "tls", hosts)) if hosts.starts_with("//") => {
                Ok(Self::Nats(url.to_owned()))
            }
            _ => Err("invalid inbox URL: expected sqlite:FILE, nats://HOST,… or tls://HOST,…"),
        }
    }
}

impl Location {
    /// Opens it for administration.
    pub(crate) async fn open_existing(&self) -> Result<Arc<dyn Inbox>> {
        Ok(match &self.inbox {
            Url::Sqlite(file) => Arc::new(SqliteInbox::open_existing(file).await?),
            Url::Nats(servers) => Arc::new(self.jetstream(servers).open_existing().await?),
        })
    }

    pub(crate) fn jetstream(&self, servers: &str) -> JetStreamInboxBuilder {
        let mut builder = JetStreamInbox::builder(servers);
        if let Some(file) = &self.nats_credentials {
            builder = builder.credentials_file(file);
        }
        if let Some(file) = &self.nats_root_certificates {
            builder = builder.root_certificates(file);
        }
        builder
    }
}
