//! The inbox to receive into.

use std::{path::PathBuf, sync::Arc};

use aifi_push_receiver::inbox::{Inbox, SpooledInbox, SqliteInbox};
use anyhow::{Result, ensure};
use bytesize::ByteSize;

use crate::location::{self, Location, Url};

#[derive(clap::Args)]
#[command(next_help_heading = location::HEADING)]
pub(super) struct Store {
    #[command(flatten)]
    location: Location,
    /// On how many brokers each event is stored.
    ///
    /// With 3, one of them may fail.
    #[arg(long, value_name = "BROKERS", default_value_t = 3)]
    nats_replicas: usize,
    /// How large the stream of events may become on each broker.
    ///
    /// More is answered with 503. Defaults to the `max_file_store` of the brokers.
    #[arg(long, value_name = "SIZE")]
    nats_max_bytes: Option<ByteSize>,
    /// SQLite file for events while no broker stores them.
    ///
    /// They are on disk, so they are acknowledged, and moved in order when a broker is back. Without
    /// it, such requests are answered with 503.
    #[arg(long, value_name = "FILE", value_parser = spool_file)]
    spool: Option<PathBuf>,
}

/// A file by its name, or by the URL by which `inbox --inbox` finds it.
fn spool_file(text: &str) -> Result<PathBuf, String> {
    match text.split_at_checked(7) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("sqlite:") => location::file(rest),
        _ => Ok(text.into()),
    }
}

/// An open inbox, and the spool in front of it.
pub(super) struct Opened {
    pub(super) inbox: Arc<dyn Inbox>,
    pub(super) spooled: Option<Arc<SpooledInbox>>,
}

impl Store {
    /// Checks what does not need an inbox.
    pub(super) fn check(&self) -> Result<()> {
        if matches!(self.location.inbox, Url::Sqlite(_)) {
            ensure!(
                self.spool.is_none(),
                "--spool is for an inbox on brokers: an inbox of sqlite: is on this disk itself"
            );
        }
        self.location.check_files()
    }

    pub(super) async fn open(&self) -> Result<Opened> {
        self.check()?;
        let servers = match &self.location.inbox {
            Url::Sqlite(file) => {
                let inbox = Arc::new(SqliteInbox::open(file).await?);
                return Ok(Opened {
                    inbox,
                    spooled: None,
                });
            }
            Url::Nats(servers) => servers,
        };
        let mut builder = self.location.jetstream(servers);
        builder = builder.replicas(self.nats_replicas);
        if let Some(size) = self.nats_max_bytes {
            builder = builder.max_bytes(size.as_u64());
        }
        let Some(spool) = &self.spool else {
            let inbox = Arc::new(builder.open().await?);
            return Ok(Opened {
                inbox,
                spooled: None,
            });
        };
        let spool = SqliteInbox::open(spool).await?;
        let inbox = Arc::new(builder.connect_lazy().await?);
        let spooled = Arc::new(SpooledInbox::new(inbox, spool).await?);
        Ok(Opened {
            inbox: spooled.clone(),
            spooled: Some(spooled),
        })
    }
}
