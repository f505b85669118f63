//! The program: static on Linux, so that it runs on any distribution and in an empty image.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::python;

/// The profile of what is released.
pub(crate) const RELEASED: &str = "dist";

/// Traces, which are sent where the environment names a collector.
pub(crate) const FEATURES: &str = "otel";

/// Returns what the program is compiled for: this machine.
pub(crate) fn target(sh: &Shell) -> Result<String> {
    if cfg!(target_os = "linux") {
        return Ok(format!("{}-unknown-linux-musl", std::env::consts::ARCH));
    }
    let version = cmd!(sh, "rustc -vV").quiet().read()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

/// Builds the program from a copy of the workspace, and returns its path.
pub(crate) fn build(sh: &Shell, root: &Path, profile: &str) -> Result<PathBuf> {
    let target = target(sh)?;
    cmd!(sh, "rustup target add {target}")
        .quiet()
        .ignore_stderr()
        .run()
        .with_context(|| format!("the target {target} is missing: install rustup"))?;
    let home = std::env::home_dir().context("no home directory")?;
    // The program contains no path of this machine.
    let prefixes = [(root, "/aifi-push"), (&home, "/home")];
    let remap = |flag: &str| {
        let flags = prefixes.map(|(from, to)| format!("{flag}={}={to}", from.display()));
        flags.join(" ")
    };
    let arguments = [
        "--quiet",
        "--locked",
        "--package",
        "aifi-push-cli",
        "--features",
        FEATURES,
    ];
    let arguments = arguments
        .into_iter()
        .chain(["--profile", profile, "--target", &target]);
    let build = if cfg!(target_os = "linux") {
        // With a C compiler for the target.
        let python = python::install(sh, "ziglang", "0.17.1", "python")?;
        let zigbuild = python::install(sh, "cargo-zigbuild", "0.24.1", "cargo-zigbuild")?;
        let _directory = sh.push_dir(root);
        cmd!(sh, "{zigbuild} zigbuild {arguments...}").env("CARGO_ZIGBUILD_PYTHON_PATH", python)
    } else {
        let _directory = sh.push_dir(root);
        cmd!(sh, "cargo build {arguments...}")
    };
    let _directory = sh.push_dir(root);
    build
        .env("RUSTFLAGS", remap("--remap-path-prefix"))
        .env("CFLAGS", remap("-ffile-prefix-map"))
        // mimalloc contains the time of its compilation.
        .env("SOURCE_DATE_EPOCH", "0")
        .run()?;
    let kind = if profile == "dev" { "debug" } else { profile };
    let name = format!("aifi-push{}", std::env::consts::EXE_SUFFIX);
    Ok(root.join("target").join(target).join(kind).join(name))
}

/// Checks that a program needs no library.
pub(crate) fn is_static(sh: &Shell, program: &Path) -> Result<()> {
    let linked = cmd!(sh, "ldd {program}").quiet().ignore_status().output()?;
    let linked = [linked.stdout, linked.stderr].concat();
    let linked = String::from_utf8_lossy(&linked);
    let is_static = ["statically linked", "not a dynamic executable"];
    ensure!(
        is_static.iter().any(|word| linked.contains(word)),
        "{linked}"
    );
    Ok(())
}
