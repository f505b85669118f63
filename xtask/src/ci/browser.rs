//! The operator's page in a browser: the programs of `xtask/browser`, run by Node.js with Debian's Chromium.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::{debian, python, workspace};

const DIRECTORY: &str = "xtask/browser";

/// The tests of what an inbox does, which brokers do in their own way.
const OF_THE_INBOX: [&str; 3] = ["consumers", "live", "problems"];

/// Runs the tests on SQLite, and those of the inbox on a broker. They write a screenshot of each page, and
/// of each failure, into `target/browser`.
pub(super) fn check(sh: &Shell) -> Result<()> {
    sh.remove_path("target/browser")?;
    let is_test = |path: &PathBuf| path.to_string_lossy().ends_with(".test.mjs");
    let mut tests = sh.read_dir(DIRECTORY)?;
    tests.retain(is_test);
    ensure!(!tests.is_empty(), "there is no test in {DIRECTORY}");
    let options = ["--test", "--test-concurrency=2", "--test-reporter=spec"];
    node(sh)?.args(options).args(tests).run()?;

    python::nats_server(sh)?;
    let broker = workspace::external(sh).join("python/bin/nats-server");
    let tests = OF_THE_INBOX.map(|name| format!("{DIRECTORY}/{name}.test.mjs"));
    let node = node(sh)?.env("BROWSER_TEST_NATS_SERVER", broker);
    Ok(node.args(options).args(tests).run()?)
}

/// Takes the screenshots of the guide.
pub(crate) fn screenshots(sh: &Shell) -> Result<()> {
    debian::install(sh, "faketime", "faketime")?;
    let node = node(sh)?.arg(format!("{DIRECTORY}/docs.mjs"));
    Ok(node.arg("docs/page").run()?)
}

/// Node.js, with what its programs need.
fn node(sh: &Shell) -> Result<Cmd<'_>> {
    let output = sh.current_dir().join("target/browser");
    sh.create_dir(&output)?;
    let node = cmd!(sh, "node")
        .env(
            "BROWSER_TEST_CHROMIUM",
            debian::install(sh, "chromium", "chromium")?,
        )
        .env("BROWSER_TEST_PACKAGES", install_packages(sh)?)
        .env("BROWSER_TEST_PROGRAM", workspace::build_program(sh)?)
        .env("BROWSER_TEST_OUTPUT", output);
    Ok(node)
}

/// Installs the packages of the lock file, and returns where.
fn install_packages(sh: &Shell) -> Result<PathBuf> {
    let directory = workspace::external(sh).join("npm/browser");
    sh.create_dir(&directory)?;
    for file in ["package.json", "package-lock.json"] {
        sh.copy_file(format!("{DIRECTORY}/{file}"), &directory)?;
    }
    // With `--prefix`, it takes the packages for those of another project.
    let _directory = sh.push_dir(&directory);
    cmd!(sh, "npm ci --silent --ignore-scripts").run()?;
    Ok(sh.current_dir())
}
