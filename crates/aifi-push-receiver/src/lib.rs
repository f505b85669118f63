//! Receives the events that AiFi pushes to a retailer, and acknowledges each when it is durable.
//!
//! The platform calls the retailer's server once for each event and promises no retry. So a
//! [`Receiver`] acknowledges an event only when its bytes are in an [`Inbox`], and a [`Consumer`]
//! handles it from there.
//!
//! ```no_run
//! # #[cfg(all(feature = "server", feature = "sqlite"))]
//! # mod example {
//! use std::{error::Error, io, sync::Arc};
//!
//! use aifi_push::types::TransitionLeft;
//! use aifi_push_receiver::{
//!     Receiver, Server, Tokens,
//!     inbox::{Consumer, Received, SqliteInbox},
//! };
//! use axum::Router;
//!
//! async fn handle(left: Received<TransitionLeft>) -> Result<(), io::Error> {
//!     println!("{}: a customer left store {}", left.id, left.event.store_id);
//!     Ok(())
//! }
//!
//! # async fn run() -> Result<(), Box<dyn Error>> {
//! let inbox = Arc::new(SqliteInbox::open("events.db").await?);
//! let consumer = Consumer::builder(inbox.clone(), "billing").handler(handle);
//! tokio::spawn(consumer.run(std::future::pending()));
//!
//! let receiver = Receiver::builder(inbox, Tokens::new(["secret"])?).build()?;
//! let app = Router::new()
//!     .nest("/webhook", receiver.router())
//!     .merge(receiver.status_router());
//! // Until Ctrl-C.
//! let shutdown = std::future::pending();
//! Server::bind("127.0.0.1:8080").await?.serve(app, shutdown).await;
//! receiver.close().await;
//! # Ok(())
//! # }
//! # }
//! ```
//!
//! # Guarantees
//!
//! - A 2xx means that the body is durable, byte for byte, and survives a crash of the machine.
//! - A body that fails to decode is stored too, and quarantined.
//! - Two identical requests are two events: nothing is dropped because of its content.
//! - A question is stored before [somebody answers](ReceiverBuilder::answer) it.
//!
//! # Features
//!
//! | Name | Description | Default |
//! |---|---|---|
//! | `codegen` | Generates the models at build time, see [`aifi_push`] | yes |
//! | `server` | `Server`. Without it there are routes for an axum application that exists | yes |
//! | `tls` | TLS of `Server` | yes |
//! | `sqlite` | The inbox of one machine, see [`inbox`] | yes |
//! | `admin` | The operator's page | no |
//! | `jetstream` | The inbox of many machines, see [`inbox`] | no |
//!
//! [`Inbox`]: inbox::Inbox
//! [`Consumer`]: inbox::Consumer

#[cfg(feature = "admin")]
mod admin;
mod admission;
mod answer;
mod bearer_layer;
mod consumer_metrics;
mod content_coding;
mod decode;
mod error;
mod figures;
mod log_limit;
mod metrics;
mod metrics_format;
mod receive;
mod receiver;
mod refusal;
mod routes;
#[cfg(feature = "server")]
mod server;
mod state;
mod status;
mod store_metrics;
mod token_metrics;
mod tokens;

#[cfg(feature = "admin")]
pub use admin::AdminSettings;
/// The crate `aifi-push-inbox`: where events are stored, and consumers.
pub use aifi_push_inbox as inbox;
pub use bearer_layer::{BearerLayer, BearerService};
pub use consumer_metrics::ConsumerMetrics;
pub use error::ReceiverError;
#[cfg(feature = "server")]
pub use error::ServerError;
pub use figures::{ConsumerFigures, Figures, FiguresHistory, FiguresReport};
pub use receiver::{Receiver, ReceiverBuilder};
pub use routes::{Routes, RoutesBuilder, WebhookUrl};
#[cfg(feature = "tls")]
pub use server::TlsCertificate;
#[cfg(feature = "server")]
pub use server::{Listener, Server, UnixPeer};
pub use tokens::{Tokens, TokensReplaced};

/// Runs the examples of the README and of the guide, which are of this crate and of those below it.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/sending.md")]
    struct Sending;
    #[doc = include_str!("../../../docs/receiving.md")]
    struct Receiving;
    #[cfg(feature = "admin")]
    #[doc = include_str!("../../../docs/page.md")]
    struct Page;
}
