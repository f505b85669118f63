//! Every action is written down, with who did it.

use std::{future::Future, sync::Arc};

use aifi_push_inbox::AuditEntry;

use super::{AdminState, access::Visitor, error::PageError, within};

/// What somebody is about to do.
pub(super) struct Action {
    pub(super) name: &'static str,
    pub(super) target: String,
    pub(super) reason: Option<String>,
}

impl Action {
    pub(super) fn new(name: &'static str, target: impl Into<String>) -> Self {
        Self {
            name,
            target: target.into(),
            reason: None,
        }
    }

    pub(super) fn reason(mut self, reason: String) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Does it, and records whether it was done and to how many events, which `work` returns also when it
    /// fails. It goes on when the browser no
    /// longer waits, so that nothing is done by half and without an entry.
    pub(super) async fn perform<T, E>(
        self,
        state: &Arc<AdminState>,
        visitor: &Visitor,
        work: impl Future<Output = (u64, Result<T, E>)> + Send + 'static,
    ) -> Result<T, PageError>
    where
        T: Send + 'static,
        E: Into<PageError> + Send + 'static,
    {
        let (state, actor) = (Arc::clone(state), visitor.actor());
        let ended = tokio::spawn(async move {
            let (count, outcome) = work.await;
            let outcome = outcome.map_err(Into::into);
            if count == 0 && matches!(&outcome, Err(error) if error.is_not_found()) {
                // There was nothing to do it to.
                return outcome;
            }
            let failed = outcome.is_err();
            let failed = failed.then_some("it failed, and may be done in part");
            let recorded = self.record(&state, actor, count, failed).await;
            let done = outcome?;
            recorded.map(|()| done)
        });
        ended.await.map_err(|_| PageError::InboxSilent)?
    }

    async fn record(
        self,
        state: &AdminState,
        actor: String,
        count: u64,
        failure: Option<&str>,
    ) -> Result<(), PageError> {
        let name = match failure {
            None => self.name.to_owned(),
            Some(_) => format!("{} failed", self.name),
        };
        let entry = AuditEntry::new(actor, name, self.target).count(count);
        let reason = [self.reason.as_deref(), failure];
        let reason: Vec<_> = reason.into_iter().flatten().collect();
        let entry = match &*reason {
            [] => entry,
            reason => entry.reason(reason.join("; ")),
        };
        let recorded = within(state.inbox().record_action(entry.clone())).await;
        if recorded.is_err() {
            // The log is the next best place.
            let AuditEntry {
                actor,
                action,
                target,
                ..
            } = &entry;
            tracing::error!(
                actor,
                action,
                target,
                count,
                "an action is not in the audit"
            );
        }
        recorded
    }
}
