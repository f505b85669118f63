//! Services of a user of ours: packages outside of the workspace, under `target/downstream`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
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

    /// Writes and builds it, and gives the program.
    pub(crate) fn build(&self, sh: &Shell, profile: &str) -> Result<PathBuf> {
        let target = target(sh);
        let _directory = sh.push_dir(self.create(sh)?);
        let build = cmd!(sh, "cargo build --quiet --profile {profile}");
        build.env("CARGO_TARGET_DIR", &target).run()?;
        let kind = if profile == "dev" { "debug" } else { profile };
        Ok(target.join(kind).join(self.name))
    }

    /// Writes it, and gives whether it compiles.
    pub(crate) fn compiles(&self, sh: &Shell) -> Result<bool> {
        let target = target(sh);
        let _directory = sh.push_dir(self.create(sh)?);
        let build = cmd!(sh, "cargo build --quiet").env("CARGO_TARGET_DIR", &target);
        let output = build.quiet().ignore_status().output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        // Not for want of a file or of the network.
        let is_of_the_compiler = output.status.success() || text.contains("error[E");
        ensure!(is_of_the_compiler, "{}: {text}", self.name);
        Ok(output.status.success())
    }
}

/// Where services are built: the dependencies that they share are compiled once.
pub(crate) fn target(sh: &Shell) -> PathBuf {
    sh.current_dir().join("target/downstream/target")
}
