//! Independent judges, installed under `target/judges` in fixed versions.

use std::path::PathBuf;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::workspace::DOCUMENT;

/// From PyPI.
pub(super) fn openapi_spec_validator(sh: &Shell) -> Result<()> {
    let environment = directory(sh).join("python");
    let pip = environment.join("bin/pip");
    if !sh.path_exists(&pip) {
        cmd!(sh, "python3 -m venv {environment}").run()?;
    }
    cmd!(sh, "{pip} install --quiet openapi-spec-validator==0.9.0").run()?;
    let validator = environment.join("bin/openapi-spec-validator");
    Ok(cmd!(sh, "{validator} {DOCUMENT}").run()?)
}

/// From npm.
pub(super) fn redocly(sh: &Shell) -> Result<()> {
    let directory = directory(sh).join("npm");
    sh.create_dir(&directory)?;
    cmd!(
        sh,
        "npm install --silent --no-save --prefix {directory} @redocly/cli@2.77.0"
    )
    .run()?;
    let redocly = directory.join("node_modules/.bin/redocly");
    let lint = cmd!(sh, "{redocly} lint --extends recommended {DOCUMENT}");
    Ok(lint.env("REDOCLY_TELEMETRY", "off").run()?)
}

/// From crates.io.
pub(super) fn cargo_deny(sh: &Shell) -> Result<()> {
    let directory = directory(sh).join("cargo");
    cmd!(
        sh,
        "cargo install --quiet --locked --root {directory} cargo-deny@0.20.2"
    )
    .run()?;
    let deny = directory.join("bin/cargo-deny");
    Ok(cmd!(sh, "{deny} --all-features check bans licenses sources").run()?)
}

fn directory(sh: &Shell) -> PathBuf {
    sh.current_dir().join("target/judges")
}
