//! What operators did to an inbox.

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

/// How many actions an inbox remembers. Older ones are forgotten.
pub(crate) const MAX_ACTIONS: u64 = 100_000;

/// An action of an operator.
///
/// It contains no personal data: whoever records one names events by their ids, and leaves the ids of
/// customers and sessions out of target and reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
// Another version may have written it.
#[serde(default)]
#[non_exhaustive]
pub struct AuditEntry {
    /// The number, which the inbox assigns: numbers grow and may have gaps.
    pub number: u64,
    /// When it was done, to the microsecond.
    pub at: DateTime<Utc>,
    /// Who did it, such as `cli:root`.
    pub actor: String,
    /// What was done, such as `requeue`.
    pub action: String,
    /// To what: ids of events, the name of a consumer, or what selected them.
    pub target: String,
    /// To how many events.
    pub count: u64,
    /// Why, in the words of the operator.
    pub reason: Option<String>,
}

impl AuditEntry {
    /// Creates an entry about something that is done now, to no event yet.
    pub fn new(
        actor: impl Into<String>,
        action: impl Into<String>,
        target: impl Into<String>,
    ) -> Self {
        Self {
            number: 0,
            at: Utc::now().trunc_subsecs(6),
            actor: actor.into(),
            action: action.into(),
            target: target.into(),
            count: 0,
            reason: None,
        }
    }

    /// Sets to how many events it was done. Defaults to 0.
    pub fn count(mut self, events: u64) -> Self {
        self.count = events;
        self
    }

    /// Sets why it was done. Defaults to `None`.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}
