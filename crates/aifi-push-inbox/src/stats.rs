//! How much is in an inbox, and how far each consumer is.

use chrono::{DateTime, Utc};

/// How much is in an inbox.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InboxStats {
    /// The number of events.
    pub events: u64,
    /// The bytes that they take: of their bodies, or including what the inbox adds to each.
    pub bytes: u64,
    /// The number of quarantined events.
    pub quarantined: u64,
    /// When the oldest event arrived.
    pub oldest: Option<DateTime<Utc>>,
    /// The room that is left on the disk, in bytes, if the inbox is on this machine and it is known.
    pub disk_free: Option<u64>,
    /// The consumers, by name.
    pub consumers: Vec<ConsumerStats>,
}

/// How far a consumer is.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerStats {
    /// Its name.
    pub name: String,
    /// The number of events that it has yet to acknowledge.
    pub pending: u64,
    /// When the oldest of these arrived.
    pub oldest_pending: Option<DateTime<Utc>>,
    /// The number of its dead letters.
    pub dead: u64,
    /// Whether it is [paused](crate::Admin::pause_consumer).
    pub is_paused: bool,
}
