//! `serve`: the receiver as a server of its own.

mod forward;
mod logging;
mod retention;
mod signals;
mod store;
mod supervisor;

use std::{path::PathBuf, sync::Arc, time::Duration};

use aifi_push_receiver::{Receiver, Server, Tokens, inbox::Inbox};
use anyhow::{Context, Result};
use axum::Router;
use bytesize::ByteSize;
use supervisor::Supervisor;
use tokio_util::sync::CancellationToken;

use crate::{Outcome, output, tokens::TokenSource};

/// The variable that contains the tokens where no file is given.
const TOKENS: &str = "AIFI_PUSH_TOKEN";

/// Receive events, and store each durably before it is acknowledged.
///
/// Prints the URL to configure at the vendor's, and ends on Ctrl-C or SIGTERM when what is in flight
/// is stored. SIGHUP reloads the tokens. `/livez`, `/readyz` and `/metrics` expose health and
/// metrics.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Address to listen on. Port 0 chooses a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Address for health and metrics alone, such as 127.0.0.1:9090. Without it, they are on the
    /// address of the events.
    #[arg(long, value_name = "ADDRESS")]
    status_listen: Option<String>,
    /// Path below which events arrive: with /webhook, at /webhook/left.
    #[arg(long, value_name = "PATH", default_value = "/webhook")]
    base_path: String,
    #[command(flatten)]
    store: store::Store,
    /// File of the bearer tokens to accept, one on each line. Defaults to AIFI_PUSH_TOKEN of the
    /// environment.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Accept requests without a token: whoever reaches the address can store events.
    #[arg(long, conflicts_with = "token_file")]
    dangerously_accept_anyone: bool,
    /// PEM file of the certificate chain, to serve TLS.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file of the private key.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Deliver each event, byte for byte, to another service: `left` to URL/left. An event that it
    /// does not accept is redelivered 15 times over more than an hour, then it is a dead letter of
    /// the consumer `forward`.
    #[arg(long, value_name = "URL")]
    forward: Option<String>,
    /// File of the bearer token for that service. Defaults to AIFI_PUSH_FORWARD_TOKEN of the
    /// environment.
    #[arg(long, value_name = "FILE", requires = "forward")]
    forward_token_file: Option<PathBuf>,

    /// Delete events after this time, such as 90d, when every consumer acknowledged them.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    keep_for: Option<Duration>,
    /// Delete the oldest events that every consumer acknowledged beyond this size, such as 10GiB.
    #[arg(long, value_name = "SIZE")]
    keep_bytes: Option<ByteSize>,

    /// Status for an event that is stored although it fails to decode. 202 is for a sender that would
    /// stop sending after a 4xx.
    #[arg(long, value_name = "STATUS", default_value_t = 422)]
    quarantined_status: u16,
    /// Largest body. A broker accepts 1 MiB by default, headers included.
    #[arg(long, value_name = "SIZE", default_value = "1020KiB")]
    max_body: ByteSize,
    /// How many events may wait to be stored; more are answered with 503.
    #[arg(long, value_name = "EVENTS", default_value_t = 10_000)]
    max_queued: usize,
    /// How large they may be together.
    #[arg(long, value_name = "SIZE", default_value = "64MiB")]
    max_queued_bytes: ByteSize,
    /// How many connections there may be at a time; others wait.
    #[arg(long, value_name = "CONNECTIONS", default_value_t = 1024)]
    max_connections: usize,
    /// How long the headers of a request, or a TLS handshake, may take.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    header_timeout: Duration,
    /// How long a body may take.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    body_timeout: Duration,
    /// How long requests in flight may take when it is to stop.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    stop_within: Duration,

    #[command(flatten)]
    logging: logging::Logging,
}

pub(crate) async fn run(options: Options) -> Outcome {
    options.logging.start();
    let source = TokenSource::new(options.token_file.clone(), TOKENS);
    let tokens = if options.dangerously_accept_anyone {
        tracing::warn!(
            "requests without a token are accepted: whoever reaches this can store events"
        );
        Tokens::dangerously_accept_anyone()
    } else {
        Tokens::new(source.read()?)?
    };
    let forward = options.forward_client()?;
    let store::Opened { inbox, spooled } = options.store.open().await?;
    let receiver = options.receiver(inbox.clone(), tokens.clone())?;
    let servers = options.servers(&receiver).await?;
    let url = options.url(&servers);

    // Before anything else runs, so that no signal is missed from here on.
    let stop = signals::stop()?;
    let mut supervisor = Supervisor::default();
    // Without tokens as well: a hangup that nobody listens for ends the process.
    supervisor.spawn(
        "reload of the tokens",
        signals::reload_on_hangup(tokens, source)?,
    );
    let stopping = CancellationToken::new();
    let stopped = || stopping.clone().cancelled_owned();
    if let Some(client) = forward {
        let consumer = forward::consumer(inbox.clone(), client).stop_timeout(options.stop_within);
        let run = consumer.run(stopped());
        supervisor.spawn("forwarding", async { Ok(run.await?) });
    }
    if let Some(spooled) = spooled {
        let stopped = stopped();
        supervisor.spawn("spool", async move {
            spooled.run(stopped).await;
            Ok(())
        });
    }
    if let Some(bounds) = options.bounds() {
        let pruning = retention::keep_within(inbox.clone(), bounds, stopped());
        supervisor.spawn("retention", pruning);
    }
    let serving = CancellationToken::new();
    for (name, server, app) in servers {
        let shutdown = serving.clone().cancelled_owned();
        supervisor.spawn(name, async move {
            server.serve(app, shutdown).await;
            Ok(())
        });
    }
    output::line(format_args!("listening on {url}"))?;

    let failure = tokio::select! {
        () = stop => None,
        failure = supervisor.first_end() => Some(failure),
        failed = inbox.failed() => Some(failed.into()),
    };
    if let Some(failure) = &failure {
        tracing::error!(error = format!("{failure:#}"), "stopping after a failure");
    } else {
        tracing::info!("stopping");
    }
    // First the requests in flight, then what handles their events.
    serving.cancel();
    let ended = async {
        supervisor.end_of(&["events", "status"]).await;
        stopping.cancel();
        receiver.close().await;
        supervisor
            .end_of(&["forwarding", "spool", "retention"])
            .await;
    };
    // What is in flight has its time twice: as a request, and as a delivery.
    let limit = 2 * options.stop_within;
    if tokio::time::timeout(limit, ended).await.is_err() {
        tracing::warn!(
            "stopped with an event in flight: it is forwarded again after the next start"
        );
    }
    failure.map_or(Ok(true), Err)
}

/// A server, with a name for errors and what it serves.
type NamedServer = (&'static str, Server, Router);

impl Options {
    fn receiver(&self, inbox: Arc<dyn Inbox>, tokens: Tokens) -> Result<Receiver> {
        let status = self.quarantined_status.try_into();
        let status = status.context("--quarantined-status: expected an HTTP status")?;
        let receiver = Receiver::builder(inbox, tokens)
            .quarantined_status(status)
            .max_body_bytes(bytes(self.max_body))
            .max_queued(self.max_queued, bytes(self.max_queued_bytes))
            .body_timeout(self.body_timeout);
        Ok(receiver.build()?)
    }

    /// The server of the events, and perhaps one of health and metrics alone.
    async fn servers(&self, receiver: &Receiver) -> Result<Vec<NamedServer>> {
        let server = self.server(&self.listen).await?;
        let server = match (&self.tls_cert, &self.tls_key) {
            (Some(certificates), Some(key)) => server.tls(certificates, key)?,
            _ => server,
        };
        let Some(address) = &self.status_listen else {
            return Ok(vec![("events", server, receiver.app(&self.base_path)?)]);
        };
        let status = self.server(address).await.context("--status-listen")?;
        tracing::info!(address = %status.address(), "health and metrics");
        Ok(vec![
            ("events", server, receiver.events_app(&self.base_path)?),
            ("status", status, receiver.status_router()),
        ])
    }

    async fn server(&self, address: &str) -> Result<Server> {
        Ok(Server::bind(address)
            .await?
            .max_connections(self.max_connections)
            .header_timeout(self.header_timeout)
            .stop_within(self.stop_within))
    }

    /// The URL to configure at the vendor's.
    fn url(&self, servers: &[NamedServer]) -> String {
        let scheme = self.tls_cert.as_ref().map_or("http", |_| "https");
        let address = servers.first().map(|(_, server, _)| server.address());
        let address = address.map(|address| address.to_string());
        let base_path = self.base_path.trim_end_matches('/');
        format!("{scheme}://{}{base_path}", address.unwrap_or_default())
    }

    fn bounds(&self) -> Option<retention::Bounds> {
        let bounds = retention::Bounds {
            age: self.keep_for,
            bytes: self.keep_bytes.map(|size| size.as_u64()),
        };
        (bounds.age.is_some() || bounds.bytes.is_some()).then_some(bounds)
    }

    fn forward_client(&self) -> Result<Option<aifi_push::Client>> {
        let Some(url) = &self.forward else {
            return Ok(None);
        };
        forward::client(url, self.forward_token_file.clone())
            .context("--forward")
            .map(Some)
    }
}

fn bytes(size: ByteSize) -> usize {
    usize::try_from(size.as_u64()).unwrap_or(usize::MAX)
}
