//! The vendor's own command line, which calls `serve`.

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::serving::{self, Serving};

/// As on the vendor's page.
const LINE: &str = include_str!("../../../../openapi/examples/transition-left.documented.sh");
const ORIGIN: &str = "https://oasis-api.public.sandbox.oasis.aifi.com";

/// Replaces the host and nothing else. The page's line holds no token, though the page asks for one:
/// so it is let in where everybody is, and elsewhere with the header that the page describes.
pub(in super::super) fn curl(sh: &Shell) -> Result<()> {
    serving::build(sh)?;
    let base_path = "/api/push/transition";
    let strict = Serving::start(sh, base_path, &[])?;
    let line = LINE.replace(ORIGIN, &strict.origin);
    let answer = run(sh, line.trim_end())?;
    ensure!(
        answer.contains("E_UNAUTHORIZED"),
        "without a token: {answer}"
    );
    ensure!(strict.stored(sh)? == 0, "it was stored without a token");
    let header = strict.authorization();
    acknowledged(&run(sh, &format!("{} -H '{header}'", line.trim_end()))?)?;
    ensure!(strict.stored(sh)? == 1, "it was not stored");
    drop(strict);

    let open = Serving::start(sh, base_path, &["--dangerously-accept-anyone"])?;
    acknowledged(&run(sh, LINE.replace(ORIGIN, &open.origin).trim_end())?)?;
    ensure!(open.stored(sh)? == 1, "it was not stored");
    Ok(())
}

fn run(sh: &Shell, line: &str) -> Result<String> {
    let answer = cmd!(sh, "sh -c {line}").quiet().ignore_stderr().read()?;
    println!("{answer}");
    Ok(answer)
}

/// The documented answer: a string.
fn acknowledged(answer: &str) -> Result<String> {
    serde_json::from_str(answer).with_context(|| answer.to_owned())
}
