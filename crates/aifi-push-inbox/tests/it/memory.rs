//! The inbox in memory.

use std::sync::Arc;

use aifi_push_inbox::MemoryInbox;

use crate::conformance;

async fn new_memory() -> (Arc<MemoryInbox>, ()) {
    (Arc::new(MemoryInbox::new()), ())
}

conformance::conformance!(new_memory);
