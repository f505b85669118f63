//! A durable inbox for the events that AiFi pushes to a retailer, and consumers that handle them.
//!
//! The platform calls the retailer's server once for each event and promises no retry. So a receiver
//! acknowledges an event only when it is durable in an [`Inbox`], and [`Consumer`]s handle it from
//! there, at least once. This crate contains no HTTP: `aifi-push-receiver` stores what arrives, and a
//! consumer may run on another machine.
//!
//! ```no_run
//! use std::{error::Error, io, sync::Arc};
//!
//! use aifi_push::types::TransitionLeft;
//! use aifi_push_inbox::{Consumer, Received};
//! # #[cfg(feature = "sqlite")]
//! use aifi_push_inbox::SqliteInbox;
//!
//! async fn bill(left: Received<TransitionLeft>) -> Result<(), io::Error> {
//!     println!("{}: a customer left store {}", left.id, left.event.store_id);
//!     Ok(())
//! }
//!
//! # #[cfg(feature = "sqlite")]
//! # async fn run() -> Result<(), Box<dyn Error>> {
//! let inbox = Arc::new(SqliteInbox::open("events.db").await?);
//! // Until Ctrl-C.
//! let shutdown = std::future::pending();
//! Consumer::builder(inbox, "billing").handler(bill).run(shutdown).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! - When [`Append::append`] returns, an event survives a crash of the process and of the machine.
//! - Two identical bodies are two events: nothing is dropped because of its content.
//! - A consumer receives each event at least once, and may receive it again after a crash. There is no
//!   order among events that failed and others: compare the times in the events where it matters.
//!
//! # Features
//!
//! | Name | Description | Default |
//! |---|---|---|
//! | `codegen` | Generates the models at build time, see [`aifi_push`] | yes |
//! | `sqlite` | `SqliteInbox` for one machine, and `SpooledInbox` | yes |
//! | `jetstream` | `JetStreamInbox` for many machines | no |

mod audit;
mod consumer;
mod consumer_name;
pub mod deadlines;
mod delivery;
mod error;
mod error_chain;
mod event;
mod inbox;
#[cfg(feature = "jetstream")]
mod jetstream;
mod memory;
mod problems;
mod retention;
#[cfg(feature = "sqlite")]
mod spool;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stats;
mod stored;
mod subject;
mod trace_parent;
mod via;
mod visits;

pub use aifi_push::{RetryPolicy, SubjectKind};
pub use audit::AuditEntry;
pub use consumer::{Consumer, ConsumerBuilder, ConsumerObserver, HandlerError, Received};
pub use consumer_name::{ConsumerName, InvalidConsumerName};
pub use delivery::{Delivery, Outcome, Receipt};
#[cfg(feature = "sqlite")]
pub use error::BackupError;
pub use error::{AdminError, AppendError, BoxError, ConsumerError, OpenError, SubscribeError};
pub use error_chain::ErrorChain;
pub use event::{Digest, Event, NewEvent, Verdict};
pub use inbox::{
    Admin, Append, Inbox, StartPosition, Subscribe, SubscribeOptions, Subscribed, Subscription,
};
#[cfg(feature = "jetstream")]
pub use jetstream::{JetStreamInbox, JetStreamInboxBuilder};
pub use memory::MemoryInbox;
pub use problems::{Cause, Problem, Requeued};
pub use retention::{Pruned, Retention};
#[cfg(feature = "sqlite")]
pub use spool::SpooledInbox;
#[cfg(feature = "sqlite")]
pub use sqlite::{InboxCopy, SqliteInbox};
pub use stats::{ConsumerStats, InboxStats};
pub use stored::{DeliveryStatus, EventFilter, EventState, Position, StoredEvent};
pub use subject::Subject;
pub use trace_parent::{InvalidTraceParent, TRACE_PARENT_HEADER, TraceParent};
pub use via::{ATTEMPT_HEADER, MAX_HOPS, VIA_HEADER};
pub use visits::{
    EventAbout, Visit, VisitEvent, VisitOrder, VisitPart, VisitReader, VisitStore, VisitZone,
    Visits,
};
