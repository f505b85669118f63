//! What the tests, the fault injection and the benchmarks of this workspace share.
//!
//! | Feature | What it adds |
//! |---|---|
//! | none | [`ServeProcess`], raw HTTP in [`http`], [`TempInbox`], [`median`] |
//! | `inbox` | `events`, `FaultyInbox` |
//! | `brokers` | `brokers` |

#[cfg(feature = "brokers")]
pub mod brokers;
#[cfg(feature = "inbox")]
pub mod events;
#[cfg(feature = "inbox")]
mod faulty_inbox;
pub mod http;
mod median;
mod serve_process;
mod temp_inbox;

#[cfg(feature = "inbox")]
pub use faulty_inbox::FaultyInbox;
pub use median::median;
pub use serve_process::{ServeProcess, send_signal};
pub use temp_inbox::TempInbox;
