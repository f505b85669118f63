//! How fast a receiver acknowledges events, each on disk, against servers that do less or commit each.

use std::{env, path::Path, process::Command};

use aifi_push_testkit::{ServeProcess, TempInbox};
use anyhow::Result;
use tokio::task::block_in_place;

use crate::{
    rate::{self, ROUNDS, Rate},
    serve,
};

/// Measures and prints a table.
pub(crate) async fn run(binary: &Path) -> Result<()> {
    println!(
        "| connections | events/s | p50 | p99 | ratio to storing nothing | ratio to a commit each |\n\
         |--:|--:|--:|--:|--:|--:|"
    );
    for connections in [1, 64, 512] {
        let mut rounds = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            let inbox = TempInbox::new()?;
            rounds[0].push(measure(serve(binary, &inbox)?, connections).await?);
            rounds[1].push(measure(baseline("nothing")?, connections).await?);
            rounds[2].push(measure(baseline("commit-each")?, connections).await?);
        }
        let [ours, nothing, each] = rounds.map(Rate::median);
        let (ours, nothing, each) = (ours?, nothing?.per_second, each?.per_second);
        println!(
            "| {connections} | {:.0} | {:.1?} | {:.1?} | {:.2}× of {nothing:.0} | {:.1}× of {each:.0} |",
            ours.per_second,
            ours.p50,
            ours.p99,
            ours.per_second / nothing,
            ours.per_second / each,
        );
    }
    Ok(())
}

fn baseline(kind: &str) -> Result<ServeProcess> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["baseline", kind]);
    block_in_place(|| ServeProcess::start(command))
}

async fn measure(process: ServeProcess, connections: usize) -> Result<Rate> {
    let rate = rate::measure(&[process.address()], connections).await?;
    block_in_place(|| process.kill())?;
    Ok(rate)
}
