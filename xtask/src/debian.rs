//! Programs of Debian.

use std::path::PathBuf;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

/// Installs the package of a program if there is no such program yet, which requires Debian and root.
pub(crate) fn install(sh: &Shell, package: &str, program: &str) -> Result<PathBuf> {
    if find(program).is_none() {
        let context = || format!("{program} is missing: install the Debian package {package}");
        cmd!(sh, "apt-get --quiet --quiet update")
            .run()
            .with_context(context)?;
        cmd!(
            sh,
            "apt-get --quiet --quiet --yes --no-install-recommends install {package}"
        )
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run()
        .with_context(context)?;
    }
    find(program).with_context(|| format!("{package} contains no {program}"))
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // Where programs of root are, whoever looks.
    let directories = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    directories
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
}
