//! The Debian package, by cargo-deb: its contents are listed in crates/aifi-push-cli/Cargo.toml.

use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Shell, cmd};

use super::{commit_time, directory, program, stage};
use crate::crates_io;

/// Who looks after the package, in its changelog and its description. Debian requires an address, and the project
/// has none: problems belong where its code is.
const MAINTAINER: &str = "The aifi-push developers <no-address@aifi-push.invalid>";

/// Builds the package of a program, in the version of the workspace if no other is given.
pub(crate) fn build(sh: &Shell, program: &Path, version: Option<&str>) -> Result<PathBuf> {
    // A debug build of it is installed in half a minute, and packages as well where it leaves the compression to xz.
    let cargo_deb = crates_io::install(sh, "cargo-deb@3.6.4", &["--debug"])?;
    let workspace = concat!(env!("CARGO_PKG_VERSION"), "-1");
    let version = version.unwrap_or(workspace);
    let stage = stage(sh, program)?;
    let staged = stage.join("aifi-push");
    cmd!(sh, "strip {staged}").quiet().run()?;
    sh.write_file(stage.join("changelog"), changelog(sh, version)?)?;

    let (target, time) = (program::target(sh)?, commit_time(sh)?);
    let directory = directory(sh)?;
    let file = cmd!(
        sh,
        "{cargo_deb} --quiet --package aifi-push-cli --no-build --target {target}
            --deb-version {version} --maintainer {MAINTAINER} --compress-system --output {directory}/"
    )
    .env("SOURCE_DATE_EPOCH", time)
    .read()?;
    Ok(file.into())
}

/// What changed is in CHANGELOG.md, which the package contains beside this.
fn changelog(sh: &Shell, version: &str) -> Result<String> {
    let date = cmd!(sh, "git log -1 --format=%cd --date=rfc")
        .quiet()
        .read()?;
    Ok(format!(
        "aifi-push ({version}) stable; urgency=medium\n\n  * See changelog.gz.\n\n -- {MAINTAINER}  {date}\n"
    ))
}
