//! Services of a user: packages outside of the workspace, under `target/downstream`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

/// A service and its sources.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    /// What its manifest contains after tokio and serde_json.
    pub(crate) dependencies: String,
    /// Names and texts in `src`.
    pub(crate) files: Vec<(&'static str, &'static str)>,
}

impl Service {
    /// Returns its directory.
    pub(crate) fn directory(&self, sh: &Shell) -> PathBuf {
        sh.current_dir().join("target/downstream").join(self.name)
    }

    /// Writes it with the locked versions of the workspace, and returns its directory.
    pub(crate) fn create(&self, sh: &Shell) -> Result<PathBuf> {
        let directory = self.write(sh)?;
        sh.copy_file("Cargo.lock", directory.join("Cargo.lock"))?;
        Ok(directory)
    }

    fn write(&self, sh: &Shell) -> Result<PathBuf> {
        let directory = self.directory(sh);
        let Self {
            name, dependencies, ..
        } = self;
        let manifest = format!(
            r#"[package]
name = "{name}"
version = "0.0.0"
edition = "2024"

[workspace]

[profile.dev]
debug = "line-tables-only"

[dependencies]
serde_json = "1"
tokio = {{ version = "1", features = ["macros", "rt"] }}{dependencies}"#
        );
        sh.write_file(directory.join("Cargo.toml"), manifest)?;
        sh.remove_path(directory.join("src"))?;
        for (file, source) in &self.files {
            sh.write_file(directory.join("src").join(file), source)?;
        }
        Ok(directory)
    }

    /// Writes and builds it, and returns the path of the program.
    pub(crate) fn build(&self, sh: &Shell, profile: &str) -> Result<PathBuf> {
        let target = target(sh);
        let _directory = sh.push_dir(self.create(sh)?);
        let build = cmd!(sh, "cargo build --quiet --profile {profile}");
        build.env("CARGO_TARGET_DIR", &target).run()?;
        let kind = if profile == "dev" { "debug" } else { profile };
        Ok(target.join(kind).join(self.name))
    }

    /// Writes it, and checks it with the newest versions that resolve.
    pub(crate) fn check_unlocked(&self, sh: &Shell) -> Result<()> {
        let target = target(sh);
        let _directory = sh.push_dir(self.write(sh)?);
        sh.remove_path("Cargo.lock")?;
        let check = cmd!(sh, "cargo check --quiet");
        Ok(check.env("CARGO_TARGET_DIR", &target).run()?)
    }

    /// Writes it, and returns `true` if it compiles.
    pub(crate) fn compiles(&self, sh: &Shell) -> Result<bool> {
        let target = target(sh);
        let _directory = sh.push_dir(self.create(sh)?);
        let build = cmd!(sh, "cargo build --quiet").env("CARGO_TARGET_DIR", &target);
        let output = build.quiet().ignore_status().output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        // A missing file or network is an error of its own.
        let is_of_the_compiler = output.status.success() || text.contains("error[E");
        ensure!(is_of_the_compiler, "{}: {text}", self.name);
        Ok(output.status.success())
    }
}

/// Returns where services are built: with the profile of the workspace, the dependencies that they share
/// with it are compiled once.
pub(crate) fn target(sh: &Shell) -> PathBuf {
    sh.current_dir().join("target")
}
