//! A new operation requires a change of the document and of nothing else: builds a copy of the
//! workspace with two more operations in the document, and sends and receives each.

use std::{collections::BTreeMap, path::Path};

use aifi_push_testkit::{ServeProcess, TempInbox, http::TOKEN};
use anyhow::{Context, Result, ensure};
use openapiv3::OpenAPI;
use serde::Deserialize;
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use crate::{
    diff,
    workspace::{self, DOCUMENT},
};

const BASKET_SOLD: &str = include_str!("../schema_evolution/basket_sold.json");

/// An operation with an invented body.
#[derive(Deserialize)]
struct BasketSold {
    paths: BTreeMap<String, Value>,
    schemas: BTreeMap<String, Value>,
}

/// The kinds of the new operations.
const KINDS: [&str; 2] = ["paused", "basket-sold"];

pub(crate) fn check(sh: &Shell) -> Result<()> {
    let copy = workspace::copy(sh, "target/schema-evolution")?;
    let old = sh.read_file(DOCUMENT)?;
    let new = evolve(&old)?;
    sh.write_file(copy.join(DOCUMENT), &new)?;
    let change = diff::of_texts(&old, &new)?;
    print!("{}", change.text);
    ensure!(!change.is_breaking, "two more operations break services");

    // Built with the dependencies of the workspace.
    let target = sh.current_dir().join("target");
    let build = cmd!(sh, "cargo build --quiet --package aifi-push-cli");
    {
        let _directory = sh.push_dir(&copy);
        build.env("CARGO_TARGET_DIR", &target).run()?;
    }
    let tool = copy.join("aifi-push");
    sh.copy_file(target.join("debug/aifi-push"), &tool)?;
    // A command without `--kind` does what it did before.
    let example = cmd!(sh, "{tool} example").read()?;
    cmd!(sh, "{tool} check --kind left").stdin(example).run()?;
    let inbox = TempInbox::new()?;
    let process = ServeProcess::serve(&tool, inbox.directory(), &["--log", "error"])?;
    let _directory = sh.push_dir(inbox.directory());
    KINDS
        .iter()
        .try_for_each(|kind| push(sh, &tool, process.url(), kind).context(*kind))
}

/// Checks and sends an example of a kind, and lists it in the inbox.
fn push(sh: &Shell, tool: &Path, url: &str, kind: &str) -> Result<()> {
    let file = format!("{kind}.json");
    sh.write_file(&file, cmd!(sh, "{tool} example --kind {kind}").read()?)?;
    cmd!(sh, "{tool} check --kind {kind} {file}").run()?;
    cmd!(sh, "{tool} send --kind {kind} {file} --url {url}")
        .env("AIFI_PUSH_TOKEN", TOKEN)
        .run()?;
    let listed = cmd!(sh, "{tool} inbox list --kind {kind} --json").read()?;
    ensure!(listed.lines().count() == 1, "the event is not in the inbox");
    let schema = cmd!(sh, "{tool} schema").read()?;
    let name = ["TransitionPaused", "BasketSold"]
        .into_iter()
        .find(|name| name.to_lowercase().ends_with(&kind.replace('-', "")))
        .context("no such model")?;
    ensure!(schema.contains(name), "{name} has no JSON Schema");
    Ok(())
}

/// Returns the document with two more operations after the others, and one more optional property.
pub(crate) fn evolve(document: &str) -> Result<String> {
    // Unlike a `Value`, it keeps the order.
    let mut evolved: OpenAPI = serde_json::from_str(document)?;
    let mut old: Value = serde_json::from_str(document)?;
    let left = old["paths"]["/api/push/transition/left"]["post"].take();
    let mut paused = json!({ "post": left });
    paused["post"]["operationId"] = json!("transition_paused");
    let content = &mut paused["post"]["requestBody"]["content"]["application/json"];
    content["schema"]["$ref"] = json!("#/components/schemas/TransitionPaused");
    let mut paths = vec![("/api/push/transition/paused".to_owned(), paused)];
    let body = old["components"]["schemas"]["TransitionLeft"].take();
    let mut schemas = vec![("TransitionPaused".to_owned(), body)];
    let mut store = old["components"]["schemas"]["Store"].take();
    store["properties"]["city"] = json!({
        "type": "string",
        "nullable": true,
        "x-provenance": "assumed",
    });
    schemas.push(("Store".to_owned(), store));

    let basket_sold: BasketSold = serde_json::from_str(BASKET_SOLD)?;
    for (path, mut item) in basket_sold.paths {
        item["post"]["tags"] = left["tags"].clone();
        item["post"]["responses"] = left["responses"].clone();
        paths.push((path, item));
    }
    schemas.extend(basket_sold.schemas);

    for (path, item) in paths {
        evolved
            .paths
            .paths
            .insert(path, serde_json::from_value(item)?);
    }
    let components = evolved.components.get_or_insert_default();
    for (name, schema) in schemas {
        components
            .schemas
            .insert(name, serde_json::from_value(schema)?);
    }
    Ok(serde_json::to_string_pretty(&evolved)?)
}
