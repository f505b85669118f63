//! Delivering each event to another service.

use std::{path::PathBuf, sync::Arc};

use aifi_push::Client;
use aifi_push_receiver::inbox::{Consumer, ConsumerBuilder, Delivery, Inbox};
use anyhow::{Context, Result};

use crate::tokens::TokenSource;

/// The variable that contains the token where no file is given.
const TOKEN: &str = "AIFI_PUSH_FORWARD_TOKEN";

pub(super) fn client(url: &str, token_file: Option<PathBuf>) -> Result<Client> {
    let token = TokenSource::new(token_file, TOKEN);
    Ok(token.give_to(Client::builder(url))?.build()?)
}

/// Retries are the consumer's, so that they outlast a restart.
pub(super) fn consumer(inbox: Arc<dyn Inbox>, client: Client) -> ConsumerBuilder {
    Consumer::builder(inbox, "forward").fallback(move |delivery| deliver(client.clone(), delivery))
}

async fn deliver(client: Client, delivery: Delivery) -> Result<()> {
    let event = delivery.event;
    let operation = event
        .known_operation()
        .context("a later version stored this event: use that version to forward it")?;
    client.deliver(operation, event.body).await?;
    Ok(())
}
