//! Senders that record what is acknowledged.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aifi_push::{Client, Error, from_slice, operations::TRANSITION_LEFT, types::ApiError};
use aifi_push_testkit::http::TOKEN;
use anyhow::{Context, Result};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::ledger::Ledger;

/// Senders that go on until they are told to stop, whatever happens to the server.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    senders: JoinSet<Result<()>>,
}

impl Load {
    pub(crate) fn start(url: &str, senders: usize, ledger: &Arc<Ledger>) -> Result<Self> {
        let client = Client::builder(url)
            .bearer_token(TOKEN)
            .timeout(Duration::from_secs(20))
            .build()?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut load = Self {
            stop: Arc::clone(&stop),
            senders: JoinSet::new(),
        };
        for _ in 0..senders {
            let (client, stop, ledger) = (client.clone(), Arc::clone(&stop), Arc::clone(ledger));
            load.senders.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    if !send(&client, &ledger).await? {
                        // A server that is down or full must not keep the processor busy.
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                }
                Ok(())
            });
        }
        Ok(load)
    }

    /// Stops the senders, and waits for the responses in flight.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.senders.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// Sends an event. Returns `true` if it was acknowledged.
async fn send(client: &Client, ledger: &Ledger) -> Result<bool> {
    let body = body()?;
    let id = match client.deliver(&TRANSITION_LEFT, body.clone()).await {
        Ok(response) => response.decode()?,
        // Quarantined, and stored all the same.
        Err(Error::Rejected(rejection)) if rejection.status() == 422 => {
            let error: ApiError = from_slice(rejection.body())?;
            let id = error.extra.get("id").context("a 422 without an id")?;
            id.decode()?
        }
        Err(_) => return Ok(false),
    };
    ledger.record(Uuid::parse_str(&id)?, &body);
    Ok(true)
}

/// Returns an event of a random size. One in ten fails to decode.
fn body() -> Result<Vec<u8>> {
    let example = TRANSITION_LEFT.example.context("no example")?;
    let filler: String = std::iter::repeat_with(fastrand::alphanumeric)
        .take(fastrand::usize(..4000))
        .collect();
    let mut body = example.replacen('{', &format!(r#"{{"filler":"{filler}","#), 1);
    if fastrand::u8(..10) == 0 {
        body.truncate(body.len() / 2);
    }
    Ok(body.into_bytes())
}
