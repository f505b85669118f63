//! A retailer's receiver on loopback, with its inbox in a temporary directory.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use aifi_push::types::EntryCodeVerify;
use aifi_push_receiver::{
    Receiver, Server, Tokens,
    inbox::{
        Admin, Consumer, Delivery, Event, EventFilter, Received, SqliteInbox, StoredEvent, Visit,
        VisitReader,
    },
};
use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::script;

/// More than the demo stores.
const ALL: usize = 1000;

/// A running receiver; it ends with the process.
pub(super) struct Retailer {
    address: SocketAddr,
    inbox: Arc<SqliteInbox>,
    events: mpsc::UnboundedReceiver<Event>,
    _directory: TempDir,
}

impl Retailer {
    /// Starts a receiver that accepts one token.
    pub(super) async fn start(token: &str) -> Result<Self> {
        let directory = tempfile::tempdir().context("can't create a directory for the inbox")?;
        let inbox = Arc::new(SqliteInbox::open(directory.path().join("events.db")).await?);
        let (sender, events) = mpsc::unbounded_channel();
        let consumer = Consumer::builder(inbox.clone(), "demo").fallback(move |it: Delivery| {
            let sender = sender.clone();
            async move { sender.send(it.event).map_err(|_| "the demo is over") }
        });
        // If it ends, so do the events, which the demo reports.
        tokio::spawn(consumer.run(std::future::pending()));

        let receiver = Receiver::builder(inbox.clone(), Tokens::new([token])?)
            .answer(async |question: Received<EntryCodeVerify>| {
                Ok::<_, Infallible>(script::answer(&question.event))
            })
            .build()?;
        let app = receiver.app("/")?;
        let server = Server::bind("127.0.0.1:0").await?;
        let address = server.address().context("the demo listens nowhere")?;
        tokio::spawn(server.serve(app, std::future::pending()));
        Ok(Self {
            address,
            inbox,
            events,
            _directory: directory,
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next event that the consumer is handed.
    pub(super) async fn next_event(&mut self) -> Result<Event> {
        self.events.recv().await.context("the consumer has ended")
    }

    /// The number of events on disk.
    pub(super) async fn stored(&self) -> Result<usize> {
        let all = EventFilter::default();
        let stored: Vec<StoredEvent> = self.inbox.list(&all, None, ALL).await?;
        Ok(stored.len())
    }

    /// The visits in the inbox, and the number of events that belong to none.
    pub(super) async fn visits(&self) -> Result<(Vec<Visit>, u64)> {
        let mut reader = VisitReader::new(&*self.inbox, EventFilter::default());
        let mut visits = Vec::new();
        while let Some(visit) = reader.next().await? {
            visits.push(visit);
        }
        Ok((visits, reader.without_session().values().sum()))
    }
}
