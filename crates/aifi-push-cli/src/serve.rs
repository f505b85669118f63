//! `serve`: the receiver as a server of its own.

mod admin;
mod answers;
mod forward;
mod listen;
mod logging;
mod reload;
mod retention;
mod routing;
mod servers;
pub(crate) mod signals;
mod store;
mod supervisor;
mod systemd;
mod traces;

use std::{path::PathBuf, sync::Arc, time::Duration};

use aifi_push_receiver::{
    Receiver, ReceiverError, Tokens,
    inbox::{Inbox, MemoryInbox},
};
use anyhow::{Context, Error, Result, anyhow, ensure};
use bytesize::ByteSize;
use reload::{Reload, ReloadedTokens, Watch};
use servers::Servers;
use signals::{Hangups, Stop, StopSignals};
use supervisor::Supervisor;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    Outcome, config,
    tokens::{TokenOption, TokenSource},
};

// The headings in the help text. Those of one group only are where it is.
const LISTENING: &str = "Listening";
const TOKEN: &str = "Tokens";
const RETENTION: &str = "Retention";
const RESPONSES: &str = "Responses";
const LIMITS: &str = "Limits";
const STOPPING: &str = "Stopping";

const TOKENS: TokenOption = TokenOption {
    flag: "--token-file",
    variable: "AIFI_PUSH_TOKEN",
    without: Some("--dangerously-accept-anyone"),
};

/// Receive events, and store each durably before it is acknowledged.
///
/// Prints the URL to configure at the vendor's for each webhook. SIGTERM turns /readyz to 503, and
/// ends it after --drain when what is in flight is stored; Ctrl-C ends it without the wait. SIGHUP
/// reloads tokens and certificate. `/livez`, `/readyz` and `/metrics` expose health and metrics.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    config: config::FileOption,
    #[command(flatten)]
    servers: servers::ServerOptions,
    #[command(flatten)]
    admin: admin::AdminOptions,
    #[command(flatten)]
    store: store::Store,
    /// File of the bearer tokens to accept, one on each line.
    ///
    /// Defaults to AIFI_PUSH_TOKEN of the environment.
    #[arg(long, help_heading = TOKEN, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Accept requests without a token.
    ///
    /// Whoever reaches the address can store events.
    #[arg(long, help_heading = TOKEN, conflicts_with = "token_file")]
    dangerously_accept_anyone: bool,

    #[command(flatten)]
    forward: forward::Forwarding,
    #[command(flatten)]
    answers: answers::Answers,

    /// Delete events after this time, such as 90d.
    ///
    /// Also those that no consumer acknowledged, that are quarantined, or dead letters.
    #[arg(long, help_heading = RETENTION, value_name = "TIME", value_parser = humantime::parse_duration)]
    keep_for: Option<Duration>,
    /// Delete after --keep-for only what every consumer acknowledged.
    ///
    /// Without a consumer, nothing is deleted.
    #[arg(long, help_heading = RETENTION, requires = "keep_for")]
    keep_unconsumed: bool,
    /// Delete the oldest acknowledged events beyond this size, such as 10GiB.
    ///
    /// Only those that every consumer acknowledged.
    #[arg(long, help_heading = RETENTION, value_name = "SIZE")]
    keep_bytes: Option<ByteSize>,

    /// Status for an event that is stored, such as 200 or 204.
    #[arg(long, help_heading = RESPONSES, value_name = "STATUS", default_value_t = 201)]
    accepted_status: u16,
    /// Status for an event that is stored although it fails to decode.
    ///
    /// 202 is for a sender that would stop sending after a 4xx.
    #[arg(long, help_heading = RESPONSES, value_name = "STATUS", default_value_t = 422)]
    quarantined_status: u16,
    /// Largest body.
    ///
    /// A broker accepts 1 MiB by default, headers included.
    #[arg(long, help_heading = LIMITS, value_name = "SIZE", default_value = "1020KiB")]
    max_body: ByteSize,
    /// How many events may wait to be stored.
    ///
    /// More are answered with 503. As many questions may wait for their answer; more get the fallback,
    /// or 503.
    #[arg(long, help_heading = LIMITS, value_name = "EVENTS", default_value_t = 10_000)]
    max_queued: usize,
    /// How large the events that wait may be together.
    #[arg(long, help_heading = LIMITS, value_name = "SIZE", default_value = "64MiB")]
    max_queued_bytes: ByteSize,
    /// How long a body may take.
    #[arg(long, help_heading = LIMITS, value_name = "TIME", default_value = "30s", value_parser = positive_duration)]
    body_timeout: Duration,
    /// How long to receive after SIGTERM, while /readyz says 503.
    ///
    /// As long as a load balancer needs to notice.
    #[arg(long, help_heading = STOPPING, value_name = "TIME", default_value = "2s", value_parser = humantime::parse_duration)]
    drain: Duration,

    #[command(flatten)]
    logging: logging::Logging,
}

pub(crate) async fn run(options: Options) -> Outcome {
    // Before anything else, so that no signal is missed.
    let mut stop_signals = StopSignals::listen()?;
    let hangups = Hangups::listen()?;
    let log = options.logging.start();
    let dropped_lines = logging::DroppedLines(log.dropped_lines.clone());
    let running = tokio::select! {
        biased;
        _ = stop_signals.next() => return Ok(true),
        running = Running::start(&options, hangups, dropped_lines) => running?,
    };
    running.until_its_end(&options, stop_signals).await
}

/// Everything that runs.
struct Running {
    receiver: Receiver,
    inbox: Arc<dyn Inbox>,
    supervisor: Supervisor,
    /// Ends the servers.
    serving: CancellationToken,
    /// Ends what handles their events.
    handling: CancellationToken,
}

impl Running {
    async fn start(
        options: &Options,
        hangups: Hangups,
        dropped_lines: logging::DroppedLines,
    ) -> Result<Self> {
        // Each connection takes one, and the usual limit is for interactive programs.
        #[cfg(unix)]
        if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
            tracing::warn!(%error, "the limit of open files stays as it is");
        }
        options.config.log();
        let token_file = Watch::new(&options.token_file);
        let certificate_files = Watch::new(options.servers.certificate_files());
        let (source, tokens) = options.tokens()?;
        let admin = options.admin.access((TOKENS.flag, &tokens))?;
        let routes = options.servers.routes()?;
        let forwarders = options.forward.forwarders()?;
        let store::Opened { inbox, spooled } = options.store.open().await?;
        let receiver = options.receiver(inbox.clone(), tokens.clone(), dropped_lines)?;
        let mut servers = options.servers.start(&receiver, &routes).await?;
        if let Some(access) = &admin {
            let page = options.admin.listen(access, &receiver).await?;
            options.servers.add_admin_page(&mut servers, page);
        }

        let certificate = servers.certificate.as_ref();
        tracing::info!(
            tokens = tokens.count(),
            certificate_valid_until = certificate.and_then(reload::valid_until),
            "receiving"
        );
        let mut supervisor = Supervisor::default();
        let accepted = source.map(|source| ReloadedTokens {
            option: TOKENS.flag,
            tokens,
            source,
            watch: token_file,
            others: admin.iter().flat_map(admin::Access::lists).collect(),
            has_failed: false,
        });
        let history = admin.as_ref().map(|access| access.history.clone());
        let of_admin = admin.into_iter().flat_map(|access| access.tokens);
        let reload = Reload {
            tokens: accepted.into_iter().chain(of_admin).collect(),
            certificate: servers.certificate.clone(),
            certificate_files,
        };
        // Without files as well: a hangup that nobody listens for ends the process.
        supervisor.spawn("reload", reload.run(hangups));
        if let Some(watchdog) = systemd::watchdog() {
            supervisor.spawn("watchdog", watchdog);
        }
        let handling = CancellationToken::new();
        let handled = || handling.clone().cancelled_owned();
        for forwarder in forwarders {
            let (inbox, stop_within) = (inbox.clone(), options.servers.stop_within);
            let forward = &options.forward;
            let (metrics, shutdown) = (receiver.consumer_metrics(), handling.clone());
            let forwarding = forward.run(forwarder, inbox, metrics, stop_within, shutdown);
            supervisor.spawn("forwarding", forwarding);
        }
        if let Some(spooled) = spooled {
            let handled = handled();
            supervisor.spawn("spool", async move {
                spooled.run(handled).await;
                Ok(())
            });
        }
        if let Some(bounds) = options.bounds() {
            let pruning = retention::keep_within(inbox.clone(), bounds, handled());
            supervisor.spawn("retention", pruning);
        }
        if let Some(history) = history {
            let (receiver, handled) = (receiver.clone(), handled());
            supervisor.spawn("figures", async move {
                history.record(&receiver, handled).await;
                Ok(())
            });
        }
        let serving = CancellationToken::new();
        servers.print_urls()?;
        let Servers { servers, .. } = servers;
        for (name, server, app) in servers {
            let shutdown = serving.clone().cancelled_owned();
            supervisor.spawn(name, async move {
                server.serve(app, shutdown).await;
                Ok(())
            });
        }
        systemd::notify(systemd::State::Ready);
        Ok(Self {
            receiver,
            inbox,
            supervisor,
            serving,
            handling,
        })
    }

    async fn until_its_end(mut self, options: &Options, mut stop: StopSignals) -> Outcome {
        let ended: Result<Stop, Error> = tokio::select! {
            stopped = stop.next() => Ok(stopped),
            failure = self.supervisor.first_end() => Err(failure),
            failed = self.inbox.failed() => Err(failed.into()),
        };
        systemd::notify(systemd::State::Stopping);
        match &ended {
            Ok(Stop::Terminate) if !options.drain.is_zero() => {
                self.receiver.drain();
                tracing::info!(time = ?options.drain, "not ready any more, and receiving for a while");
                tokio::select! {
                    () = sleep(options.drain) => {}
                    // Somebody is in a hurry.
                    _ = stop.next() => {}
                }
                tracing::info!("stopping");
            }
            Ok(_) => tracing::info!("stopping"),
            // The log has it, and standard error may be stuck.
            Err(failure) => {
                tracing::error!(error = format!("{failure:#}"), "stopping after a failure");
            }
        }
        // Pages that are open would keep their server.
        self.receiver.drain();
        // First the requests in flight, then what handles their events.
        self.serving.cancel();
        let end = async {
            self.supervisor.end_of(&["events", "status", "admin"]).await;
            self.handling.cancel();
            self.receiver.close().await;
            let handling = ["forwarding", "spool", "retention", "figures"];
            self.supervisor.end_of(&handling).await;
        };
        // What is in flight has its time twice: as a request, and as a delivery.
        let limit = 2 * options.servers.stop_within;
        if timeout(limit, end).await.is_err() {
            tracing::warn!(
                "stopped with an event in flight: it is forwarded again after the next start"
            );
        }
        Ok(ended.is_ok())
    }
}

impl Options {
    /// Checks what can be checked without an inbox, and without listening.
    pub(crate) fn check(&self) -> Result<()> {
        let log = self.logging.start();
        let dropped_lines = logging::DroppedLines(log.dropped_lines);
        let (_, tokens) = self.tokens()?;
        self.servers.check()?;
        self.admin.access((TOKENS.flag, &tokens))?;
        self.forward.forwarders()?;
        self.store.check()?;
        self.receiver(Arc::new(MemoryInbox::new()), tokens, dropped_lines)?;
        self.bounds();
        Ok(())
    }

    /// The tokens to accept, and where they are read again.
    fn tokens(&self) -> Result<(Option<TokenSource>, Tokens)> {
        if self.dangerously_accept_anyone {
            tracing::warn!(
                "requests without a token are accepted: whoever reaches this can store events"
            );
            return Ok((None, Tokens::dangerously_accept_anyone()));
        }
        let source = TokenSource::new(self.token_file.clone(), &TOKENS)?;
        let tokens = Tokens::new(source.read()?)?;
        Ok((Some(source), tokens))
    }

    fn receiver(
        &self,
        inbox: Arc<dyn Inbox>,
        tokens: Tokens,
        dropped_lines: logging::DroppedLines,
    ) -> Result<Receiver> {
        let accepted = self.accepted_status.try_into();
        let quarantined = self.quarantined_status.try_into();
        let receiver = Receiver::builder(inbox, tokens)
            .accepted_status(accepted.context("--accepted-status: expected an HTTP status")?)
            .quarantined_status(
                quarantined.context("--quarantined-status: expected an HTTP status")?,
            )
            .max_body_bytes(bytes(self.max_body))
            .max_queued(self.max_queued, bytes(self.max_queued_bytes))
            .body_timeout(self.body_timeout)
            .collector(Box::new(dropped_lines));
        self.answers
            .add_to(receiver)?
            .build()
            .map_err(|error| named_by_flag(&error))
    }

    fn bounds(&self) -> Option<retention::Bounds> {
        let bounds = retention::Bounds {
            age: self.keep_for,
            keep_unconsumed: self.keep_unconsumed,
            bytes: self.keep_bytes.map(|size| size.as_u64()),
        };
        bounds.log();
        (bounds.age.is_some() || bounds.bytes.is_some()).then_some(bounds)
    }
}

fn bytes(size: ByteSize) -> usize {
    usize::try_from(size.as_u64()).unwrap_or(usize::MAX)
}

/// Names the flag of a setting that is wrong.
fn named_by_flag(error: &ReceiverError) -> Error {
    let flag = match error.setting() {
        "max_body_bytes" => "max-body".to_owned(),
        setting => setting.replace('_', "-"),
    };
    let reason = error.reason();
    anyhow!("--{flag}: {reason}")
}

/// Parses a time such as 10s, of which none would mean never.
fn positive_duration(text: &str) -> Result<Duration> {
    let duration = humantime::parse_duration(text)?;
    ensure!(!duration.is_zero(), "expected more than 0 seconds");
    Ok(duration)
}
