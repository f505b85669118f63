//! `serve`: the receiver as a server of its own.

mod forward;
mod logging;
mod retain;
mod signals;
mod store;

use std::{path::PathBuf, sync::Arc, time::Duration};

use aifi_push_receiver::{Inbox, Receiver, Server, Tokens};
use anyhow::{Context, Result};
use bytesize::ByteSize;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Outcome, output, tokens::TokenSource};

/// The variable that holds the tokens where no file is named.
const TOKENS: &str = "AIFI_PUSH_TOKEN";

/// Receive events, and store each durably before it is acknowledged.
///
/// Prints the URL to configure at the vendor's, and ends on Ctrl-C or SIGTERM when what is in hand is
/// stored. SIGHUP reads the tokens again. `/livez`, `/readyz` and `/metrics` tell how it is.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where to listen. Port 0 chooses a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: String,
    /// The path below which the pushes arrive: with /webhook, at /webhook/left.
    #[arg(long, value_name = "PATH", default_value = "/webhook")]
    base_path: String,
    #[command(flatten)]
    store: store::Store,
    /// File of the bearer tokens to accept, one on each line. Without it, AIFI_PUSH_TOKEN of the
    /// environment.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Accept calls without a token, so that whoever reaches the address can store events.
    #[arg(long, conflicts_with = "token_file")]
    dangerously_accept_anyone: bool,
    /// PEM file of the certificate chain, to speak TLS.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file of the private key.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Deliver each event, byte for byte, to another service: a push `left` to URL/left. One that it
    /// does not take is tried again 15 times over more than an hour, then it is a dead letter of the
    /// consumer `forward`.
    #[arg(long, value_name = "URL")]
    forward: Option<String>,
    /// File of the bearer token for that service. Without it, AIFI_PUSH_FORWARD_TOKEN of the
    /// environment.
    #[arg(long, value_name = "FILE", requires = "forward")]
    forward_token_file: Option<PathBuf>,

    /// Delete events after this time, such as 90d, when every consumer is done with them.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    keep_for: Option<Duration>,
    /// Delete the oldest events that every consumer is done with beyond this size, such as 10GiB.
    #[arg(long, value_name = "SIZE")]
    keep_bytes: Option<ByteSize>,

    /// The status for an event that is stored although it does not decode. 202 is for a sender that
    /// would stop sending after a 4xx.
    #[arg(long, value_name = "STATUS", default_value_t = 422)]
    quarantined_status: u16,
    /// The largest body. A broker takes 1 MiB unless it is told otherwise, headers included.
    #[arg(long, value_name = "SIZE", default_value = "1020KiB")]
    max_body: ByteSize,
    /// How many events may wait for the disk; more are answered with 503.
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
    /// How long the requests in hand may take when it is to stop.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    stop_within: Duration,

    #[command(flatten)]
    logging: logging::Logging,
}

pub(crate) async fn run(options: Options) -> Outcome {
    options.logging.start();
    let source = TokenSource::new(options.token_file.clone(), TOKENS);
    let tokens = if options.dangerously_accept_anyone {
        tracing::warn!("calls without a token are accepted: whoever reaches this can store events");
        Tokens::dangerously_accept_anyone()
    } else {
        Tokens::new(source.read()?)?
    };
    let forward = options.forward_client()?;
    let store::Opened { inbox, spooled } = options.store.open().await?;
    let receiver = options.receiver(inbox.clone(), tokens.clone())?;
    let app = receiver.app(&options.base_path)?;
    let server = options.server().await?;

    // Until the first signal, so that none is missed from here on.
    let stop = signals::stop()?;
    // Without tokens as well: a hangup that nobody listens for ends the process.
    signals::reload_on_hangup(tokens, source)?;
    let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
    if let Some(client) = forward {
        let consumer = forward::consumer(inbox.clone(), client);
        tasks.spawn(consumer.run(stopping.clone().cancelled_owned()));
    }
    if let Some(spooled) = spooled {
        let stop = stopping.clone().cancelled_owned();
        tasks.spawn(async move { spooled.run(stop).await });
    }
    if options.keep_for.is_some() || options.keep_bytes.is_some() {
        let bounds = retain::Bounds {
            age: options.keep_for,
            bytes: options.keep_bytes.map(|size| size.as_u64()),
        };
        // A piece of deleting is a transaction, so it may be cut off.
        tokio::spawn(retain::keep_within(inbox, bounds));
    }

    let scheme = if options.tls_cert.is_some() {
        "https"
    } else {
        "http"
    };
    let base_path = options.base_path.trim_end_matches('/');
    output::line(format_args!(
        "listening on {scheme}://{}{base_path}",
        server.address()
    ))?;
    server.serve(app, stop).await;
    tracing::info!("stopping");
    stopping.cancel();
    tasks.close();
    let ended = async {
        receiver.close().await;
        tasks.wait().await;
    };
    if tokio::time::timeout(options.stop_within, ended)
        .await
        .is_err()
    {
        tracing::warn!("cut off: an event in hand is forwarded again after the next start");
    }
    Ok(true)
}

impl Options {
    fn receiver(&self, inbox: Arc<dyn Inbox>, tokens: Tokens) -> Result<Receiver> {
        let status = self.quarantined_status.try_into();
        let status = status.context("--quarantined-status: no HTTP status")?;
        let receiver = Receiver::builder(inbox, tokens)
            .quarantined_status(status)
            .max_body_bytes(bytes(self.max_body))
            .max_queued(self.max_queued, bytes(self.max_queued_bytes))
            .body_timeout(self.body_timeout);
        Ok(receiver.build()?)
    }

    async fn server(&self) -> Result<Server> {
        let server = Server::bind(&self.listen)
            .await?
            .max_connections(self.max_connections)
            .header_timeout(self.header_timeout)
            .stop_within(self.stop_within);
        Ok(match (&self.tls_cert, &self.tls_key) {
            (Some(certificates), Some(key)) => server.tls(certificates, key)?,
            _ => server,
        })
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
