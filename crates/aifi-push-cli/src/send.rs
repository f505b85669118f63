//! `send`: events to a receiver.

mod failures;
mod progress;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

use aifi_push::{Client, Operation, RetryPolicy};
use anyhow::{Result, ensure};
use failures::Failures;
use futures_util::{StreamExt, stream};
use progress::Progress;
use tokio::sync::mpsc;

use crate::{
    Outcome,
    input::{self, Item},
    kind, output,
    tokens::TokenSource,
};

/// Send events as the vendor's platform does: `left` is POSTed to URL/left, byte for byte.
///
/// An event that fails to decode is not sent. Failures are listed and written to a file that can be
/// sent again; the exit code is 1 then. After Ctrl-C that file contains what was not sent, too.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Files of one event, or of one on each line. `-` or none for standard input.
    files: Vec<String>,
    /// Base URL that a retailer gives the vendor, such as `https://retailer.example/webhook`. The
    /// vendor's sandbox is `https://oasis-api.public.sandbox.oasis.aifi.com/api/push/transition`.
    #[arg(long)]
    url: String,
    /// File of the bearer token. Defaults to AIFI_PUSH_TOKEN of the environment.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Kind of the events.
    #[arg(long, value_parser = kind::parser(), default_value = kind::default())]
    kind: &'static Operation,
    /// How many events are sent at a time. With more than one, they may arrive in another order.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
    /// How often a failed request is retried. An event whose response got lost then arrives twice.
    #[arg(long, default_value_t = 4)]
    retries: u32,
    /// File to write failures to. Defaults to a new file aifi-push-failed-TIME.ndjson.
    #[arg(long, value_name = "FILE")]
    failures: Option<PathBuf>,
}

pub(crate) async fn run(options: Options) -> Outcome {
    let token = TokenSource::new(options.token_file, "AIFI_PUSH_TOKEN");
    let retries = RetryPolicy::default().max_attempts(options.retries.saturating_add(1));
    let client = Client::builder(options.url).retry(retries);
    let client = token.give_to(client)?.build()?;
    let mut failures = Failures::new(options.failures)?;
    let is_interrupted = interrupted();

    let start = Instant::now();
    let progress = Progress::start();
    let (client, kind) = (&client, options.kind);
    let mut items = read_ahead(options.files);
    let mut sent = stream::poll_fn(move |context| items.poll_recv(context))
        .map(|item: Result<Item>| {
            let is_interrupted = Arc::clone(&is_interrupted);
            async move {
                let item = item?;
                let result = if is_interrupted.load(Ordering::Relaxed) {
                    Err("not sent: interrupted".to_owned())
                } else {
                    send(client, kind, &item).await
                };
                anyhow::Ok((item, result))
            }
        })
        .buffered(usize::from(options.concurrency));

    let mut count = 0_u64;
    while let Some(done) = sent.next().await {
        let (item, result) = done?;
        count += 1;
        progress.advance();
        if let Err(problem) = result {
            failures.add(&item, &problem)?;
        }
    }
    progress.end();
    ensure!(count > 0, "no event found");
    let failed = failures.count();
    output::line(format_args!(
        "sent {} of {count} in {:.1} s",
        count - failed,
        start.elapsed().as_secs_f64()
    ))?;
    failures.report()?;
    Ok(failed == 0)
}

async fn send(client: &Client, kind: &Operation, item: &Item) -> Result<(), String> {
    kind.check(&item.body)
        .map_err(|error| format!("not sent, as it fails to decode: {error}"))?;
    let answer = client.deliver(kind, item.body.clone()).await;
    answer
        .map(drop)
        .map_err(|error| format!("{:#}", anyhow::Error::new(error)))
}

/// Reads on a thread of its own, as standard input may keep it waiting.
fn read_ahead(files: Vec<String>) -> mpsc::Receiver<Result<Item>> {
    let (sender, items) = mpsc::channel(64);
    thread::spawn(move || {
        for item in input::items(files) {
            if sender.blocking_send(item).is_err() {
                return;
            }
        }
    });
    items
}

/// Set on Ctrl-C.
fn interrupted() -> Arc<AtomicBool> {
    let is_interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&is_interrupted);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            flag.store(true, Ordering::Relaxed);
        }
    });
    is_interrupted
}
