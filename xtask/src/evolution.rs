//! A change of the API is a change of the document and of nothing else: a copy of the workspace with
//! a document of two more operations, of which the tool then sends and receives each.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use crate::{diff, serving::Serving, workspace::DOCUMENT};

/// An operation with a body of our own making.
const CHECKOUT: &str = include_str!("../evolution/checkout.json");

/// The new kinds of push, by the last segment of the path.
const KINDS: [&str; 2] = ["entered", "checkout"];

pub(crate) fn check(sh: &Shell) -> Result<()> {
    let copy = copy(sh)?;
    let old = sh.read_file(DOCUMENT)?;
    let new = evolve(&old)?;
    sh.write_file(copy.join(DOCUMENT), &new)?;
    let change = diff::of_texts(&old, &new)?;
    print!("{}", change.text);
    ensure!(!change.is_breaking, "two more operations break a service");

    // Compiled with the dependencies of the workspace, to a place of its own.
    let target = sh.current_dir().join("target");
    let build = cmd!(sh, "cargo build --quiet --package aifi-push-cli");
    {
        let _directory = sh.push_dir(&copy);
        build.env("CARGO_TARGET_DIR", &target).run()?;
    }
    let tool = copy.join("aifi-push");
    sh.copy_file(target.join("debug/aifi-push"), &tool)?;
    let serving = Serving::of(&tool, &copy, "/webhook")?;
    KINDS
        .iter()
        .try_for_each(|kind| push(sh, &tool, &serving, kind).context(*kind))
}

/// Checks an example of a kind, sends it, and finds it in the inbox.
fn push(sh: &Shell, tool: &Path, serving: &Serving, kind: &str) -> Result<()> {
    let _directory = sh.push_dir(&serving.directory);
    let (file, url) = (
        format!("{kind}.json"),
        format!("{}/webhook", serving.origin),
    );
    sh.write_file(&file, cmd!(sh, "{tool} example --kind {kind}").read()?)?;
    cmd!(sh, "{tool} check --kind {kind} {file}").run()?;
    cmd!(sh, "{tool} send --kind {kind} {file} --url {url}")
        .env("AIFI_PUSH_TOKEN", serving.token())
        .run()?;
    let listed = cmd!(sh, "{tool} inbox list --kind {kind} --json").read()?;
    ensure!(listed.lines().count() == 1, "it is not in the inbox");
    let schema = cmd!(sh, "{tool} schema").read()?;
    let name = ["TransitionEntered", "Checkout"]
        .into_iter()
        .find(|name| name.to_lowercase().ends_with(kind))
        .context("no such model")?;
    ensure!(schema.contains(name), "{name} has no JSON Schema");
    Ok(())
}

/// The files of the workspace, as they are now.
fn copy(sh: &Shell) -> Result<PathBuf> {
    let copy = sh.current_dir().join("target/evolution");
    sh.remove_path(&copy)?;
    sh.create_dir(&copy)?;
    let files = cmd!(sh, "git ls-files --cached --others --exclude-standard").read()?;
    let files = files.lines().filter(|file| sh.path_exists(file));
    cmd!(sh, "cp --parents --no-dereference {files...} {copy}").run()?;
    Ok(copy)
}

fn evolve(document: &str) -> Result<String> {
    let mut document: Value = serde_json::from_str(document)?;
    let left = document["paths"]["/api/push/transition/left"].clone();
    let mut entered = left.clone();
    entered["post"]["operationId"] = json!("transition_entered");
    let content = &mut entered["post"]["requestBody"]["content"]["application/json"];
    content["schema"]["$ref"] = json!("#/components/schemas/TransitionEntered");
    document["paths"]["/api/push/transition/entered"] = entered;
    let schemas = &mut document["components"]["schemas"];
    schemas["TransitionEntered"] = schemas["TransitionLeft"].clone();

    let mut checkout: Value = serde_json::from_str(CHECKOUT)?;
    for path in objects(&mut checkout["paths"]) {
        path.1["post"]["tags"] = left["post"]["tags"].clone();
        path.1["post"]["responses"] = left["post"]["responses"].clone();
        document["paths"][path.0] = path.1.clone();
    }
    for (name, schema) in objects(&mut checkout["schemas"]) {
        document["components"]["schemas"][name] = schema.clone();
    }
    Ok(serde_json::to_string_pretty(&document)?)
}

fn objects(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}
