//! `cargo xtask diff`: what a change of the document means for whoever imports the crate.

mod changes;
mod facts;

use std::{
    io::{self, Read},
    process::ExitCode,
};

use anyhow::{Context, Result, ensure};
use changes::{Change, Effect, changes};
use facts::Facts;
use serde_json::Value;
use xshell::Shell;

use crate::workspace::DOCUMENT;

/// Tell what changed since an old document, for whoever imports the crate.
///
/// The exit code is 1 if anything of it breaks a service that was written before.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The old document, or `-` for standard input: `git show HEAD:openapi/aifi-push.json |
    /// cargo xtask diff -`
    old: String,
}

/// Compares the old document with that of the workspace.
pub(crate) fn run(sh: &Shell, options: &Options) -> Result<ExitCode> {
    let old = if options.old == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        text
    } else {
        // Relative to where the command was called, not to the root of the workspace.
        std::fs::read_to_string(&options.old).with_context(|| options.old.clone())?
    };
    let new = sh.read_file(DOCUMENT)?;
    let difference = difference(&facts(&old, &options.old)?, &facts(&new, DOCUMENT)?);
    print!("{}", difference.text);
    Ok(ExitCode::from(u8::from(difference.is_breaking)))
}

/// What changed from one document to another.
pub(crate) struct Difference {
    /// For people.
    pub(crate) text: String,
    /// Whether a service that was written before breaks.
    pub(crate) is_breaking: bool,
}

/// Compares two documents.
pub(crate) fn of_texts(old: &str, new: &str) -> Result<Difference> {
    Ok(difference(
        &facts(old, "the old document")?,
        &facts(new, "the new document")?,
    ))
}

fn difference(old: &Facts, new: &Facts) -> Difference {
    let changes = changes(old, new);
    let mut effects = changes.iter().map(|change| change.effect);
    Difference {
        is_breaking: effects.any(|effect| effect == Effect::Breaking),
        text: describe(&changes),
    }
}

fn facts(text: &str, name: &str) -> Result<Facts> {
    let document: Value = serde_json::from_str(text).with_context(|| name.to_owned())?;
    ensure!(document["paths"].is_object(), "{name}: no OpenAPI document");
    Ok(Facts::of(&document))
}

fn describe(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "Nothing changed for whoever imports the crate.\n".to_owned();
    }
    let section = |title: &str, effect: Effect| -> String {
        let lines: String = changes
            .iter()
            .filter(|change| change.effect == effect)
            .map(|change| format!("  {}: {}\n    {}\n", change.what, change.how, change.reason))
            .collect();
        match lines.is_empty() {
            true => String::new(),
            false => format!("{title}\n{lines}"),
        }
    };
    section("Breaking", Effect::Breaking) + &section("Compatible", Effect::Compatible)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value, json};

    use super::{changes, describe, facts};
    use crate::workspace::{DOCUMENT, root};

    /// What a change of our document means.
    #[track_caller]
    fn diff(change: impl FnOnce(&mut Value)) -> String {
        let old = std::fs::read_to_string(root().join(DOCUMENT)).unwrap();
        let mut new: Value = serde_json::from_str(&old).unwrap();
        change(&mut new);
        let old = facts(&old, "old").unwrap();
        describe(&changes(&old, &facts(&new.to_string(), "new").unwrap()))
    }

    fn schemas(document: &mut Value) -> &mut Value {
        &mut document["components"]["schemas"]
    }

    fn remove(value: &mut Value, key: &str) {
        value.as_object_mut().unwrap().remove(key).unwrap();
    }

    #[test]
    fn nothing() {
        assert_snapshot!(diff(|document| {
            document["info"]["description"] = json!("new");
            schemas(document)["Store"]["description"] = json!("new");
            schemas(document)["Session"]["properties"]["code"]["format"] = json!("uuid");
        }), @"Nothing changed for whoever imports the crate.");
    }

    #[test]
    fn operations() {
        let left = "/api/push/transition/left";
        assert_snapshot!(diff(|document| {
            let mut entered = document["paths"][left].clone();
            entered["post"]["operationId"] = json!("transition_entered");
            document["paths"]["/api/push/transition/entered"] = entered;
            document["servers"][0]["url"] = json!("https://other.example");
        }), @"
        Compatible
          the default server: https://oasis-api.public.sandbox.oasis.aifi.com became https://other.example
            `Client::sandbox` goes there
          transition_entered: added
            the client gains a method
        ");
        assert_snapshot!(diff(|document| {
            document["paths"][left]["post"]["operationId"] = json!("left");
        }), @"
        Breaking
          transition_left: removed
            the client loses its method
        Compatible
          left: added
            the client gains a method
        ");
        assert_snapshot!(diff(|document| {
            let path = document["paths"][left].take();
            document["paths"] = json!({"/v2/left": path});
        }), @"
        Breaking
          transition_left: POST /api/push/transition/left became POST /v2/left
            servers that listen where it was get no more calls
        ");
        assert_snapshot!(diff(|document| {
            let post = &mut document["paths"][left]["post"];
            post["deprecated"] = json!(true);
            let body = &mut post["requestBody"]["content"]["application/json"];
            body["schema"]["$ref"] = json!("#/components/schemas/Session");
            let answer = &mut post["responses"]["2XX"]["content"]["application/json"];
            answer["schema"] = json!({"type": "integer"});
        }), @"
        Breaking
          transition_left: the body TransitionLeft became Session or null
            the method takes another type
          transition_left: the answer string became integer
            `Response::decode` gives another type
        Compatible
          transition_left: deprecated
            the compiler warns of its use
        ");
    }

    #[test]
    fn properties() {
        assert_snapshot!(diff(|document| {
            let store = &mut schemas(document)["Store"];
            let city = json!({"type": "string", "nullable": true, "x-provenance": "assumed"});
            store["properties"]["city"] = city;
            remove(&mut store["properties"], "aifiUniqueStoreId");
        }), @"
        Breaking
          Store.aifiUniqueStoreId: removed
            the field is gone, its value lands in `extra`
        Compatible
          Store.city: added
            there is one more field, which was in `extra` if it was sent
        ");
        assert_snapshot!(diff(|document| {
            let store = &mut schemas(document)["Store"];
            store["properties"]["city"] = json!({"type": "string", "x-provenance": "documented"});
            store["required"] = json!(["city", "oasisApiStoreId"]);
        }), @"
        Breaking
          Store.city: added as required
            builders must give it, and events without it are refused
          Store.oasisApiStoreId: became required
            builders must give it, and events without it are refused
        ");
        assert_snapshot!(diff(|document| {
            let left = &mut schemas(document)["TransitionLeft"];
            left["required"].as_array_mut().unwrap().retain(|name| name != "shopperId");
            left["properties"]["shopperId"]["nullable"] = json!(true);
            remove(&mut left["properties"]["storeExternalId"], "nullable");
            left["properties"]["storeId"]["type"] = json!("string");
        }), @"
        Breaking
          TransitionLeft.shopperId: became optional
            the field or its setter has another type
          TransitionLeft.shopperId: string became string or null
            the field has another type
          TransitionLeft.storeExternalId: string or null became string
            the field has another type
          TransitionLeft.storeId: integer became string
            the field has another type
        ");
        assert_snapshot!(diff(|document| {
            let properties = &mut schemas(document)["Session"]["properties"];
            properties["priority"]["deprecated"] = json!(true);
            properties["priority"]["x-provenance"] = json!("documented");
            properties["id"]["x-sensitive"] = json!(true);
            properties["metadata"]["allOf"][0]["$ref"] = json!("#/components/schemas/Store");
        }), @"
        Breaking
          Session.metadata: SessionMetadata or null became Store
            the field has another type
        Compatible
          Session.id: became sensitive
            `Debug` shows another set of fields
          Session.priority: deprecated
            the compiler warns of its use
          Session.priority: example became documented
            only the documentation tells
        ");
    }

    #[test]
    fn named_schemas() {
        assert_snapshot!(diff(|document| {
            remove(schemas(document), "ApiErrorDetail");
            schemas(document)["Gate"] = json!({"type": "string", "x-extensible-enum": ["in"]});
            schemas(document)["Payment"] = json!({"type": "string", "x-extensible-enum": ["x"]});
            // A null that moves into the schema is a null at each place that refers to it.
            schemas(document)["Customer"]["nullable"] = json!(true);
        }), @"
        Breaking
          ApiErrorDetail: removed
            the type is gone
          Payment: an object became an open set
            it is another type
          TransitionLeft.customer: Customer became Customer or null
            the field has another type
        Compatible
          Gate: added
            there is one more type
        ");
    }

    #[test]
    fn open_sets() {
        assert_snapshot!(diff(|document| {
            schemas(document)["SessionStatus"]["x-extensible-enum"] = json!(["closed"]);
        }), @"
        Breaking
          SessionStatus: `active` removed
            the variant is gone, the value is `Unlisted`
        Compatible
          SessionStatus: `closed` added
            it was `Unlisted`, now it has a variant: look at code that compares texts
        ");
    }
}
