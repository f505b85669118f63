//! Publishers that do nothing else, to a stream of the same replicas.

use aifi_push_testkit::{brokers::Cluster, events::documented};
use anyhow::Result;
use async_nats::jetstream::{
    self, Context,
    message::PublishMessage,
    stream::{Config, DiscardPolicy},
};
use bytes::Bytes;
use tokio::{
    task::{JoinSet, block_in_place},
    time::{Instant, sleep},
};
use uuid::Uuid;

use crate::rate::{DURATION, Rate};

/// What is published, with the same body.
#[derive(Clone, Copy)]
pub(super) enum Message {
    /// The body alone, all under one subject.
    Bare,
    /// The message of a receiver: under a subject of its own, with its id, its time and the name of
    /// the stream, to a stream that refuses a second of the same subject.
    Same,
}

impl Message {
    fn stream(self) -> Config {
        let config = Config {
            name: "BASELINE".to_owned(),
            subjects: vec!["baseline.>".to_owned()],
            num_replicas: 3,
            ..Config::default()
        };
        match self {
            Self::Bare => config,
            Self::Same => Config {
                discard: DiscardPolicy::New,
                max_messages_per_subject: 1,
                discard_new_per_subject: true,
                ..config
            },
        }
    }

    async fn publish(self, context: &Context, body: Bytes) -> Result<()> {
        let message = PublishMessage::build().payload(body);
        let sent = match self {
            Self::Bare => context.send_publish("baseline.event", message).await?,
            Self::Same => {
                let id = Uuid::now_v7().to_string();
                let message = message
                    .message_id(&id)
                    .expected_stream("BASELINE")
                    .header("Received-At", "2026-11-24T10:00:00.000000Z");
                context
                    .send_publish(format!("baseline.event.{id}"), message)
                    .await?
            }
        };
        sent.await?;
        Ok(())
    }
}

/// Publishes with so many in flight at a time.
pub(super) async fn publish(in_flight: usize, message: Message) -> Result<Rate> {
    let cluster = block_in_place(Cluster::start)?;
    let url = cluster.url();
    let servers: Vec<_> = url.trim_start_matches("nats://").split(',').collect();
    let context = jetstream::new(async_nats::connect(servers).await?);
    while context.create_stream(message.stream()).await.is_err() {
        sleep(DURATION / 10).await;
    }
    let body = Bytes::from_static(documented().as_bytes());
    let mut publishers = JoinSet::new();
    let start = Instant::now();
    for _ in 0..in_flight {
        let (context, body) = (context.clone(), body.clone());
        publishers.spawn(async move {
            let mut times = Vec::new();
            while start.elapsed() < DURATION {
                let sent = Instant::now();
                message.publish(&context, body.clone()).await?;
                times.push(sent.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    Rate::of(publishers, start).await
}
