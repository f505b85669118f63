//! Services outside of the workspace that import the packages as published.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::{schema_evolution, service::Service, workspace::DOCUMENT};

const SERVICE: &str = include_str!("../downstream/service.rs");
const MODELS: &str = include_str!("../downstream/models.rs");
const PAUSED: &str = include_str!("../downstream/paused.rs");

/// The features of a service that sends, with code generated at build time.
pub(crate) const CODEGEN: &[&str] = &["client", "codegen", "rustls"];
/// The same with the reviewed snapshot.
pub(crate) const SNAPSHOT: &[&str] = &["client", "rustls"];

/// Packages every crate that is published, and builds each from its package.
pub(crate) fn package(sh: &Shell) -> Result<()> {
    forget_earlier(sh)?;
    let published = published(sh)?;
    let packages = published.iter().flat_map(|(name, _)| ["--package", name]);
    let _staged = Staged::new(sh, published.iter().map(|(_, directory)| directory))?;
    // Changes that are not committed are packaged too, so that they can be tried.
    Ok(cmd!(sh, "cargo package {packages...} --allow-dirty --quiet").run()?)
}

/// Returns the name and the directory of each crate that is published.
fn published(sh: &Shell) -> Result<Vec<(String, PathBuf)>> {
    let metadata = cmd!(sh, "cargo metadata --no-deps --format-version 1").read()?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let published = packages
        .iter()
        .filter(|package| package["publish"].is_null());
    published
        .map(|package| {
            let text = |key: &str| package[key].as_str().context("invalid metadata");
            let manifest = Path::new(text("manifest_path")?);
            let directory = manifest.parent().unwrap_or(manifest);
            Ok((text("name")?.to_owned(), directory.to_owned()))
        })
        .collect()
}

/// Copies of the files that the crates share, where their packages contain them. Removed on drop.
///
/// They are no links, which a checkout on Windows would turn into text files.
struct Staged<'a> {
    sh: &'a Shell,
    paths: Vec<PathBuf>,
}

impl<'a> Staged<'a> {
    fn new(sh: &'a Shell, directories: impl Iterator<Item = &'a PathBuf>) -> Result<Self> {
        let mut staged = Self {
            sh,
            paths: Vec::new(),
        };
        for directory in directories {
            staged.copy("LICENSE-APACHE", directory)?;
            staged.copy("LICENSE-MIT", directory)?;
            if directory.ends_with("aifi-push") {
                staged.copy(DOCUMENT, directory)?;
            }
        }
        Ok(staged)
    }

    fn copy(&mut self, file: &str, directory: &Path) -> Result<()> {
        let top = Path::new(file).iter().next().unwrap_or_default();
        self.paths.push(directory.join(top));
        let copy = directory.join(file);
        self.sh.create_dir(copy.parent().unwrap_or(directory))?;
        Ok(self.sh.copy_file(file, copy)?)
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        for path in &self.paths {
            // What remains is ignored by git, and replaced by the next packaging.
            let _ = self.sh.remove_path(path);
        }
    }
}

/// Removes earlier packages and what was compiled from them: cargo takes a package of a registry for the same as
/// long as its version is, and would build the new ones against the old.
fn forget_earlier(sh: &Shell) -> Result<()> {
    forget_unpacked(sh)?;
    forget_compiled(sh)
}

/// Removes the marks of fresh artifacts whose sources are packages that `cargo package` unpacked.
fn forget_compiled(sh: &Shell) -> Result<()> {
    let debug = sh.current_dir().join("target/debug");
    let mut directories = sh.read_dir(debug.join("build")).unwrap_or_default();
    directories.push(debug.join("deps"));
    let marks = sh.read_dir(debug.join(".fingerprint")).unwrap_or_default();
    for directory in directories {
        let files = sh.read_dir(directory).unwrap_or_default().into_iter();
        for file in files.filter(|file| file.extension().is_some_and(|it| it == "d")) {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            let is_packaged = sh.read_file(&file)?.contains("/registry/src/-");
            let hash = stem.rsplit_once('-').filter(|_| is_packaged);
            let Some((_, hash)) = hash else { continue };
            for mark in &marks {
                if mark.to_string_lossy().ends_with(&format!("-{hash}")) {
                    sh.remove_path(mark)?;
                }
            }
        }
    }
    Ok(())
}

fn forget_unpacked(sh: &Shell) -> Result<()> {
    let home = sh.var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let registry = home.context("no home directory")?.join("registry");
    for kind in ["src", "cache"] {
        // Only of the registries that `cargo package` invents, which have no host in their names.
        let registries = sh.read_dir(registry.join(kind)).unwrap_or_default();
        let invented = registries.iter().filter(|path| {
            let name = path.file_name().unwrap_or_default();
            name.as_encoded_bytes().starts_with(b"-")
        });
        for path in invented {
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
    let document = sh.read_file(DOCUMENT)?;
    let evolved = with_document(sh, &schema_evolution::evolve(&document)?)?;
    let sending = |name, features, source| service(sh, name, features, &[("main.rs", source)]);
    let after = |name, source| importing(sh, name, &evolved, CODEGEN, &[("main.rs", source)]);
    let services = [
        sending("codegen", CODEGEN, SERVICE),
        from_git(sh),
        sending("snapshot", SNAPSHOT, SERVICE),
        models(sh),
        after("evolved", SERVICE),
        after("paused", PAUSED),
    ];
    for service in services {
        let program = service.build(sh, "dev")?;
        cmd!(sh, "{program}")
            .run()
            .with_context(|| format!("the service `{}`", service.name))?;
    }
    Ok(())
}

/// Imports the last commit of this repository, as services do before there is a release.
fn from_git(sh: &Shell) -> Service {
    let repository = format!("file://{}", sh.current_dir().display());
    Service {
        name: "from-git",
        dependencies: format!(
            "\naifi-push = {{ git = {repository:?}, default-features = false, features = {CODEGEN:?} }}\n"
        ),
        files: vec![("main.rs", SERVICE)],
    }
}

/// Receives, with the models of the reviewed snapshot.
pub(crate) fn models(sh: &Shell) -> Service {
    service(sh, "models", &[], &[("main.rs", MODELS)])
}

/// A service that imports the package.
pub(crate) fn service(
    sh: &Shell,
    name: &'static str,
    features: &[&str],
    files: &[(&'static str, &'static str)],
) -> Service {
    importing(sh, name, &packaged(sh, "aifi-push"), features, files)
}

/// A service that imports the package in a directory.
fn importing(
    sh: &Shell,
    name: &'static str,
    package: &Path,
    features: &[&str],
    files: &[(&'static str, &'static str)],
) -> Service {
    let generator = packaged(sh, "aifi-push-codegen");
    Service {
        name,
        dependencies: format!(
            r#"
aifi-push = {{ version = "*", default-features = false, features = {features:?} }}

[patch.crates-io]
aifi-push = {{ path = {package:?} }}
aifi-push-codegen = {{ path = {generator:?} }}
"#
        ),
        files: files.to_vec(),
    }
}

/// The service that only receives, with the models of another document.
pub(crate) fn models_of(sh: &Shell, document: &str) -> Result<Service> {
    let package = with_document(sh, document)?;
    let files = [("main.rs", MODELS)];
    Ok(importing(
        sh,
        "other-models",
        &package,
        &["codegen"],
        &files,
    ))
}

/// Returns where `cargo package` unpacked a package to build it.
fn packaged(sh: &Shell, name: &str) -> PathBuf {
    let version = env!("CARGO_PKG_VERSION");
    sh.current_dir()
        .join(format!("target/package/{name}-{version}"))
}

/// Returns a copy of the package with another document.
fn with_document(sh: &Shell, document: &str) -> Result<PathBuf> {
    let package = packaged(sh, "aifi-push");
    let directory = sh.create_dir("target/downstream")?;
    let copy = directory.join("other-document");
    sh.remove_path(&copy)?;
    cmd!(sh, "cp -R {package} {copy}").quiet().run()?;
    sh.write_file(copy.join(DOCUMENT), document)?;
    Ok(copy)
}
