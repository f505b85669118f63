//! One receiver on an inbox in a file, and what a bad day does to it.

mod connection_flood;
mod crash;
mod disk_full;

use std::path::Path;

use aifi_push_testkit::{ServeProcess, TempInbox};
use anyhow::{Result, ensure};
use tokio::task::block_in_place;

/// Runs the trials, and fails if an acknowledged event was lost.
pub(crate) async fn run(binary: &Path, kills: u32, connections: u32) -> Result<()> {
    let trials = [
        crash::by_kill(binary, kills).await?,
        crash::by_sigterm(binary, kills.div_ceil(5)).await?,
        disk_full::run(binary).await?,
        connection_flood::run(binary, connections).await?,
    ];
    println!("\n| trial | acknowledged | found | lost |\n|---|--:|--:|--:|");
    for trial in &trials {
        let (name, acknowledged, lost) = (trial.name, trial.acknowledged, trial.lost);
        println!(
            "| {name} | {acknowledged} | {} | {lost} |",
            acknowledged - lost
        );
    }
    let lost: usize = trials.iter().map(|trial| trial.lost).sum();
    ensure!(lost == 0, "{lost} acknowledged events were lost");
    Ok(())
}

/// Starts the receiver on an inbox.
fn serve(binary: &Path, inbox: &TempInbox) -> Result<ServeProcess> {
    block_in_place(|| ServeProcess::serve(binary, inbox.directory(), &["--log", "off"]))
}
