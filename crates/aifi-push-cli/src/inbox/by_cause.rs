//! All events that are quarantined or dead for one cause.

use aifi_push_receiver::inbox::{Cause, ConsumerName};

#[derive(clap::Args)]
pub(super) struct ByCause {
    /// All events that are quarantined for this cause, as `inbox problems` lists it, or with --consumer its
    /// dead letters.
    #[arg(long, value_name = "TEXT", conflicts_with = "ids")]
    cause: Option<String>,
    /// Consumer whose dead letters have the cause.
    #[arg(long = "consumer", value_name = "NAME", requires = "cause")]
    of_consumer: Option<ConsumerName>,
}

impl ByCause {
    pub(super) fn cause(&self) -> Option<Cause> {
        let text = self.cause.as_deref()?;
        Some(Cause::new(self.of_consumer.clone(), text))
    }
}
