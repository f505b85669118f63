//! The inbox of many machines: streams of NATS JetStream.
//!
//! Events are in one stream, each under a subject of its own, so that one is stored once however often
//! it is published. [`subscription`] says how they are delivered, `docs/architecture.md` in which
//! order messages are written.

mod admin;
mod append;
mod audit;
mod connection;
mod credentials;
mod fetch;
mod list;
mod message;
mod pause;
mod records;
mod retention;
mod stats;
mod streams;
mod subject;
mod subscription;

use std::{fmt, path::PathBuf, sync::Arc};

use async_nats::jetstream::Context;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use streams::Streams;
use tokio::{sync::OnceCell, time::timeout};
use uuid::Uuid;

use crate::{
    audit::AuditEntry,
    consumer_name::ConsumerName,
    deadlines::JETSTREAM_LAZY_START,
    error::{AdminError, AppendError, BoxError, OpenError, SubscribeError},
    error_chain::ErrorChain,
    event::NewEvent,
    inbox::{Admin, Append, Subscribe, SubscribeOptions, Subscribed},
    retention::{Pruned, Retention},
    stats::InboxStats,
    stored::{EventFilter, Position, StoredEvent},
};

/// An [`Inbox`](crate::Inbox) on NATS JetStream, for receivers on many machines.
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
/// use aifi_push_inbox::JetStreamInbox;
///
/// # async fn run() -> Result<(), aifi_push_inbox::OpenError> {
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
/// - If an [`append`](Append::append) of several events fails, some of them may be stored.
/// - [`InboxStats::bytes`], [`Pruned::bytes`] and [`Retention::max_bytes`] count what the brokers store
///   for an event, on each replica, and not the body alone.
/// - [`prune`](Admin::prune) goes from the oldest on, and ends at the first that has to stay. A dead
///   letter stays for its consumer alone; one that is created later does not receive the event.
/// - A quarantined event that is requeued moves to the end of the order.
/// - [`replay`](Admin::replay) does not see whether the first delivery of an event is in flight; the
///   event is then delivered once more.
/// - [`pause_consumer`](Admin::pause_consumer) takes a second, until each subscription has looked.
/// - Recorded [`actions`](Admin::actions) are forgotten after a year.
#[derive(Clone)]
pub struct JetStreamInbox {
    context: Context,
    /// The URL without credentials, for errors.
    name: Arc<str>,
    wanted: Arc<Wanted>,
    streams: Arc<OnceCell<Streams>>,
}

/// How the streams are to be set up.
#[derive(Debug)]
struct Wanted {
    replicas: usize,
    max_bytes: Option<u64>,
    /// Whether streams that are missing are created.
    may_create: bool,
}

/// Configures and opens a [`JetStreamInbox`].
#[must_use = "a builder does nothing until `open` is called"]
pub struct JetStreamInboxBuilder {
    servers: String,
    credentials: Option<PathBuf>,
    root_certificates: Option<PathBuf>,
    replicas: usize,
    max_bytes: Option<u64>,
}

impl JetStreamInbox {
    /// Configures an inbox on the brokers of a URL: `nats://HOST[:PORT],…`, or `tls://…` to require
    /// TLS, with `USER:PASSWORD@` before the first host if they ask for it. Any of them leads to the
    /// others.
    pub fn builder(servers: impl Into<String>) -> JetStreamInboxBuilder {
        JetStreamInboxBuilder {
            servers: servers.into(),
            credentials: None,
            root_certificates: None,
            replicas: 3,
            max_bytes: None,
        }
    }

    /// The streams, which are created or checked at the first use.
    async fn prepared(&self) -> Result<&Streams, OpenError> {
        let prepare = || streams::prepare(&self.context, &self.wanted, &self.name);
        self.streams.get_or_try_init(prepare).await
    }

    async fn streams(&self) -> Result<&Streams, BoxError> {
        Ok(self.prepared().await?)
    }

    fn failed(&self, action: &'static str) -> impl Fn(BoxError) -> AdminError + use<'_> {
        move |source| AdminError::failed(&*self.name, action, source)
    }
}

impl JetStreamInboxBuilder {
    /// Sets a file of credentials, as `nsc` writes it. It is read anew for each connection.
    pub fn credentials_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.credentials = Some(path.into());
        self
    }

    /// Sets a PEM file of certificates to trust instead of those of the platform.
    pub fn root_certificates(mut self, path: impl Into<PathBuf>) -> Self {
        self.root_certificates = Some(path.into());
        self
    }

    /// Sets on how many brokers each event is stored. Defaults to 3: one of them may fail.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// Sets how large the stream of events may become on each replica, in bytes. More is refused.
    /// Defaults to no limit of its own: then the `max_file_store` of the brokers applies.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Connects, creates the streams that are missing, and checks those that exist.
    ///
    /// # Errors
    ///
    /// [`OpenError::Configuration`] names the setting that is wrong, here or of a stream;
    /// [`OpenError::Unavailable`] if no broker answers or accepts the credentials.
    pub async fn open(self) -> Result<JetStreamInbox, OpenError> {
        let inbox = self.connect(true).await?;
        inbox.prepared().await?;
        Ok(inbox)
    }

    /// Opens an existing inbox for administration: creates nothing, and accepts the streams as they
    /// are.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and [`OpenError::Unavailable`] if there is no inbox.
    pub async fn open_existing(self) -> Result<JetStreamInbox, OpenError> {
        let inbox = self.connect(false).await?;
        inbox.prepared().await?;
        Ok(inbox)
    }

    /// Connects like [`open`](Self::open), but if no broker answers, keeps trying in the background.
    /// Until one answers, every call fails: for an inbox with a spool in front of it.
    ///
    /// # Errors
    ///
    /// [`OpenError::Configuration`], and [`OpenError::Unavailable`] if a broker answers and does not
    /// accept the credentials.
    pub async fn connect_lazy(self) -> Result<JetStreamInbox, OpenError> {
        let inbox = self.connect_in_background().await?;
        match timeout(JETSTREAM_LAZY_START, inbox.prepared()).await {
            Ok(Err(error @ OpenError::Configuration { .. })) => return Err(error),
            Ok(Err(error)) => tracing::warn!(error = %ErrorChain(&error), "no broker is ready yet"),
            Err(_) => tracing::warn!("no broker is ready yet"),
            Ok(Ok(_)) => {}
        }
        Ok(inbox)
    }
}

#[async_trait]
impl Append for JetStreamInbox {
    async fn append(&self, events: Vec<NewEvent>) -> Result<(), AppendError> {
        let failed = |source: BoxError| AppendError::failed(&*self.name, source);
        self.streams().await.map_err(failed)?;
        append::append(&self.context, events).await.map_err(failed)
    }

    async fn probe(&self) -> Result<(), AppendError> {
        let failed = |source: BoxError| AppendError::failed(&*self.name, source);
        let streams = self.streams().await.map_err(failed)?;
        append::probe(&self.context, streams).await.map_err(failed)
    }

    fn max_body_bytes(&self) -> Option<usize> {
        connection::max_body_bytes(&self.context.client())
    }
}

#[async_trait]
impl Subscribe for JetStreamInbox {
    async fn subscribe(
        &self,
        name: &ConsumerName,
        options: SubscribeOptions,
    ) -> Result<Subscribed, SubscribeError> {
        subscription::subscribe(self, name, options).await
    }
}

#[async_trait]
impl Admin for JetStreamInbox {
    async fn list(
        &self,
        filter: &EventFilter,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, AdminError> {
        let failed = self.failed("listing events");
        let streams = self.streams().await.map_err(&failed)?;
        let listed = list::list(streams, filter, after, limit).await;
        listed.map_err(failed)
    }

    async fn list_newest(
        &self,
        filter: &EventFilter,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, AdminError> {
        let failed = self.failed("listing events");
        let streams = self.streams().await.map_err(&failed)?;
        let listed = list::list_newest(streams, filter, before, limit).await;
        listed.map_err(failed)
    }

    async fn newest(&self) -> Result<Option<Position>, AdminError> {
        let failed = self.failed("finding the newest event");
        let streams = self.streams().await.map_err(&failed)?;
        let info = streams.events.get_info().await;
        let info = info.map_err(|error| failed(error.into()))?;
        Ok(Some(Position::new(info.state.last_sequence)))
    }

    async fn stats(&self) -> Result<InboxStats, AdminError> {
        let failed = self.failed("counting events");
        let streams = self.streams().await.map_err(&failed)?;
        stats::stats(streams).await.map_err(failed)
    }

    async fn requeue(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        let failed = self.failed("requeuing events");
        let streams = self.streams().await.map_err(&failed)?;
        let requeued = admin::requeue(&self.context, streams, ids).await;
        requeued.map_err(failed)
    }

    async fn replay(
        &self,
        consumer: &ConsumerName,
        events: Vec<(Uuid, DateTime<Utc>)>,
    ) -> Result<u64, AdminError> {
        let failed = self.failed("replaying events");
        let streams = self.streams().await.map_err(&failed)?;
        let replayed = admin::replay(&self.context, streams, consumer, events).await;
        replayed.map_err(failed)
    }

    async fn discard(&self, id: Uuid) -> Result<(), AdminError> {
        let failed = self.failed("discarding an event");
        let streams = self.streams().await.map_err(&failed)?;
        let found = admin::discard(streams, id).await.map_err(failed)?;
        found.then_some(()).ok_or(AdminError::NoSuchEvent { id })
    }

    async fn discard_quarantined(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        let failed = self.failed("discarding quarantined events");
        let streams = self.streams().await.map_err(&failed)?;
        let subjects = ids.into_iter().map(subject::quarantined_with);
        let discarded = admin::delete_last(&streams.events, subjects).await;
        discarded.map_err(failed)
    }

    async fn discard_dead_letters(
        &self,
        consumer: &ConsumerName,
        ids: Vec<Uuid>,
    ) -> Result<u64, AdminError> {
        let failed = self.failed("discarding dead letters");
        let streams = self.streams().await.map_err(&failed)?;
        let letters = ids
            .into_iter()
            .map(|id| subject::dead_with(consumer.as_str(), id));
        let discarded = admin::delete_last(&streams.dead, letters).await;
        discarded.map_err(failed)
    }

    async fn erase(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        let failed = self.failed("erasing events");
        let streams = self.streams().await.map_err(&failed)?;
        admin::erase(streams, ids).await.map_err(failed)
    }

    async fn prune(&self, retention: &Retention) -> Result<Pruned, AdminError> {
        let failed = self.failed("deleting events");
        let streams = self.streams().await.map_err(&failed)?;
        let pruned = retention::prune(streams, retention).await;
        pruned.map_err(failed)
    }

    async fn pause_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        let failed = self.failed("pausing a consumer");
        let streams = self.streams().await.map_err(&failed)?;
        let found = admin::set_paused(streams, name, true).await;
        found_consumer(name, found.map_err(failed)?)
    }

    async fn resume_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        let failed = self.failed("resuming a consumer");
        let streams = self.streams().await.map_err(&failed)?;
        let found = admin::set_paused(streams, name, false).await;
        found_consumer(name, found.map_err(failed)?)
    }

    async fn remove_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        let failed = self.failed("removing a consumer");
        let streams = self.streams().await.map_err(&failed)?;
        let found = admin::remove_consumer(streams, name).await;
        found_consumer(name, found.map_err(failed)?)
    }

    async fn record_action(&self, entry: AuditEntry) -> Result<(), AdminError> {
        let failed = self.failed("recording an action");
        let streams = self.streams().await.map_err(&failed)?;
        let recorded = audit::record(&self.context, streams, &entry).await;
        recorded.map_err(failed)
    }

    async fn actions(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, AdminError> {
        let failed = self.failed("listing actions");
        let listed = audit::list(&self.context, before, limit).await;
        listed.map_err(failed)
    }
}

fn found_consumer(name: &ConsumerName, is_found: bool) -> Result<(), AdminError> {
    let name = name.to_string();
    is_found
        .then_some(())
        .ok_or(AdminError::NoSuchConsumer { name })
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
        // The URL may contain a password.
        f.debug_struct("JetStreamInboxBuilder")
            .field("replicas", &self.replicas)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}
