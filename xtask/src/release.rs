//! `cargo xtask release`: the files of a release, and checks of them.

use std::path::Path;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::{
    crates_io, downstream,
    package::{self, deb, image, program},
    workspace,
};

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

/// Builds the program twice, in two directories, to the same bytes, and packs it; lists what it contains; packages the
/// crates.
pub(crate) fn files(sh: &Shell) -> Result<()> {
    let files = sh.current_dir().join("target/release-files");
    sh.remove_path(&files)?;
    sh.create_dir(&files)?;

    let program = program::build(sh, &sh.current_dir(), program::RELEASED)?;
    let copy = workspace::copy(sh, "target/release-copy")?;
    let again = program::build(sh, &copy, program::RELEASED)?;
    cmd!(sh, "cmp {program} {again}")
        .run()
        .context("two builds in two directories differ")?;
    program::is_static(sh, &program)?;
    cmd!(sh, "{program} demo").run()?;
    for file in [
        package::archive(sh, &program)?,
        deb::build(sh, &program, None)?,
        image::build(sh, &program)?,
    ] {
        sh.copy_file(file, &files)?;
    }

    let bill = format!("aifi-push-{}.cdx.json", program::target(sh)?);
    sh.write_file(files.join(bill), sbom(sh, &copy)?)?;
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

/// Returns a bill of materials of the program, as CycloneDX.
fn sbom(sh: &Shell, copy: &Path) -> Result<String> {
    let cyclonedx = crates_io::install(sh, "cargo-cyclonedx@0.5.9", &["--debug"])?;
    let (target, features) = (program::target(sh)?, program::FEATURES);
    let time = cmd!(sh, "git log -1 --format=%ct").read()?;
    // It writes next to the manifest of every package.
    let _directory = sh.push_dir(copy);
    cmd!(
        sh,
        "{cyclonedx} cyclonedx --quiet --manifest-path crates/aifi-push-cli/Cargo.toml
            --format json --target {target} --features {features} --override-filename sbom"
    )
    .env("SOURCE_DATE_EPOCH", time)
    .run()?;
    let sbom = sh.read_file("crates/aifi-push-cli/sbom.json")?;
    Ok(sbom.replace(&copy.display().to_string(), "/aifi-push"))
}
