//! External checks, installed under `target/external` in fixed versions.

mod curl;
mod prism;
mod receiver;

use std::path::PathBuf;

use anyhow::{Result, ensure};
pub(super) use curl::curl;
pub(super) use prism::prism;
use receiver::Receiver;
use xshell::{Shell, cmd};

use crate::{
    compare, crates_io, python,
    workspace::{self, DOCUMENT},
};

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

/// From PyPI: calls `serve` with what the document allows and forbids.
///
/// Whether it refuses the latter is not checked: it accepts what breaks the type of a property that
/// the vendor does not document.
pub(super) fn schemathesis(sh: &Shell) -> Result<()> {
    const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
        response_schema_conformance,response_headers_conformance,positive_data_acceptance,\
        ignored_auth,unsupported_method";
    let schemathesis = python::install(sh, "schemathesis", "4.32.5", "schemathesis")?;
    // A question that the document has an answer to: nobody answers at the port of the discard service.
    let answers = [
        "--answer",
        "entry-code-verify=http://127.0.0.1:9",
        "--answer-fallback",
        r#"entry-code-verify={"status":"FAILED"}"#,
    ];
    let receiver = Receiver::start(sh, &answers)?;
    let (url, authorization) = (receiver.origin(), Receiver::authorization());
    Ok(cmd!(
        sh,
        "{schemathesis} run {DOCUMENT} --url {url} --header {authorization} --checks {CHECKS}
            --max-examples 25 --seed 1"
    )
    .run()?)
}

/// From PyPI: a client that it generates from the document, which calls `serve`.
pub(super) fn openapi_generator(sh: &Shell) -> Result<()> {
    const EVENT: &str = "openapi/examples/transition-left.documented.json";
    let client = compare::openapi_generator(sh)?.build(sh, "dev")?;
    let receiver = Receiver::start(sh, &[])?;
    let origin = receiver.origin();
    cmd!(sh, "{client} send {EVENT} {origin}")
        .env("AIFI_PUSH_TOKEN", Receiver::TOKEN)
        .run()?;
    ensure!(receiver.stored(sh)? == 1, "the event is not in the inbox");
    Ok(())
}

/// From npm.
pub(super) fn redocly(sh: &Shell) -> Result<()> {
    let redocly = npm(sh, "@redocly/cli@2.77.0", "redocly")?;
    let lint = cmd!(sh, "{redocly} lint --extends recommended {DOCUMENT}");
    Ok(lint.env("REDOCLY_TELEMETRY", "off").run()?)
}

/// From crates.io.
pub(super) fn cargo_deny(sh: &Shell) -> Result<()> {
    let deny = crates_io::install(sh, "cargo-deny@0.20.2", &[])?;
    Ok(cmd!(sh, "{deny} --all-features check bans licenses sources").run()?)
}

/// Installs a package of npm, and returns the path of one of its programs.
pub(super) fn npm(sh: &Shell, package: &str, program: &str) -> Result<PathBuf> {
    // Of its own: npm removes other packages from it.
    let directory = workspace::external(sh).join("npm").join(program);
    sh.create_dir(&directory)?;
    cmd!(
        sh,
        "npm install --silent --no-save --prefix {directory} {package}"
    )
    .run()?;
    Ok(directory.join("node_modules/.bin").join(program))
}
