//! `cargo xtask diff`: what a change of the document means for services that import the crate.

use std::{collections::BTreeMap, process::ExitCode};

use aifi_push_codegen::{PublicApi, generate};
use anyhow::{Context, Result};
use xshell::Shell;

use crate::{document, workspace::DOCUMENT};

/// Compare the generated API with that of an old document.
///
/// The exit code is 1 if the change breaks services that compile with the old one. Names on the
/// wire are compared for fields only.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The old document, in JSON or YAML, or `-` for standard input: `git show
    /// HEAD:openapi/aifi-push.json | cargo xtask diff -`
    old: String,
}

/// Compares the old document with that of the workspace.
pub(crate) fn run(sh: &Shell, options: &Options) -> Result<ExitCode> {
    let old = document::read(&options.old)?;
    let difference = of_texts(&old, &sh.read_file(DOCUMENT)?)?;
    print!("{}", difference.text);
    Ok(ExitCode::from(u8::from(difference.is_breaking)))
}

/// What changed from one document to another.
pub(crate) struct Difference {
    /// The changes, for people.
    pub(crate) text: String,
    /// Whether services that compile with the old document break.
    pub(crate) is_breaking: bool,
}

/// Compares two documents.
pub(crate) fn of_texts(old: &str, new: &str) -> Result<Difference> {
    let old = api(old).context("the old document")?;
    let new = api(new).context("the new document")?;
    let mut breaking = Vec::new();
    let mut compatible = Vec::new();
    for (name, old_item) in &old {
        match new.get(name) {
            None if is_part_of_another(name, &old, &new) => {}
            None => breaking.push(format!("{name}: removed")),
            Some(new_item) if new_item == old_item => {}
            Some(new_item) if without_deprecation(new_item) == without_deprecation(old_item) => {
                compatible.push(format!("{name}: became `{new_item}`"));
            }
            Some(new_item) => {
                breaking.push(format!("{name}: `{old_item}` became `{new_item}`"));
            }
        }
    }
    for (name, item) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
        if is_part_of_another(name, &new, &old) {
            continue;
        }
        if name.contains('.') && is_required(item) {
            breaking.push(format!("{name}: added, and builders require it"));
        } else {
            compatible.push(format!("{name}: added"));
        }
    }
    Ok(Difference {
        is_breaking: !breaking.is_empty(),
        text: describe(&breaking, &compatible),
    })
}

/// The public items of the code that is generated from a document.
type Api = BTreeMap<String, String>;

fn api(document: &str) -> Result<Api> {
    Ok(PublicApi::parse(&generate(document)?)?.items())
}

/// Returns `true` for a field, variant or method of a type that only one of the documents has, as
/// naming the type is enough.
fn is_part_of_another(name: &str, has: &Api, has_not: &Api) -> bool {
    let ty = name.split(['.', ':']).next().unwrap_or_default();
    ty != name && has.contains_key(ty) && !has_not.contains_key(ty)
}

fn without_deprecation(item: &str) -> String {
    item.replace("#[deprecated] ", "")
}

/// Returns `true` for a field that a builder must be given.
fn is_required(field: &str) -> bool {
    field.contains("#[builder(required)]")
        || !(field.contains(": Option<") || field.contains("#[builder(default)]"))
}

fn describe(breaking: &[String], compatible: &[String]) -> String {
    let section = |title: &str, changes: &[String]| match changes {
        [] => String::new(),
        changes => format!("{title}\n  {}\n", changes.join("\n  ")),
    };
    let text = section("Breaking", breaking) + &section("Compatible", compatible);
    match text.is_empty() {
        true => "No changes of the API.\n".to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value, json};

    use super::of_texts;
    use crate::{
        schema_evolution,
        workspace::{DOCUMENT, root},
    };

    /// What a change of our document means.
    #[track_caller]
    fn diff(change: impl FnOnce(&mut Value)) -> String {
        let text = std::fs::read_to_string(root().join(DOCUMENT)).unwrap();
        // Both with sorted keys, as the first operation decides the kinds of all.
        let old: Value = serde_json::from_str(&text).unwrap();
        let mut new = old.clone();
        change(&mut new);
        of_texts(&old.to_string(), &new.to_string()).unwrap().text
    }

    fn schemas(document: &mut Value) -> &mut Value {
        &mut document["components"]["schemas"]
    }

    fn remove(value: &mut Value, key: &str) -> Value {
        value.as_object_mut().unwrap().remove(key).unwrap()
    }

    #[test]
    fn documentation_is_not_compared() {
        assert_snapshot!(diff(|document| {
            document["info"]["description"] = json!("new");
            schemas(document)["Store"]["description"] = json!("new");
            schemas(document)["Session"]["properties"]["code"]["format"] = json!("uuid");
        }), @"No changes of the API.");
    }

    #[test]
    fn additions_are_compatible() {
        let old = std::fs::read_to_string(root().join(DOCUMENT)).unwrap();
        let new = schema_evolution::evolve(&old).unwrap();
        assert_snapshot!(of_texts(&old, &new).unwrap().text, @"
        Compatible
          BASKET_SOLD: added
          Basket: added
          BasketLine: added
          BasketSold: added
          Client::basket_sold: added
          Client::transition_paused: added
          Currency: added
          Store.city: added
          TRANSITION_PAUSED: added
          TransitionPaused: added
          UnlistedCurrency: added
        ");
    }

    #[test]
    fn operations() {
        let left = "/api/push/transition/left";
        assert_snapshot!(diff(|document| {
            document["paths"][left]["post"]["operationId"] = json!("left");
        }), @"
        Breaking
          Client::transition_left: removed
          TRANSITION_LEFT: removed
        Compatible
          Client::left: added
          LEFT: added
        ");
        assert_snapshot!(diff(|document| {
            let path = remove(&mut document["paths"], "/api/push/checkout");
            document["paths"]["/v2/checkout"] = path;
        }), @r#"
        Breaking
          CHECKOUT: `pub const CHECKOUT: Operation = Operation { id: "checkout", method: "POST", path: "/api/push/checkout", kind: "checkout", answer: Answer::Used };` became `pub const CHECKOUT: Operation = Operation { id: "checkout", method: "POST", path: "/v2/checkout", kind: "v2-checkout", answer: Answer::Used };`
        "#);
        assert_snapshot!(diff(|document| {
            let post = &mut document["paths"][left]["post"];
            post["deprecated"] = json!(true);
            let answer = &mut post["responses"]["2XX"]["content"]["application/json"];
            answer["schema"] = json!({"type": "integer"});
        }), @"
        Breaking
          Client::transition_left: `pub async fn transition_left(&self, body: &types::TransitionLeft) -> Result<Response<String>, Error>` became `#[deprecated] pub async fn transition_left(&self, body: &types::TransitionLeft) -> Result<Response<i64>, Error>`
        ");
    }

    #[test]
    fn fields() {
        assert_snapshot!(diff(|document| {
            let store = &mut schemas(document)["Store"];
            store["properties"]["city"] = json!({"type": "string", "x-provenance": "documented"});
            store["properties"]["aifiUniqueStoreId"]["deprecated"] = json!(true);
            store["required"] = json!(["city", "oasisApiStoreId"]);
            remove(&mut schemas(document)["Customer"]["properties"], "role");
        }), @r#"
        Breaking
          Customer.role: removed
          Store.oasis_api_store_id: `#[serde(rename = "oasisApiStoreId")] pub oasis_api_store_id: Option<i64>` became `#[builder(required)] #[serde(rename = "oasisApiStoreId")] pub oasis_api_store_id: Option<i64>`
          Store.city: added, and builders require it
        Compatible
          Store.aifi_unique_store_id: became `#[deprecated] #[serde(rename = "aifiUniqueStoreId")] pub aifi_unique_store_id: Option<String>`
        "#);
        assert_snapshot!(diff(|document| {
            let left = &mut schemas(document)["TransitionLeft"];
            left["properties"]["storeId"]["type"] = json!("string");
            let name = left["properties"]["shopperId"].take();
            remove(&mut left["properties"], "shopperId");
            left["properties"]["shopper_id"] = name;
            let required = left["required"].as_array_mut().unwrap();
            required.retain(|name| name != "shopperId");
            required.push(json!("shopper_id"));
        }), @r#"
        Breaking
          TransitionLeft.shopper_id: `#[serde(rename = "shopperId")] pub shopper_id: String` became `pub shopper_id: String`
          TransitionLeft.store_id: `#[serde(rename = "storeId")] pub store_id: i64` became `#[serde(rename = "storeId")] pub store_id: String`
        "#);
    }

    #[test]
    fn extensible_enums() {
        assert_snapshot!(diff(|document| {
            schemas(document)["SessionStatus"]["x-extensible-enum"] = json!(["closed"]);
            schemas(document)["Payment"] = json!({"type": "string", "x-extensible-enum": ["x"]});
        }), @"
        Breaking
          Payment: `#[derive(Clone, PartialEq, ::serde::Serialize)] #[derive(::bon::Builder)] #[builder(on(String, into))] #[non_exhaustive] pub struct Payment {}` became `#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Deserialize)] #[non_exhaustive] pub enum Payment {}`
          Payment.extra: removed
          Payment.payment_provider: removed
          SessionStatus::Active: removed
        Compatible
          Payment::Unlisted: added
          Payment::X: added
          Payment::as_str: added
          SessionStatus::Closed: added
          UnlistedPayment: added
        ");
    }
}
