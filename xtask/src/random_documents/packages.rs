//! Copies of `aifi-push`, each with the source of another document, in a workspace of their own.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use super::generated::Fault;

/// What the copies are compiled with, in turns. Those with the JSON Schema decode bodies.
const FEATURES: [&[&str]; 4] = [&["schemars"], &[], &["schemars"], &["client"]];
const ROUND_TRIP: &str = include_str!("../../random_documents/round_trip.rs");

pub(super) struct Packages<'a> {
    sh: &'a Shell,
    directory: PathBuf,
    manifest: String,
}

/// What one package contains.
pub(super) struct Package {
    /// Decides on the features.
    pub(super) number: usize,
    pub(super) source: String,
    /// Bodies, as JSON, by the Rust type.
    pub(super) bodies: Vec<(String, Vec<String>)>,
}

impl<'a> Packages<'a> {
    /// Creates the workspace.
    pub(super) fn new(sh: &'a Shell) -> Result<Self> {
        let directory = sh.current_dir().join("target/random-documents");
        sh.create_dir(&directory)?;
        for entry in sh.read_dir(&directory)? {
            // The dependencies are compiled once.
            if entry.file_name() != Some("target".as_ref()) {
                sh.remove_path(entry)?;
            }
        }
        let workspace = sh.read_file("Cargo.toml")?;
        let rest = workspace.split_once("[workspace.package]");
        let rest = rest.context("Cargo.toml: no [workspace.package]")?.1;
        // A document need not use all of the hand-written code.
        let lints = "[workspace.lints.rust]\n";
        let rest = rest.replace(lints, &format!("{lints}dead_code = \"allow\"\n"));
        let members = "[workspace]\nresolver = \"3\"\nmembers = [\"document-*\", \"round-trip\"]";
        sh.write_file(
            directory.join("Cargo.toml"),
            format!(
                "{members}\n\n[workspace.package]{rest}\n[profile.dev.package.\"*\"]\ndebug = 0\n"
            ),
        )?;
        sh.copy_file("Cargo.lock", directory.join("Cargo.lock"))?;
        Ok(Self {
            sh,
            directory,
            manifest: manifest(&sh.read_file("crates/aifi-push/Cargo.toml")?)?,
        })
    }

    /// Compiles each package and decodes the bodies, and returns the first fault of each.
    pub(super) fn faults(&self, packages: &[Package]) -> Result<Vec<Option<Fault>>> {
        if packages.is_empty() {
            return Ok(Vec::new());
        }
        self.write(packages)?;
        self.write_round_trip(&[], &[])?;
        let mut faults = self.compile(packages.len())?;
        if packages.iter().all(|package| package.bodies.is_empty()) {
            return Ok(faults);
        }
        self.write_round_trip(packages, &faults)?;
        for (index, fault) in self.round_trip()? {
            faults[index].get_or_insert(fault);
        }
        Ok(faults)
    }

    fn compile(&self, count: usize) -> Result<Vec<Option<Fault>>> {
        let _directory = self.sh.push_dir(&self.directory);
        let check = cmd!(
            self.sh,
            "cargo check --quiet --workspace --keep-going --message-format json"
        );
        let check = check.env("CARGO_INCREMENTAL", "0").quiet();
        let output = check.ignore_status().output()?;
        let mut texts = vec![String::new(); count];
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let message: Value = serde_json::from_str(line)?;
            let name = message["target"]["name"].as_str().unwrap_or_default();
            let text = message["message"]["rendered"].as_str();
            if let (Some(index), Some(text)) = (name.strip_prefix("document_"), text) {
                texts[index.parse::<usize>()?] += text;
            }
        }
        ensure!(
            output.status.success() || texts.iter().any(|text| !text.is_empty()),
            "cargo check failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let faults = texts.into_iter();
        Ok(faults
            .map(|text| (!text.is_empty()).then(|| Fault::new(text)))
            .collect())
    }

    /// Writes the packages, each with the features of its number.
    fn write(&self, packages: &[Package]) -> Result<()> {
        for entry in self.sh.read_dir(&self.directory)? {
            let name = entry.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("document-") {
                self.sh.remove_path(entry)?;
            }
        }
        let src = self.sh.current_dir().join("crates/aifi-push/src");
        for (index, Package { number, source, .. }) in packages.iter().enumerate() {
            let package = self.package(index);
            self.sh.create_dir(&package)?;
            cmd!(self.sh, "cp -R {src} {package}").quiet().run()?;
            let features = FEATURES[number % FEATURES.len()];
            let manifest = self.manifest.replace("NAME", &format!("document-{index}"));
            let manifest = manifest.replace("FEATURES", &format!("default = {features:?}"));
            self.sh.write_file(package.join("Cargo.toml"), manifest)?;
            self.sh
                .write_file(package.join("snapshots/generated.snap.rs"), source)?;
        }
        Ok(())
    }

    fn package(&self, index: usize) -> PathBuf {
        self.directory.join(format!("document-{index}"))
    }

    /// Decodes and encodes the bodies, and returns what is wrong with some.
    fn round_trip(&self) -> Result<Vec<(usize, Fault)>> {
        let _directory = self.sh.push_dir(&self.directory);
        let run = cmd!(self.sh, "cargo run --quiet --package round-trip");
        let output = run.env("CARGO_INCREMENTAL", "0").quiet().read()?;
        let faults = output.lines().map(|line| {
            let (index, text) = line.split_once(' ').context("no index")?;
            Ok((index.parse()?, Fault::new(text.replace('\t', "\n"))))
        });
        faults.collect()
    }

    /// Writes the program that decodes the bodies of packages without a fault.
    fn write_round_trip(&self, packages: &[Package], faults: &[Option<Fault>]) -> Result<()> {
        let package = self.directory.join("round-trip");
        let mut dependencies = String::new();
        let mut calls = String::new();
        for (index, (Package { number, bodies, .. }, fault)) in
            packages.iter().zip(faults).enumerate()
        {
            if fault.is_some() || !FEATURES[number % FEATURES.len()].contains(&"schemars") {
                continue;
            }
            dependencies += &format!("document-{index} = {{ path = \"../document-{index}\" }}\n");
            for (at, (ty, bodies)) in bodies.iter().enumerate() {
                let file = package.join(format!("bodies-{index}-{at}.txt"));
                self.sh.write_file(&file, bodies.join("\n"))?;
                calls += &format!("    round_trip!({index}, document_{index}, {ty}, {file:?});\n");
            }
        }
        self.sh.write_file(
            package.join("Cargo.toml"),
            format!(
                "[package]\nname = \"round-trip\"\nedition = \"2024\"\n\n[dependencies]\n\
                 jsonschema.workspace = true\nserde_json = {{ workspace = true, \
                 features = [\"raw_value\"] }}\n{dependencies}"
            ),
        )?;
        let main = format!("{ROUND_TRIP}\nfn main() {{\n{calls}}}\n");
        Ok(self.sh.write_file(package.join("src/main.rs"), main)?)
    }
}

/// Returns the manifest of a copy, from that of `aifi-push`.
fn manifest(original: &str) -> Result<String> {
    let (used, _) = original
        .split_once("[build-dependencies]")
        .context("crates/aifi-push/Cargo.toml: no [build-dependencies]")?;
    let lines = used.lines().filter_map(|line| {
        let key = line.split(' ').next().unwrap_or_default();
        Some(match key {
            "name" => "name = \"NAME\"",
            "default" => "FEATURES",
            "codegen" => "codegen = []",
            "readme" => return None,
            _ => line,
        })
    });
    let lines: Vec<&str> = lines.collect();
    Ok(lines.join("\n") + "\n[lints]\nworkspace = true\n")
}
