//! What is true of the inbox on JetStream alone. Each test has a broker of its own.

use std::{sync::Arc, time::Duration};

use aifi_push_brokers::{Broker, Cluster};
use aifi_push_receiver::{Error, Inbox, JetStreamInbox, JetStreamInboxBuilder};

use crate::inbox_suite;

inbox_suite::suite!(new_inbox);

fn builder(broker: &Broker) -> JetStreamInboxBuilder {
    JetStreamInbox::builder(broker.url()).replicas(1)
}

async fn new_inbox() -> (Arc<JetStreamInbox>, Broker) {
    let broker = Broker::start().unwrap();
    let inbox = builder(&broker).open().await.unwrap();
    (Arc::new(inbox), broker)
}
