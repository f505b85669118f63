//! The vendor's own command line, which calls `serve`.

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use super::receiver::Receiver;

/// The line of the vendor's page.
const LINE: &str = include_str!("../../../../openapi/examples/transition-left.documented.sh");
const ORIGIN: &str = "https://oasis-api.public.sandbox.oasis.aifi.com";

/// Replaces the host and nothing else. The line contains no token, though the page requires one: it
/// is accepted where anyone is, and elsewhere with the header that the page describes.
pub(in super::super) fn curl(sh: &Shell) -> Result<()> {
    let strict = Receiver::start(sh, &[])?;
    let line = LINE.replace(ORIGIN, strict.origin());
    let response = run(sh, line.trim_end())?;
    ensure!(
        response.contains("E_UNAUTHORIZED"),
        "without a token: {response}"
    );
    ensure!(strict.stored(sh)? == 0, "it was stored without a token");
    let header = Receiver::authorization();
    check_acknowledged(&run(sh, &format!("{} -H '{header}'", line.trim_end()))?)?;
    ensure!(strict.stored(sh)? == 1, "it was not stored");

    let open = Receiver::start(sh, &["--dangerously-accept-anyone"])?;
    let line = LINE.replace(ORIGIN, open.origin());
    check_acknowledged(&run(sh, line.trim_end())?)?;
    ensure!(open.stored(sh)? == 1, "it was not stored");
    Ok(())
}

fn run(sh: &Shell, line: &str) -> Result<String> {
    let response = cmd!(sh, "sh -c {line}").quiet().ignore_stderr().read()?;
    println!("{response}");
    Ok(response)
}

/// The documented response is a string.
fn check_acknowledged(response: &str) -> Result<String> {
    serde_json::from_str(response).with_context(|| response.to_owned())
}
