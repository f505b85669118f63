//! The inbox on many machines: streams of NATS JetStream.
//!
//! Events lie in one stream, each under a subject of its own, so that one is stored once however
//! often it is published. A consumer is a durable pull consumer of that stream. What JetStream can't
//! say of an event lies beside it: quarantined events, dead letters, and what failed at the last
//! attempt, each in a stream of its own ([`streams`]).

mod append;
mod beside;
mod connection;
mod consume;
mod fetch;
mod held;
mod list;
mod message;
mod operate;
mod retain;
mod stats;
mod streams;
mod subject;

use std::{collections::HashMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use async_nats::jetstream::Context;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use consume::Puller;
use streams::Streams;
use tokio::{
    sync::{Mutex, OnceCell},
    time::timeout,
};
use uuid::Uuid;

use crate::{
    Delivery, Entry, Error, Event, Filter, Inbox, Outcome, Position, Pruned, Receipt, Retention,
    Stats, chain::Chain, error::BoxError,
};

/// How many events may be on their way to the brokers, which store them together as they come.
const APPENDS: usize = 1024;

/// How long brokers that need not be there are waited for at the start.
const READY_WITHIN: Duration = Duration::from_secs(3);

/// An [`Inbox`] on NATS JetStream, for receivers on many machines.
///
/// An event is stored when the leader of the stream has acknowledged it, which it does when a
/// majority of the replicas has it. Whether a replica has it on disk by then is a setting of the
/// brokers, `sync_interval`: with `always` an event survives a crash of all machines, with the
/// default it survives the crash of any process and of a minority of the machines.
///
/// Any number of processes may receive into it and consume from it at the same time. Consumers of
/// one name share its events.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use aifi_push_receiver::JetStreamInbox;
///
/// # async fn run() -> Result<(), aifi_push_receiver::Error> {
/// let inbox = JetStreamInbox::builder("nats://nats-1,nats-2,nats-3")
///     .credentials_file("/etc/aifi-push/nats.creds")
///     .open()
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// What differs from [`SqliteInbox`](crate::SqliteInbox):
///
/// - Of an [`append`](Inbox::append) that fails, some events may be stored.
/// - A word that comes after its lease counts if it is [`Outcome::Done`]; any other is passed over.
/// - The name of a consumer consists of letters, digits, `-` and `_`.
/// - [`Stats::bytes`], [`Pruned::bytes`] and [`Retention::max_bytes`] count what the brokers store
///   for an event, on each replica, and not the body alone.
/// - [`prune`](Inbox::prune) goes from the oldest on, and ends at the first that has to stay.
/// - A quarantined event that is released moves to the end of the order.
#[derive(Clone)]
pub struct JetStreamInbox {
    context: Context,
    /// Where it is, for errors.
    name: Arc<str>,
    wanted: Arc<Wanted>,
    streams: Arc<OnceCell<Streams>>,
    pullers: Arc<Mutex<HashMap<String, Arc<Puller>>>>,
}

/// What the streams have to be like.
#[derive(Debug)]
struct Wanted {
    replicas: usize,
    max_bytes: Option<u64>,
    /// Whether streams that are missing are made.
    may_create: bool,
}

/// Opens a [`JetStreamInbox`].
#[must_use = "a builder does nothing until it is told to open"]
pub struct JetStreamInboxBuilder {
    servers: String,
    credentials: Option<PathBuf>,
    root_certificates: Option<PathBuf>,
    replicas: usize,
    max_bytes: Option<u64>,
}

impl JetStreamInbox {
    /// An inbox on the brokers of a URL: `nats://HOST[:PORT],…`, or `tls://…` to insist on TLS, with
    /// `USER:PASSWORD@` before the first host if they ask for it. Any of them leads to the others.
    pub fn builder(servers: impl Into<String>) -> JetStreamInboxBuilder {
        JetStreamInboxBuilder {
            servers: servers.into(),
            credentials: None,
            root_certificates: None,
            replicas: 3,
            max_bytes: None,
        }
    }

    /// The streams, which are made or checked at the first use.
    async fn streams(&self) -> Result<&Streams, Error> {
        let prepare = || streams::prepare(&self.context, &self.wanted, &self.name);
        self.streams.get_or_try_init(prepare).await
    }

    fn error(&self, action: &'static str, source: impl Into<BoxError>) -> Error {
        Error::Inbox {
            inbox: self.name.to_string(),
            action,
            source: source.into(),
        }
    }
}

impl JetStreamInboxBuilder {
    /// A file of credentials, as `nsc` writes it.
    pub fn credentials_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.credentials = Some(path.into());
        self
    }

    /// A PEM file of certificates to trust instead of those of the platform.
    pub fn root_certificates(mut self, path: impl Into<PathBuf>) -> Self {
        self.root_certificates = Some(path.into());
        self
    }

    /// On how many brokers each event lies. 3 unless set: one may die. With 1, the broker may not.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// How large the stream of events may become on each replica. More is refused. Without a bound
    /// of its own unless set: then the `max_file_store` of the brokers holds.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Connects, makes the streams that are missing, and checks those that are there.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] names the setting that is wrong, here or of a stream;
    /// [`Error::Inbox`] if no broker answers or lets us in.
    pub async fn open(self) -> Result<JetStreamInbox, Error> {
        let inbox = self.connect(true).await?;
        inbox.streams().await?;
        Ok(inbox)
    }

    /// Opens an inbox to look at it and to work on it: makes nothing, and takes the streams as they
    /// are.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and [`Error::Inbox`] if there is no inbox on the brokers.
    pub async fn open_beside(self) -> Result<JetStreamInbox, Error> {
        let inbox = self.connect(false).await?;
        inbox.streams().await?;
        Ok(inbox)
    }

    /// The same as [`open`](Self::open), but if no broker answers, goes on to ask them in the
    /// background. Until one answers every call fails. For what has a
    /// [spool](crate::SpooledInbox) in front of it.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`], and [`Error::Inbox`] if a broker answers and does not let us in.
    pub async fn open_lazily(self) -> Result<JetStreamInbox, Error> {
        let inbox = self.connect_lazily().await?;
        match timeout(READY_WITHIN, inbox.streams()).await {
            Ok(Err(error @ Error::Configuration { .. })) => return Err(error),
            Ok(Err(error)) => tracing::warn!(error = %Chain(&error), "no broker is ready yet"),
            Err(_) => tracing::warn!("no broker is ready yet"),
            Ok(Ok(_)) => {}
        }
        Ok(inbox)
    }
}

#[async_trait]
impl Inbox for JetStreamInbox {
    fn max_body_bytes(&self) -> Option<usize> {
        connection::max_body_bytes(&self.context.client())
    }

    fn appends_at_once(&self) -> usize {
        APPENDS
    }

    async fn append(&self, events: Vec<Event>) -> Result<(), Error> {
        let action = "storing events";
        self.streams().await?;
        let appended = append::append(&self.context, events).await;
        appended.map_err(|source| self.error(action, source))
    }

    async fn quarantine(&self, id: Uuid, problem: &str) -> Result<(), Error> {
        let streams = self.streams().await?;
        let found = operate::quarantine(&self.context, streams, id, problem).await;
        let found = found.map_err(|source| self.error("quarantining an event", source))?;
        found.then_some(()).ok_or(Error::NoSuchEvent { id })
    }

    async fn release(&self, id: Uuid) -> Result<(), Error> {
        let streams = self.streams().await?;
        let found = operate::release(&self.context, streams, id).await;
        let found = found.map_err(|source| self.error("releasing an event", source))?;
        found.then_some(()).ok_or(Error::NoSuchEvent { id })
    }

    async fn take(
        &self,
        consumer: &str,
        limit: usize,
        lease: Duration,
        wait: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        let streams = self.streams().await?;
        let puller = self.puller(streams, consumer, lease).await?;
        let taken = puller
            .take(&self.context, streams, limit, lease, wait)
            .await;
        if taken.is_err() {
            // It may be gone: then it is made anew.
            self.pullers.lock().await.remove(consumer);
        }
        taken.map_err(|source| self.error("handing out events", source))
    }

    async fn settle(&self, consumer: &str, outcomes: Vec<(Receipt, Outcome)>) -> Result<(), Error> {
        let streams = self.streams().await?;
        let settled = held::settle(&self.context, streams, consumer, outcomes).await;
        settled.map_err(|source| self.error("settling deliveries", source))
    }

    async fn redeliver(
        &self,
        consumer: &str,
        events: Vec<(Uuid, DateTime<Utc>)>,
    ) -> Result<usize, Error> {
        let streams = self.streams().await?;
        let count = operate::redeliver(&self.context, streams, consumer, events).await;
        count.map_err(|source| self.error("handing out events again", source))
    }

    async fn list(
        &self,
        filter: &Filter,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Entry>, Error> {
        let streams = self.streams().await?;
        let entries = list::list(streams, filter, after, limit).await;
        entries.map_err(|source| self.error("listing events", source))
    }

    async fn prune(&self, retention: &Retention) -> Result<Pruned, Error> {
        let streams = self.streams().await?;
        let pruned = retain::prune(streams, retention).await;
        pruned.map_err(|source| self.error("deleting events", source))
    }

    async fn stats(&self) -> Result<Stats, Error> {
        let streams = self.streams().await?;
        let stats = stats::stats(streams).await;
        stats.map_err(|source| self.error("counting events", source))
    }

    async fn probe(&self) -> Result<(), Error> {
        let streams = self.streams().await?;
        let probed = append::probe(&self.context, streams).await;
        probed.map_err(|source| self.error("writing a probe", source))
    }
}

impl fmt::Debug for JetStreamInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamInbox")
            .field("servers", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for JetStreamInboxBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("JetStreamInboxBuilder")
            .field("replicas", &self.replicas)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}
