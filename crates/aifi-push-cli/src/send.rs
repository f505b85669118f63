//! `send`: events to a receiver.

mod failures;
mod read_ahead;

use std::{cell::RefCell, collections::VecDeque, path::PathBuf, pin::pin, rc::Rc, time::Instant};

use aifi_push::{Client, Operation, Rejection, RetryPolicy};
use anyhow::ensure;
use failures::{Failures, Flaw};
use futures_util::{StreamExt, stream};
use read_ahead::ReadAhead;
use serde_json::Value;

use crate::{
    Outcome,
    input::{self, Item},
    interrupt::Interrupt,
    kind, output,
    progress::Progress,
    tokens::{TokenOption, TokenSource},
};

// The headings in the help text.
const RECEIVER: &str = "Receiver";
const DELIVERY: &str = "Delivery";

const TOKEN: TokenOption = TokenOption {
    flag: "--token-file",
    variable: "AIFI_PUSH_TOKEN",
    without: Some("--no-token"),
};

/// Send events as the vendor's platform does, byte for byte: `left` is POSTed to URL/left, `checkout`
/// to URL/checkout.
///
/// An event that fails to decode is not sent. Failures are listed and written to a file that can be
/// sent again; the exit code is 1 then. An event that the receiver stores but quarantines, or a
/// question that it stores but nobody answers, is no failure. After Ctrl-C or SIGTERM, the event in
/// hand is sent to its end, and what is left is written to that file, too; the second Ctrl-C ends at
/// once.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Files of events; `-` or none for standard input.
    ///
    /// One event, one on each line, one after another, or lists of them, also compressed by gzip.
    files: Vec<PathBuf>,
    /// Base URL of a receiver, such as `https://retailer.example/webhook`.
    ///
    /// The vendor's sandbox is `https://oasis-api.public.sandbox.oasis.aifi.com/api/push/transition`.
    #[arg(long, help_heading = RECEIVER)]
    url: String,
    /// Call the URL as it is, and add no path.
    #[arg(long, help_heading = RECEIVER)]
    exact: bool,
    /// File of the bearer token.
    ///
    /// Defaults to AIFI_PUSH_TOKEN of the environment.
    #[arg(long, help_heading = RECEIVER, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Send no token, for a service that wants none.
    #[arg(long, help_heading = RECEIVER, conflicts_with = "token_file")]
    no_token: bool,
    /// Kind of the events.
    #[arg(long, value_parser = kind::parser(), default_value = kind::default())]
    kind: &'static Operation,
    /// How many events are sent at a time.
    ///
    /// With more than one, they may arrive in another order.
    #[arg(long, help_heading = DELIVERY, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
    /// How often a failed request is retried.
    ///
    /// An event whose response got lost then arrives twice.
    #[arg(long, help_heading = DELIVERY, default_value_t = 4)]
    retries: u32,
    /// File to write failures to.
    ///
    /// Defaults to a new file aifi-push-failed-TIME.ndjson.
    #[arg(long, help_heading = DELIVERY, value_name = "FILE")]
    failures: Option<PathBuf>,
}

pub(crate) async fn run(options: Options) -> Outcome {
    let retries = RetryPolicy::default().max_attempts(options.retries.saturating_add(1));
    let client = Client::builder(options.url).retry(retries);
    let client = if options.exact {
        client.exact_url()
    } else {
        client
    };
    let client = if options.no_token {
        client.no_token()
    } else {
        TokenSource::new(options.token_file, &TOKEN)?.give_to(client)?
    };
    let client = client.build()?;
    let mut failures = Failures::new(options.failures)?;

    let interrupt = Interrupt::listen()?;
    let start = Instant::now();
    let progress = Progress::start();
    let (client, kind) = (&client, options.kind);
    let input = ReadAhead::start(options.files);
    let in_hand = RefCell::new(VecDeque::new());
    let sent = stream::poll_fn(|context| input.poll_next(context))
        .take_until(interrupt.stop.cancelled())
        .map(|item| {
            let item = item.map(Rc::new);
            if let Ok(item) = &item {
                in_hand.borrow_mut().push_back(Rc::clone(item));
            }
            async move {
                let item = item?;
                let result = send(client, kind, &item).await;
                anyhow::Ok((item, result))
            }
        })
        .buffered(usize::from(options.concurrency));
    let mut sent = pin!(sent);

    let (mut count, mut unread) = (0_u64, Vec::new());
    let (mut is_sending, mut is_left, mut is_stopping) = (true, true, false);
    while is_sending || (interrupt.stop.is_cancelled() && is_left) {
        tokio::select! {
            biased;
            () = interrupt.abort.cancelled() => break,
            () = interrupt.stop.cancelled(), if !is_stopping => {
                is_stopping = true;
                if !in_hand.borrow().is_empty() {
                    output::note("interrupted: waiting for the events in hand; Ctrl-C ends at once");
                }
            }
            done = sent.next(), if is_sending => match done {
                Some(Ok((item, result))) => {
                    in_hand.borrow_mut().pop_front();
                    count += 1;
                    progress.advance();
                    match result {
                        Ok(Sent::Stored) => {}
                        Ok(Sent::But { flaw, id }) => failures.add_stored(&item, flaw, &id),
                        Err(problem) => failures.add(&item, &problem)?,
                    }
                }
                Some(Err(error)) => unread.push(error),
                None => is_sending = false,
            },
            left = input.left(), if interrupt.stop.is_cancelled() && is_left => match left {
                Some(Ok(item)) => {
                    count += 1;
                    failures.add_unsent(&item)?;
                }
                Some(Err(error)) => unread.push(error),
                None => is_left = false,
            },
        }
    }
    progress.end();
    for item in in_hand.take() {
        count += 1;
        failures.add(&item, "interrupted while it was sent: it may have arrived")?;
    }
    if count > 0 {
        failures.report(count, start.elapsed())?;
    }
    input::ensure_read(unread)?;
    if interrupt.stop.is_cancelled() {
        input.ensure_read()?;
        return Ok(false);
    }
    ensure!(count > 0, "no event found");
    Ok(failures.count() == 0)
}

/// What became of an event that was not refused.
enum Sent {
    Stored,
    /// The receiver stored it under this id, but something is wrong.
    But {
        flaw: Flaw,
        id: String,
    },
}

async fn send(client: &Client, kind: &Operation, item: &Item) -> Result<Sent, String> {
    kind.check(&item.body)
        .map_err(|error| format!("not sent, as it fails to decode: {error}"))?;
    let Err(error) = client.deliver(kind, item.body.clone()).await else {
        return Ok(Sent::Stored);
    };
    match error.rejection().and_then(stored) {
        Some((flaw, id)) => Ok(Sent::But { flaw, id }),
        None => Err(format!("{:#}", anyhow::Error::new(error))),
    }
}

/// Returns the id under which a receiver stored an event nevertheless, and what is wrong.
fn stored(rejection: &Rejection) -> Option<(Flaw, String)> {
    let flaw = match rejection.status() {
        422 => Flaw::Quarantined,
        _ if rejection.is_unanswered() => Flaw::Unanswered,
        _ => return None,
    };
    let body: Value = serde_json::from_slice(rejection.body()).ok()?;
    Some((flaw, body["id"].as_str()?.to_owned()))
}
