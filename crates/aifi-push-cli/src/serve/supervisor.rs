//! The tasks of `serve`: none of them may end unnoticed.

use std::{collections::HashMap, future::Future};

use anyhow::{Error, Result, anyhow};
use tokio::task::{Id, JoinError, JoinSet};

/// Tasks by name. A task that ends before it is to, or panics, is a failure of the whole.
#[derive(Default)]
pub(super) struct Supervisor {
    tasks: JoinSet<Result<()>>,
    names: HashMap<Id, &'static str>,
}

impl Supervisor {
    pub(super) fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<()>> + Send + 'static,
    ) {
        let handle = self.tasks.spawn(task);
        self.names.insert(handle.id(), name);
    }

    /// Waits until a task ends, which is a failure whatever it returned.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub(super) async fn first_end(&mut self) -> Error {
        match self.tasks.join_next_with_id().await {
            Some(ended) => self.ended(ended),
            None => std::future::pending().await,
        }
    }

    /// Waits for tasks that were told to end.
    pub(super) async fn end_of(&mut self, names: &[&str]) {
        while self.names.values().any(|name| names.contains(name)) {
            let Some(ended) = self.tasks.join_next_with_id().await else {
                return;
            };
            let is_failure = !matches!(ended, Ok((_, Ok(()))));
            let error = self.ended(ended);
            if is_failure {
                tracing::error!(error = format!("{error:#}"), "failed while stopping");
            }
        }
    }

    fn ended(&mut self, ended: Result<(Id, Result<()>), JoinError>) -> Error {
        match ended {
            Ok((id, result)) => {
                let name = self.names.remove(&id).unwrap_or_default();
                match result {
                    Ok(()) => anyhow!("{name}: ended by itself"),
                    Err(error) => error.context(name),
                }
            }
            Err(error) => {
                let name = self.names.remove(&error.id()).unwrap_or_default();
                anyhow!("{name}: {error}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Supervisor;

    #[tokio::test]
    async fn a_task_that_ends_is_a_failure() {
        let mut supervisor = Supervisor::default();
        supervisor.spawn("forever", std::future::pending());
        supervisor.spawn("panics", async { panic!("forced") });
        let error = supervisor.first_end().await.to_string();
        assert!(
            error.starts_with("panics: task ") && error.contains("panicked"),
            "{error}"
        );
        supervisor.spawn("returns", async { Ok(()) });
        let error = supervisor.first_end().await;
        assert_eq!(error.to_string(), "returns: ended by itself");
        supervisor.spawn("fails", async { anyhow::bail!("no inbox") });
        let error = supervisor.first_end().await;
        assert_eq!(format!("{error:#}"), "fails: no inbox");
    }

    #[tokio::test]
    async fn what_is_told_to_end_is_waited_for() {
        let mut supervisor = Supervisor::default();
        supervisor.spawn("forever", std::future::pending());
        supervisor.spawn("ends", async { Ok(()) });
        supervisor.end_of(&["ends"]).await;
        supervisor.end_of(&["nobody"]).await;
    }
}
