//! Services of a user of ours: packages outside of the workspace, under `target/downstream`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Shell, cmd};

/// A service and its sources.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    /// What its manifest says after tokio and serde_json.
    pub(crate) dependencies: String,
    /// Names and texts in `src`.
    pub(crate) files: Vec<(&'static str, &'static str)>,
}

impl Service {
    /// Writes it, and gives its directory.
    pub(crate) fn create(&self, sh: &Shell) -> Result<PathBuf> {
        let directory = sh.current_dir().join("target/downstream").join(self.name);
        let Self {
            name, dependencies, ..
        } = self;
        let manifest = format!(
            r#"[package]
name = "{name}"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
serde_json = "1"
tokio = {{ version = "1", features = ["macros", "rt"] }}{dependencies}"#
        );
        sh.write_file(directory.join("Cargo.toml"), manifest)?;
        sh.remove_path(directory.join("src"))?;
        for (file, source) in &self.files {
            sh.write_file(directory.join("src").join(file), source)?;
        }
        // The same versions as in the workspace.
        sh.copy_file("Cargo.lock", directory.join("Cargo.lock"))?;
        Ok(directory)
    }

    /// Writes and builds it, with the dependencies that services share compiled once, and gives
    /// the program.
    pub(crate) fn build(&self, sh: &Shell, profile: &str) -> Result<PathBuf> {
        let target = sh.current_dir().join("target/downstream/target");
        let _directory = sh.push_dir(self.create(sh)?);
        let build = cmd!(sh, "cargo build --quiet --profile {profile}");
        build.env("CARGO_TARGET_DIR", &target).run()?;
        let kind = if profile == "dev" { "debug" } else { profile };
        Ok(target.join(kind).join(self.name))
    }
}

/// The lines of a manifest for `aifi-push` as it lies in a directory.
pub(crate) fn importing(package: &Path, generator: &Path, features: &[&str]) -> String {
    format!(
        r#"
aifi-push = {{ version = "*", default-features = false, features = {features:?} }}

[patch.crates-io]
aifi-push = {{ path = {package:?} }}
aifi-push-codegen = {{ path = {generator:?} }}
"#
    )
}
