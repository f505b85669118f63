//! Delivering each event to other services.

mod delivery;
mod named;
mod retries;
mod signature;
mod target;

use std::{ffi::OsString, future::Future, sync::Arc, time::Duration};

use aifi_push_receiver::{
    ConsumerMetrics,
    inbox::{Consumer, ConsumerError, Inbox, StartPosition, SubscribeError},
};
use anyhow::{Context, Result};
use delivery::Forwarder;
pub(super) use delivery::via;
use named::Named;
use target::Target;
use tokio_util::sync::CancellationToken;

use crate::ago;

/// How much longer than a call its handler may take.
const HANDLER_MARGIN: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
#[command(next_help_heading = "Forwarding")]
pub(super) struct Forwarding {
    /// Deliver each event to another service; may be repeated with names.
    ///
    /// It arrives byte for byte: `left` at URL/left, or at URL with `left` in the place of `{kind}`. The
    /// name is that of the consumer, and defaults to `forward`.
    #[arg(long = "forward", value_name = "[NAME=]URL")]
    targets: Vec<Named<String>>,
    /// Deliver only events of these kinds to the target.
    #[arg(
        long = "forward-kind",
        value_name = "[NAME=]KIND,…",
        requires = "targets"
    )]
    kinds: Vec<Named<String>>,
    /// Where a target starts that is new to this inbox.
    ///
    /// `beginning` for all events in it, `now` for those that arrive from now on, or a time:
    /// 2026-11-24T10:00:00Z, 2026-11-24, or 2h for two hours ago.
    #[arg(
        long = "forward-from",
        value_name = "beginning|now|TIME",
        default_value = "beginning",
        value_parser = start,
        requires = "targets"
    )]
    from: StartPosition,
    /// File of the bearer token for the target.
    ///
    /// Without a name, it is for every target without one of its own. Defaults to
    /// AIFI_PUSH_FORWARD_TOKEN of the environment.
    #[arg(
        long = "forward-token-file",
        value_name = "[NAME=]FILE",
        requires = "targets"
    )]
    token_files: Vec<Named<OsString>>,
    /// Send no token, to all targets or to this one.
    #[arg(
        long = "forward-no-token",
        value_name = "NAME",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        requires = "targets"
    )]
    no_tokens: Vec<String>,
    /// File of the secret to sign each delivery with.
    ///
    /// As Standard Webhooks has it: whsec_ and base64. Several lines give several signatures. Defaults
    /// to AIFI_PUSH_FORWARD_SECRET of the environment; without either, deliveries are not signed.
    #[arg(
        long = "forward-secret-file",
        value_name = "[NAME=]FILE",
        requires = "targets"
    )]
    secret_files: Vec<Named<OsString>>,
    /// How many events are delivered to a target at a time.
    ///
    /// With 1, they come in the order of arrival, but for those that failed.
    #[arg(
        long = "forward-concurrency",
        value_name = "EVENTS",
        default_value_t = 16,
        value_parser = clap::value_parser!(u16).range(1..),
        requires = "targets"
    )]
    concurrency: u16,
    /// How long a target may take to respond.
    #[arg(
        long = "forward-timeout",
        value_name = "TIME",
        default_value = "30s",
        value_parser = super::positive_duration,
        requires = "targets"
    )]
    timeout: Duration,
    /// How long an event is redelivered that a target does not accept.
    ///
    /// Soon at first, then every hour; then it is a dead letter. Defaults to 3 days, unless
    /// --forward-attempts is given.
    #[arg(
        long = "forward-span",
        value_name = "TIME",
        value_parser = humantime::parse_duration,
        requires = "targets"
    )]
    span: Option<Duration>,
    /// How often an event is delivered that a target does not accept.
    ///
    /// Defaults to as often as the span takes.
    #[arg(
        long = "forward-attempts",
        value_name = "ATTEMPTS",
        value_parser = clap::value_parser!(u32).range(1..),
        requires = "targets"
    )]
    attempts: Option<u32>,
}

impl Forwarding {
    /// Checks the options, and returns the targets to run.
    pub(super) fn forwarders(&self) -> Result<Vec<Forwarder>> {
        let targets = self.read_targets()?;
        let retries = retries::policy(self.attempts, self.span);
        Ok(targets
            .into_iter()
            .map(|target| Forwarder::new(target, retries))
            .collect())
    }

    /// Delivers to one target until `shutdown` is cancelled.
    pub(super) fn run(
        &self,
        forwarder: Forwarder,
        inbox: Arc<dyn Inbox>,
        metrics: ConsumerMetrics,
        stop_timeout: Duration,
        shutdown: CancellationToken,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        let (concurrency, timeout) = (self.concurrency.into(), self.timeout + HANDLER_MARGIN);
        let mut from = self.from;
        async move {
            let forwarder = Arc::new(forwarder);
            let name = forwarder.name();
            loop {
                let to = Arc::clone(&forwarder);
                let consumer = Consumer::builder(inbox.clone(), name.as_str())
                    .start(from)
                    .concurrency(concurrency)
                    .handler_timeout(timeout)
                    .retry(forwarder.retries())
                    .stop_timeout(stop_timeout)
                    .observer(Arc::new(metrics.clone()))
                    .fallback(move |delivery| {
                        let to = Arc::clone(&to);
                        async move { to.deliver(delivery).await }
                    });
                #[cfg(feature = "otel")]
                let consumer = consumer.make_span_with(super::traces::handling(name.clone()));
                match consumer.run(shutdown.clone().cancelled_owned()).await {
                    // Whoever removed it does not want what it had yet to deliver.
                    Err(ConsumerError::Subscribe(SubscribeError::Removed { .. })) => {
                        tracing::warn!(
                            consumer = %name,
                            "the consumer was removed: it starts anew, with what arrives from now on"
                        );
                        from = StartPosition::Now;
                    }
                    ended => return ended.with_context(|| format!("--forward {name}")),
                }
            }
        }
    }
}

fn start(text: &str) -> Result<StartPosition, String> {
    match text {
        "beginning" => Ok(StartPosition::Beginning),
        "now" => Ok(StartPosition::Now),
        _ => ago::time(text)
            .map(StartPosition::At)
            .map_err(|error| format!("expected `beginning`, `now` or a time: {error}")),
    }
}
