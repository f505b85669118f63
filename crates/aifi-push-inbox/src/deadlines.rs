//! How long each step on the way of an event may take, in one place.
//!
//! A step must give up before whoever waits for it does: else the outer one reports a failure that
//! the inner one would have explained, or repaired. The assertions at the end check this.

use std::time::Duration;

/// How long a request waits for its event to be stored, before it is answered with 503.
pub const REQUEST: Duration = Duration::from_secs(10);

/// How long whoever answers a question may take once its event is stored, unless a receiver is told
/// otherwise: a customer waits.
pub const ANSWER: Duration = Duration::from_secs(3);

/// How long a probe of the inbox, or a scrape of its metrics, may take.
pub const STATUS: Duration = Duration::from_secs(5);

/// How long the inbox may take to store events before they go to the spool.
pub const BEFORE_SPOOL: Duration = Duration::from_secs(3);

/// How long SQLite waits for another process that writes to the file.
pub const SQLITE_BUSY: Duration = Duration::from_secs(5);

/// How long an event is published to brokers again and again: while another broker takes over,
/// nobody acknowledges.
pub const JETSTREAM_APPEND: Duration = Duration::from_secs(6);

/// How long to wait for the acknowledgement of one publish: long enough for a busy disk, and short
/// enough for a second try within [`JETSTREAM_APPEND`].
pub const JETSTREAM_ACKNOWLEDGE: Duration = Duration::from_secs(3);

/// How long a broker may take to answer any other question.
pub const JETSTREAM_ANSWER: Duration = Duration::from_secs(10);

/// How long to try while brokers elect a leader at the start.
pub const JETSTREAM_ELECTION: Duration = Duration::from_secs(15);

/// How long brokers that need not be there are waited for at the start.
pub const JETSTREAM_LAZY_START: Duration = Duration::from_secs(3);

const fn assert_before(inner: Duration, outer: Duration) {
    assert!(inner.as_millis() < outer.as_millis());
}

const _: () = {
    assert_before(SQLITE_BUSY, REQUEST);
    // The last publish may begin just before the end of the time, and is then waited for.
    assert_before(
        Duration::from_millis(
            (JETSTREAM_APPEND.as_millis() + JETSTREAM_ACKNOWLEDGE.as_millis()) as u64,
        ),
        REQUEST,
    );
    assert_before(JETSTREAM_ACKNOWLEDGE, JETSTREAM_APPEND);
    // The spool is on the local disk; what is left must do for a commit behind another process.
    assert_before(
        Duration::from_millis((BEFORE_SPOOL.as_millis() + SQLITE_BUSY.as_millis()) as u64),
        REQUEST,
    );
    assert_before(STATUS, REQUEST);
    // A server that stops gives what is in flight as long as a request may take to be stored.
    assert_before(ANSWER, REQUEST);
    assert_before(JETSTREAM_ANSWER, JETSTREAM_ELECTION);
};
