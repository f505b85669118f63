//! Services outside of the workspace that import the packages as they would be published.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

const SERVICE: &str = include_str!("../downstream/service.rs");
const MODELS: &str = include_str!("../downstream/models.rs");
const ENTERED: &str = include_str!("../downstream/entered.rs");
const BY_HAND: &str = include_str!("../downstream/by_hand.rs");

/// Packages every crate that is published, and builds each from its package.
pub(crate) fn package(sh: &Shell) -> Result<()> {
    forget_earlier(sh)?;
    // Changes that are not committed are packaged too, so that they can be tried.
    Ok(cmd!(
        sh,
        "cargo package --workspace --exclude xtask --exclude aifi-push-torture
            --exclude aifi-push-brokers --allow-dirty --quiet"
    )
    .run()?)
}

/// Cargo takes what it once unpacked of a version for what the version is now.
fn forget_earlier(sh: &Shell) -> Result<()> {
    let home = sh.var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let registry = home.context("no home directory")?.join("registry");
    for kind in ["src", "cache"] {
        // Only of the registries that `cargo package` makes up, which have no host in their names.
        let registries = sh.read_dir(registry.join(kind)).unwrap_or_default();
        let made_up = registries.iter().filter(|path| {
            let name = path.file_name().unwrap_or_default();
            name.as_encoded_bytes().starts_with(b"-")
        });
        for path in made_up {
            for package in sh.read_dir(path)? {
                let name = package.file_name().unwrap_or_default().to_owned();
                if name.as_encoded_bytes().starts_with(b"aifi-push-") {
                    sh.remove_path(package)?;
                }
            }
        }
    }
    Ok(())
}

/// Runs services that import the packages, before and after a change of the document.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    let evolved = evolve(sh)?;
    let client = ["client", "codegen", "rustls"];
    let services = [
        codegen(sh),
        snapshot(sh),
        models(sh),
        Service::importing("evolved", sh, &evolved, &client, SERVICE),
        Service::importing("entered", sh, &evolved, &client, ENTERED),
        by_hand(),
    ];
    for service in services {
        let _directory = sh.push_dir(service.create(sh)?);
        // The dependencies that services share are compiled once.
        let run = cmd!(sh, "cargo run --quiet").env("CARGO_TARGET_DIR", "../target");
        run.run()
            .with_context(|| format!("the service `{}`", service.name))?;
    }
    Ok(())
}

/// Sends, with the code generated at build time.
pub(crate) fn codegen(sh: &Shell) -> Service {
    let features = ["client", "codegen", "rustls"];
    Service::importing(
        "codegen",
        sh,
        &packaged(sh, "aifi-push"),
        &features,
        SERVICE,
    )
}

/// Sends, with the reviewed snapshot.
pub(crate) fn snapshot(sh: &Shell) -> Service {
    let features = ["client", "rustls"];
    Service::importing(
        "snapshot",
        sh,
        &packaged(sh, "aifi-push"),
        &features,
        SERVICE,
    )
}

/// Receives, with the models of the reviewed snapshot.
pub(crate) fn models(sh: &Shell) -> Service {
    Service::importing("models", sh, &packaged(sh, "aifi-push"), &[], MODELS)
}

/// Sends, without us: what the others are measured against.
pub(crate) fn by_hand() -> Service {
    Service {
        name: "by-hand",
        dependencies: r#"
chrono = { version = "0.4", default-features = false, features = ["serde", "std"] }
reqwest = { version = "0.13", default-features = false, features = ["json", "rustls"] }
serde = { version = "1", features = ["derive"] }
serde_json = "1"
"#
        .to_owned(),
        source: BY_HAND,
    }
}

/// A service of one file.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    dependencies: String,
    source: &'static str,
}

impl Service {
    fn importing(
        name: &'static str,
        sh: &Shell,
        package: &Path,
        features: &[&str],
        source: &'static str,
    ) -> Self {
        let generator = packaged(sh, "aifi-push-codegen");
        let dependencies = format!(
            r#"
aifi-push = {{ version = "*", default-features = false, features = {features:?} }}

[patch.crates-io]
aifi-push = {{ path = {package:?} }}
aifi-push-codegen = {{ path = {generator:?} }}
"#
        );
        Self {
            name,
            dependencies,
            source,
        }
    }

    /// Writes the service to `target/downstream` and gives its directory.
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
tokio = {{ version = "1", features = ["macros", "rt"] }}{dependencies}"#
        );
        sh.write_file(directory.join("Cargo.toml"), manifest)?;
        sh.write_file(directory.join("src/main.rs"), self.source)?;
        // The same versions as in the workspace.
        sh.copy_file("Cargo.lock", directory.join("Cargo.lock"))?;
        Ok(directory)
    }
}

/// Where `cargo package` unpacked a package to build it.
fn packaged(sh: &Shell, name: &str) -> PathBuf {
    let version = env!("CARGO_PKG_VERSION");
    sh.current_dir()
        .join(format!("target/package/{name}-{version}"))
}

/// A copy of the package with a later document: one more operation, one more optional property.
fn evolve(sh: &Shell) -> Result<PathBuf> {
    let package = packaged(sh, "aifi-push");
    let directory = sh.create_dir("target/downstream")?;
    let evolved = directory.join("aifi-push");
    sh.remove_path(&evolved)?;
    cmd!(sh, "cp -R {package} {evolved}").run()?;
    let path = evolved.join("openapi/aifi-push.json");
    let mut document: Value = serde_json::from_str(&sh.read_file(&path)?)?;

    let mut entered = document["paths"]["/api/push/transition/left"].clone();
    entered["post"]["operationId"] = json!("transition_entered");
    let content = &mut entered["post"]["requestBody"]["content"]["application/json"];
    content["schema"]["$ref"] = json!("#/components/schemas/TransitionEntered");
    document["paths"]["/api/push/transition/entered"] = entered;
    let schemas = &mut document["components"]["schemas"];
    schemas["TransitionEntered"] = schemas["TransitionLeft"].clone();
    schemas["Store"]["properties"]["city"] = json!({
        "type": "string",
        "nullable": true,
        "x-provenance": "assumed",
    });

    sh.write_file(path, document.to_string())?;
    Ok(evolved)
}
