//! Independent judges, installed under `target/judges` in fixed versions.

use std::path::PathBuf;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{python, serving::Serving, workspace::DOCUMENT};

/// From PyPI.
pub(super) fn openapi_spec_validator(sh: &Shell) -> Result<()> {
    let validator = python::install(
        sh,
        "openapi-spec-validator",
        "0.9.0",
        "openapi-spec-validator",
    )?;
    Ok(cmd!(sh, "{validator} {DOCUMENT}").run()?)
}

/// From PyPI: calls `serve` with whatever the document allows and forbids.
pub(super) fn schemathesis(sh: &Shell) -> Result<()> {
    const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
        response_schema_conformance,response_headers_conformance,negative_data_rejection,\
        positive_data_acceptance,ignored_auth,unsupported_method";
    let schemathesis = python::install(sh, "schemathesis", "4.32.5", "schemathesis")?;
    let serving = Serving::start(sh, "/api/push/transition")?;
    let (url, authorization) = (&serving.origin, serving.authorization());
    Ok(cmd!(
        sh,
        "{schemathesis} run {DOCUMENT} --url {url} --header {authorization} --checks {CHECKS}
            --max-examples 100 --seed 1"
    )
    .run()?)
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
