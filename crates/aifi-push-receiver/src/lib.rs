//! Receive the events that AiFi pushes when a customer leaves a store, and lose none.
//!
//! The platform calls the retailer's server once for each event and promises no retry. So a
//! [`Receiver`] acknowledges an event only when its bytes are on disk, in an [`Inbox`], and a
//! [`Consumer`] is handed it from there until it is done with it.
//!
//! ```no_run
//! use std::{error::Error, io, sync::Arc};
//!
//! use aifi_push::types::TransitionLeft;
//! use aifi_push_receiver::{Consumer, Received, Receiver, Server, SqliteInbox, Tokens};
//! use axum::Router;
//!
//! async fn handle(left: Received<TransitionLeft>) -> Result<(), io::Error> {
//!     println!("{}: somebody left store {}", left.id, left.event.store_id);
//!     Ok(())
//! }
//!
//! # async fn run() -> Result<(), Box<dyn Error>> {
//! let inbox = Arc::new(SqliteInbox::open("events.db").await?);
//! let consumer = Consumer::new(inbox.clone(), "billing").on(handle);
//! tokio::spawn(consumer.run(std::future::pending()));
//!
//! let receiver = Receiver::builder(inbox, Tokens::new(["secret"])?).build()?;
//! let app = Router::new()
//!     .nest("/webhook", receiver.router())
//!     .merge(receiver.status_router());
//! // Until Ctrl-C.
//! let stop = std::future::pending();
//! Server::bind("127.0.0.1:8080").await?.serve(app, stop).await;
//! receiver.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//!
//! - A 2xx means that the body is on disk, byte for byte, and survives a crash of the machine.
//! - A body that does not decode is stored too, and set aside: [`Inbox::quarantine`].
//! - Two identical notifications are two events: nothing is dropped by its content.
//! - A consumer sees each event at least once, and may see it again after a crash. There is no order
//!   among events that failed and others; compare the times in the events where it matters.
//!
//! # Features
//!
//! | Name | Description | Default |
//! |---|---|---|
//! | `codegen` | Generate the models at build time, see [`aifi_push`] | yes |
//! | `nats` | The inbox on NATS JetStream, for receivers on many machines | no |

mod chain;
mod consumer;
mod error;
mod event;
mod inbox;
#[cfg(feature = "nats")]
mod jetstream;
mod metrics;
mod queue;
mod receive;
mod receiver;
mod refusal;
mod server;
mod shared;
mod spool;
mod sqlite;
mod status;
mod tokens;

pub use consumer::{Consumer, Received};
pub use error::Error;
pub use event::{Digest, Event};
pub use inbox::{
    ConsumerStats, Delivery, DeliveryState, Entry, Filter, Inbox, Outcome, Position, Pruned,
    Receipt, Retention, State, Stats,
};
#[cfg(feature = "nats")]
pub use jetstream::{JetStreamInbox, JetStreamInboxBuilder};
pub use receiver::{Receiver, ReceiverBuilder};
pub use server::Server;
pub use spool::SpooledInbox;
pub use sqlite::SqliteInbox;
pub use tokens::Tokens;

/// Runs the examples of the README and of the guide, which are of this crate and of those below it.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/sending.md")]
    struct Sending;
    #[doc = include_str!("../../../docs/receiving.md")]
    struct Receiving;
}
