//! `inbox restore`

use std::path::PathBuf;

use aifi_push_receiver::inbox::SqliteInbox;

use super::{audit, backup};
use crate::{Outcome, location::Location, output};

/// Put a backup in the place of an inbox. Stop `serve` before.
///
/// The backup is checked before anything is changed, and what is in its place is kept beside it.
/// Consumers go on from where they were when the backup was made.
#[derive(clap::Args)]
pub(super) struct Options {
    /// The backup.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace an inbox that has events.
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(location: &Location, options: Options) -> Outcome {
    let inbox = backup::file_of(location)?;
    let from = options.file.display().to_string();
    let stopped = backup::stopped()?;
    let restored = SqliteInbox::restore(options.file, inbox, options.force, stopped).await;
    let restored = restored.map_err(backup::refused)?;
    if !restored.is_older {
        let inbox = location.open_existing().await?;
        let action = audit::entry("restore", from).count(restored.events);
        audit::record(&*inbox, action).await?;
    }
    output::line(format_args!(
        "{} events restored to {}{}",
        restored.events,
        restored.path.display(),
        backup::newest(&restored)
    ))?;
    if let Some(replaced) = &restored.replaced {
        output::line(format_args!(
            "what was there is kept, with its personal data, as {}",
            replaced.display()
        ))?;
    }
    if restored.is_older {
        output::line("an earlier version wrote it: the next start of `serve` migrates it")?;
    }
    output::line("events that were erased since are in it again: erase them again")?;
    Ok(true)
}
