//! Where an inbox is, and how to open it.

mod file;

use std::{ffi::OsStr, fs, path::PathBuf, str::FromStr, sync::Arc};

use aifi_push_receiver::inbox::{Inbox, JetStreamInbox, JetStreamInboxBuilder, SqliteInbox};
use anyhow::{Context, Result};
use clap::{
    Arg, Command,
    builder::TypedValueParser,
    error::{Error, ErrorKind},
};
pub(crate) use file::file;

use crate::escape;

/// The heading in a help text of the options about the inbox.
pub(crate) const HEADING: &str = "Storage";

/// The inbox where nothing is said.
const DEFAULT: &str = "sqlite:events.db";

#[derive(clap::Args)]
pub(crate) struct Location {
    /// URL of the inbox: sqlite:FILE, or nats://HOST,… for brokers.
    ///
    /// The brokers need JetStream. tls://HOST,… requires TLS; USER:PASSWORD@ is before the first host.
    #[arg(
        long,
        global = true,
        help_heading = HEADING,
        value_name = "URL",
        env = "AIFI_PUSH_INBOX",
        // It may contain a password.
        hide_env_values = true,
        default_value = DEFAULT,
        value_parser = UrlParser
    )]
    pub(crate) inbox: Url,
    /// File of the credentials for the brokers, as nsc writes it.
    #[arg(long, global = true, help_heading = HEADING, value_name = "FILE")]
    nats_credentials: Option<PathBuf>,
    /// PEM file of the certificates to trust in brokers.
    ///
    /// Defaults to those of the platform.
    #[arg(long, global = true, help_heading = HEADING, value_name = "FILE")]
    nats_root_certificates: Option<PathBuf>,
}

/// An inbox by its URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Url {
    Sqlite(PathBuf),
    Nats(String),
}

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = match text.trim() {
            // As docker compose passes a variable that is not set.
            "" => DEFAULT,
            text => text,
        };
        let expected = "expected sqlite:FILE, nats://HOST,… or tls://HOST,…";
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(format!("{expected}: for a file, write sqlite:{text}"));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => file(rest).map(Self::Sqlite),
            "file" => file(text).map(Self::Sqlite),
            scheme @ ("nats" | "tls") if rest.starts_with("//") => {
                Ok(Self::Nats(format!("{scheme}:{rest}")))
            }
            scheme @ ("nats" | "tls") => {
                Err(format!("{expected}: write {scheme}:// before the host"))
            }
            // The rest may contain a password.
            _ => Err(expected.to_owned()),
        }
    }
}

/// Parses a URL, and repeats none in an error.
#[derive(Clone)]
struct UrlParser;

impl TypedValueParser for UrlParser {
    type Value = Url;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, value: &OsStr) -> Result<Url, Error> {
        let parsed = value.to_str().ok_or_else(|| "it is not UTF-8".to_owned());
        parsed.and_then(str::parse).map_err(|reason: String| {
            let text = format!("invalid URL for --inbox or AIFI_PUSH_INBOX: {reason}\n");
            Error::raw(ErrorKind::ValueValidation, text).with_cmd(command)
        })
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

    /// Opens it to look, and to change nothing.
    pub(crate) async fn open_read_only(&self) -> Result<Arc<dyn Inbox>> {
        Ok(match &self.inbox {
            Url::Sqlite(file) => Arc::new(SqliteInbox::open_read_only(file).await?),
            Url::Nats(_) => return self.open_existing().await,
        })
    }

    /// Checks that the files for the brokers can be read.
    pub(crate) fn check_files(&self) -> Result<()> {
        let files = [
            ("--nats-credentials", &self.nats_credentials),
            ("--nats-root-certificates", &self.nats_root_certificates),
        ];
        for (flag, file) in files {
            if let Some(file) = file {
                let opened = fs::File::open(file);
                opened.with_context(|| format!("{flag}: {}", escape::path(file)))?;
            }
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inbox_is_what_people_write() {
        for (text, expected) in [
            ("sqlite:events.db", "events.db"),
            ("SQLite:events.db", "events.db"),
            (" sqlite:events.db\n", "events.db"),
            ("", "events.db"),
            ("sqlite:/var/lib/events.db", "/var/lib/events.db"),
            ("sqlite:///var/lib/events.db", "/var/lib/events.db"),
            ("sqlite://events.db", "events.db"),
            ("sqlite://data/events.db", "data/events.db"),
            ("sqlite:./events.db", "./events.db"),
            ("sqlite:../events.db", "../events.db"),
            ("sqlite:file:here.db", "here.db"),
            ("sqlite:FILE:///var/events.db", "/var/events.db"),
            ("file:here.db", "here.db"),
            ("file:///var/events.db", "/var/events.db"),
            ("file://localhost/var/events.db", "/var/events.db"),
            ("sqlite:my events.db", "my events.db"),
            ("sqlite:100%.db", "100%.db"),
        ] {
            assert_eq!(text.parse(), Ok(Url::Sqlite(expected.into())), "{text}");
        }
        let home = std::env::home_dir().unwrap();
        assert_eq!(
            "sqlite:~/events.db".parse(),
            Ok(Url::Sqlite(home.join("events.db")))
        );
        for (text, expected) in [
            ("nats://a,b", "nats://a,b"),
            ("TLS://user:secret@a", "tls://user:secret@a"),
        ] {
            assert_eq!(text.parse(), Ok(Url::Nats(expected.to_owned())));
        }
    }

    #[test]
    fn what_would_be_another_file_is_refused_with_the_right_form() {
        let refused: Vec<_> = [
            "events.db",
            "./events.db",
            "sqlite",
            "sqlite:",
            "sqlite://",
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite:file::memory:?cache=shared",
            "sqlite:events.db?mode=ro",
            "file:events.db?mode=rwc",
            "sqlite:my%20events.db",
            "sqlite:data/",
            "sqlite:~root/events.db",
            "file://server/share/events.db",
            #[cfg(not(windows))]
            r"sqlite:C:\data\events.db",
            #[cfg(not(windows))]
            "sqlite:///C:/data/events.db",
            r#""sqlite:events.db""#,
            "sqlite3:events.db",
            "postgres://user:secret@host/events",
            "nats:host",
        ]
        .into_iter()
        .map(|text| format!("{text}\n    {}", text.parse::<Url>().unwrap_err()))
        .collect();
        let refused = refused.join("\n");
        assert!(
            !refused
                .replace("postgres://user:secret", "")
                .contains("secret")
        );
        insta::assert_snapshot!(refused, @r#"
        events.db
            expected sqlite:FILE, nats://HOST,… or tls://HOST,…: for a file, write sqlite:events.db
        ./events.db
            expected sqlite:FILE, nats://HOST,… or tls://HOST,…: for a file, write sqlite:./events.db
        sqlite
            expected sqlite:FILE, nats://HOST,… or tls://HOST,…: for a file, write sqlite:sqlite
        sqlite:
            the name of the file is missing: write sqlite:events.db
        sqlite://
            the name of the file is missing: write sqlite:events.db
        sqlite::memory:
            events in memory would be lost with the process: write sqlite:FILE
        sqlite://:memory:
            events in memory would be lost with the process: write sqlite:FILE
        sqlite:file::memory:?cache=shared
            events in memory would be lost with the process: write sqlite:FILE
        sqlite:events.db?mode=ro
            a file has no options here: write sqlite:events.db, or rename the file if `?` is in its name
        file:events.db?mode=rwc
            a file has no options here: write sqlite:events.db, or rename the file if `?` is in its name
        sqlite:my%20events.db
            %-encoding is not decoded: write the name of the file as it is, after sqlite:
        sqlite:data/
            a directory can't be an inbox: write sqlite:data/events.db
        sqlite:~root/events.db
            `~` is only known as ~/FILE: write the whole path
        file://server/share/events.db
            a file of another machine can't be an inbox: write sqlite:FILE
        sqlite:C:\data\events.db
            this is a path of Windows: write sqlite:/PATH/FILE
        sqlite:///C:/data/events.db
            this is a path of Windows: write sqlite:/PATH/FILE
        "sqlite:events.db"
            expected sqlite:FILE, nats://HOST,… or tls://HOST,…
        sqlite3:events.db
            expected sqlite:FILE, nats://HOST,… or tls://HOST,…
        postgres://user:secret@host/events
            expected sqlite:FILE, nats://HOST,… or tls://HOST,…
        nats:host
            expected sqlite:FILE, nats://HOST,… or tls://HOST,…: write nats:// before the host
        "#);
    }
}
