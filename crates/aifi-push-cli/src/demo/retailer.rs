//! A retailer's receiver on loopback, with its inbox in a temporary directory.

use std::{net::SocketAddr, sync::Arc};

use aifi_push::types::TransitionLeft;
use aifi_push_receiver::{
    Receiver, Server, Tokens,
    inbox::{Consumer, Received, SqliteInbox},
};
use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// A running receiver; it ends with the process.
pub(super) struct Retailer {
    address: SocketAddr,
    events: mpsc::UnboundedReceiver<Received<TransitionLeft>>,
    _directory: TempDir,
}

impl Retailer {
    /// Starts a receiver that accepts one token.
    pub(super) async fn start(token: &str) -> Result<Self> {
        let directory = tempfile::tempdir().context("can't create a directory for the inbox")?;
        let inbox = Arc::new(SqliteInbox::open(directory.path().join("events.db")).await?);
        let (sender, events) = mpsc::unbounded_channel();
        let consumer = Consumer::builder(inbox.clone(), "demo").handler(move |left| {
            let sender = sender.clone();
            async move { sender.send(left).map_err(|_| "the demo is over") }
        });
        // If it ends, so do the events, which the demo reports.
        tokio::spawn(consumer.run(std::future::pending()));

        let receiver = Receiver::builder(inbox, Tokens::new([token])?).build()?;
        let app = receiver.app("/api/push/transition")?;
        let server = Server::bind("127.0.0.1:0").await?;
        let address = server.address().context("the demo listens nowhere")?;
        tokio::spawn(server.serve(app, std::future::pending()));
        Ok(Self {
            address,
            events,
            _directory: directory,
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next event that the consumer is handed.
    pub(super) async fn next_event(&mut self) -> Result<Received<TransitionLeft>> {
        self.events.recv().await.context("the consumer has ended")
    }
}
