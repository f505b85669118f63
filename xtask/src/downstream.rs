//! Services outside of the workspace that import the packages as they would be published.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

const SERVICE: &str = include_str!("../downstream/service.rs");
const MODELS: &str = include_str!("../downstream/models.rs");
const ENTERED: &str = include_str!("../downstream/entered.rs");

/// Packages every crate that is published, and builds each from its package.
pub(crate) fn package(sh: &Shell) -> Result<()> {
    // Changes that are not committed are packaged too, so that they can be tried.
    Ok(cmd!(
        sh,
        "cargo package --workspace --exclude xtask --allow-dirty --quiet"
    )
    .run()?)
}

/// Runs services that import the packages, before and after a change of the document.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    let package = packaged(sh, "aifi-push");
    let evolved = evolve(sh, &package)?;
    let client = ["client", "codegen", "rustls"];
    let services = [
        ("codegen", &package, &client[..], SERVICE),
        ("snapshot", &package, &["client", "rustls"], SERVICE),
        ("models", &package, &[], MODELS),
        ("evolved", &evolved, &client, SERVICE),
        ("entered", &evolved, &client, ENTERED),
    ];
    for (name, package, features, source) in services {
        let service = Service {
            name,
            package,
            features,
            source,
        };
        let directory = service.create(sh)?;
        let _directory = sh.push_dir(directory);
        // The dependencies that services share are compiled once.
        let run = cmd!(sh, "cargo run --quiet").env("CARGO_TARGET_DIR", "../target");
        run.run().with_context(|| format!("the service `{name}`"))?;
    }
    Ok(())
}

/// A service of one file.
pub(crate) struct Service<'a> {
    pub(crate) name: &'a str,
    pub(crate) package: &'a Path,
    pub(crate) features: &'a [&'a str],
    pub(crate) source: &'a str,
}

impl Service<'_> {
    /// Writes the service to `target/downstream` and gives its directory.
    pub(crate) fn create(&self, sh: &Shell) -> Result<PathBuf> {
        let directory = sh.current_dir().join("target/downstream").join(self.name);
        let Self { name, features, .. } = self;
        let package = self.package.display();
        let codegen = packaged(sh, "aifi-push-codegen");
        let codegen = codegen.display();
        let manifest = format!(
            r#"[package]
name = "{name}"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
aifi-push = {{ version = "*", default-features = false, features = {features:?} }}
tokio = {{ version = "1", features = ["macros", "rt"] }}

[patch.crates-io]
aifi-push = {{ path = {package:?} }}
aifi-push-codegen = {{ path = {codegen:?} }}
"#
        );
        sh.write_file(directory.join("Cargo.toml"), manifest)?;
        sh.write_file(directory.join("src/main.rs"), self.source)?;
        // The same versions as in the workspace.
        sh.copy_file("Cargo.lock", directory.join("Cargo.lock"))?;
        Ok(directory)
    }
}

/// Where `cargo package` unpacked a package to build it.
pub(crate) fn packaged(sh: &Shell, name: &str) -> PathBuf {
    let version = env!("CARGO_PKG_VERSION");
    sh.current_dir()
        .join(format!("target/package/{name}-{version}"))
}

/// A copy of the package with a later document: one more operation, one more optional property.
fn evolve(sh: &Shell, package: &Path) -> Result<PathBuf> {
    let evolved = sh.current_dir().join("target/downstream/aifi-push");
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
