//! The image of a container, by buildah, without a registry.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Cmd, Shell, cmd};

use super::{commit_time, directory, stage};
use crate::debian;

/// The name of the image.
pub(crate) const NAME: &str = concat!("localhost/aifi-push:", env!("CARGO_PKG_VERSION"));

/// Where a platform has the certificates of authorities, for `--forward` and brokers with TLS.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Builds the image of a program, and returns an archive of it.
pub(crate) fn build(sh: &Shell, program: &Path) -> Result<PathBuf> {
    debian::install(sh, "buildah", "buildah")?;
    let stage = stage(sh, program)?;
    let staged = stage.join("aifi-push");
    cmd!(sh, "strip {staged}").quiet().run()?;
    sh.create_dir(stage.join("empty"))?;
    debian::install(sh, "ca-certificates", "update-ca-certificates")?;
    sh.copy_file(AUTHORITIES, &stage)
        .with_context(|| format!("{AUTHORITIES} is missing: run update-ca-certificates"))?;

    let (time, version) = (commit_time(sh)?, env!("CARGO_PKG_VERSION"));
    buildah(sh, &["build", "--isolation", "chroot"])?
        .args(["--timestamp", &time, "--tag", NAME])
        .args([
            "--label",
            &format!("org.opencontainers.image.version={version}"),
        ])
        .args(["--file", "deploy/Containerfile", "."])
        .run()?;
    let architecture = std::env::consts::ARCH;
    let file = format!("aifi-push-{version}-{architecture}-image.tar");
    let file = directory(sh)?.join(file);
    sh.remove_path(&file)?;
    let archive = format!("docker-archive:{}:{NAME}", file.display());
    buildah(sh, &["push", "--quiet", NAME, &archive])?.run()?;
    Ok(file)
}

/// Returns a command of buildah that stores under `target`, and needs nothing of the kernel.
pub(crate) fn buildah<'a>(sh: &'a Shell, arguments: &[&str]) -> Result<Cmd<'a>> {
    let storage = directory(sh)?.join("containers");
    let (root, run) = (storage.join("root"), storage.join("run"));
    Ok(cmd!(
        sh,
        "buildah --storage-driver vfs --root {root} --runroot {run} {arguments...}"
    ))
}
