//! `cargo xtask release`: the files of a release, and checks of them.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::{crates_io, downstream, python, workspace};

/// Static, so that it runs on any Linux.
const TARGET: &str = "x86_64-unknown-linux-musl";

/// Checks the workspace with the oldest Rust that `rust-version` allows.
pub(crate) fn oldest_rust(sh: &Shell) -> Result<()> {
    let version = env!("CARGO_PKG_RUST_VERSION");
    cmd!(sh, "rustup toolchain install {version} --profile minimal")
        .run()
        .context("the toolchain is missing: install rustup")?;
    let check = cmd!(
        sh,
        "rustup run {version} cargo check --quiet --workspace --all-targets --locked"
    );
    Ok(check.env("CARGO_TARGET_DIR", "target/oldest-rust").run()?)
}

/// Builds the program twice, in two directories, to the same bytes; lists what it contains; packages.
pub(crate) fn files(sh: &Shell) -> Result<()> {
    let files = sh.current_dir().join("target/release-files");
    sh.remove_path(&files)?;
    sh.create_dir(&files)?;
    cmd!(sh, "rustup target add {TARGET}")
        .run()
        .with_context(|| format!("the target {TARGET} is missing: install rustup"))?;

    let program = files.join("aifi-push");
    sh.copy_file(build(sh, &sh.current_dir())?, &program)?;
    let copy = workspace::copy(sh, "target/release-copy")?;
    let again = build(sh, &copy)?;
    cmd!(sh, "cmp {program} {again}")
        .run()
        .context("two builds in two directories differ")?;
    let linked = cmd!(sh, "ldd {program}").ignore_status().output()?;
    let linked = [linked.stdout, linked.stderr].concat();
    let linked = String::from_utf8_lossy(&linked);
    let is_static = ["statically linked", "not a dynamic executable"];
    ensure!(
        is_static.iter().any(|word| linked.contains(word)),
        "{linked}"
    );
    cmd!(sh, "{program} demo").run()?;

    sh.write_file(files.join("aifi-push.cdx.json"), sbom(sh, &copy)?)?;
    downstream::package(sh)?;
    let packages = sh.read_dir("target/package")?.into_iter();
    for package in packages.filter(|path| path.extension().is_some_and(|it| it == "crate")) {
        sh.copy_file(package, &files)?;
    }
    let _directory = sh.push_dir(&files);
    let names = sh.read_dir(".")?;
    let names: Vec<_> = names.iter().filter_map(|path| path.file_name()).collect();
    let sums = cmd!(sh, "sha256sum {names...}").read()?;
    sh.write_file("SHA256SUMS", sums + "\n")?;
    Ok(cmd!(sh, "ls -l").run()?)
}

/// Builds the program from a copy of the workspace, with a C compiler for the target.
fn build(sh: &Shell, root: &Path) -> Result<std::path::PathBuf> {
    let python = python::install(sh, "ziglang", "0.17.1", "python")?;
    let zigbuild = python::install(sh, "cargo-zigbuild", "0.24.1", "cargo-zigbuild")?;
    let home = std::env::home_dir().context("no home directory")?;
    // The program contains no path of this machine.
    let prefixes = [(root, "/aifi-push"), (&home, "/home")];
    let rust: Vec<_> = prefixes
        .iter()
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
        .collect();
    let c: Vec<_> = prefixes
        .iter()
        .map(|(from, to)| format!("-ffile-prefix-map={}={to}", from.display()))
        .collect();
    let _directory = sh.push_dir(root);
    cmd!(
        sh,
        "{zigbuild} zigbuild --quiet --locked --profile dist --target {TARGET} --package aifi-push-cli"
    )
    .env("CARGO_ZIGBUILD_PYTHON_PATH", python)
    .env("RUSTFLAGS", rust.join(" "))
    .env("CFLAGS", c.join(" "))
    // mimalloc contains the time of its compilation.
    .env("SOURCE_DATE_EPOCH", "0")
    .run()?;
    Ok(root.join("target").join(TARGET).join("dist/aifi-push"))
}

/// Returns a bill of materials of the program, as CycloneDX.
fn sbom(sh: &Shell, copy: &Path) -> Result<String> {
    let cyclonedx = crates_io::install(sh, "cargo-cyclonedx@0.5.9", &["--debug"])?;
    let time = cmd!(sh, "git log -1 --format=%ct").read()?;
    // It writes next to the manifest of every package.
    let _directory = sh.push_dir(copy);
    cmd!(
        sh,
        "{cyclonedx} cyclonedx --quiet --manifest-path crates/aifi-push-cli/Cargo.toml
            --format json --target {TARGET} --override-filename sbom"
    )
    .env("SOURCE_DATE_EPOCH", time)
    .run()?;
    let sbom = sh.read_file("crates/aifi-push-cli/sbom.json")?;
    Ok(sbom.replace(&copy.display().to_string(), "/aifi-push"))
}
