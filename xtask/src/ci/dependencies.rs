//! What users were promised not to find in their dependency trees.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

/// Packages that a package with some features does not depend on.
struct Promise {
    package: &'static str,
    features: &'static str,
    absent: &'static [&'static [&'static str]],
}

/// The generator, which the reviewed snapshot replaces.
const GENERATOR: &[&str] = &[
    "aifi-push-codegen",
    "openapiv3",
    "progenitor-impl",
    "typify",
];
/// For documents that a command of xtask is given.
const YAML: &[&str] = &["saphyr", "saphyr-parser"];
/// A regular expression engine, which the generator adds for each `pattern` in the document.
const REGEX: &[&str] = &["regex", "regress"];
const HTTP: &[&str] = &["axum", "http", "hyper", "hyper-util"];
const CLIENT: &[&str] = &["reqwest"];
const TLS: &[&str] = &["aws-lc-rs", "ring", "rustls", "tokio-rustls"];
const SQLITE: &[&str] = &["libsqlite3-sys", "rusqlite"];
const JETSTREAM: &[&str] = &["async-nats"];
/// Of the operator's page.
const ADMIN: &[&str] = &["maud", "serde_urlencoded"];
/// Traces, which a program sends only if it was built to.
const OPENTELEMETRY: &[&str] = &["opentelemetry", "opentelemetry-otlp", "prost"];
const RUNTIME: &[&str] = &["tokio", "tracing"];

const PROMISES: [Promise; 10] = [
    // Models only.
    Promise {
        package: "aifi-push",
        features: "",
        absent: &[
            GENERATOR, REGEX, HTTP, CLIENT, TLS, SQLITE, JETSTREAM, RUNTIME,
        ],
    },
    Promise {
        package: "aifi-push",
        features: "schemars",
        absent: &[GENERATOR, HTTP, CLIENT, TLS, SQLITE, JETSTREAM, RUNTIME],
    },
    Promise {
        package: "aifi-push",
        features: "client,rustls,schemars",
        absent: &[GENERATOR, REGEX, SQLITE, JETSTREAM],
    },
    // The build script reads JSON.
    Promise {
        package: "aifi-push",
        features: "codegen",
        absent: &[YAML],
    },
    // The inbox contains no HTTP. The client of the brokers brings its own TLS.
    Promise {
        package: "aifi-push-inbox",
        features: "sqlite",
        absent: &[GENERATOR, REGEX, HTTP, CLIENT, TLS, JETSTREAM],
    },
    Promise {
        package: "aifi-push-inbox",
        features: "jetstream",
        absent: &[GENERATOR, HTTP, CLIENT, SQLITE],
    },
    // Routes for an application that exists. What serves HTTP comes with axum.
    Promise {
        package: "aifi-push-receiver",
        features: "",
        absent: &[GENERATOR, REGEX, CLIENT, TLS, SQLITE, JETSTREAM, ADMIN],
    },
    // A receiver sends nothing.
    Promise {
        package: "aifi-push-receiver",
        features: "server,sqlite,tls",
        absent: &[GENERATOR, REGEX, CLIENT, JETSTREAM, ADMIN],
    },
    Promise {
        package: "aifi-push-receiver",
        features: "admin",
        absent: &[GENERATOR, REGEX, CLIENT, TLS, SQLITE, JETSTREAM],
    },
    Promise {
        package: "aifi-push-cli",
        features: "",
        absent: &[&["native-tls", "openssl-sys"], OPENTELEMETRY],
    },
];

pub(super) fn check(sh: &Shell) -> Result<()> {
    PROMISES.iter().try_for_each(|promise| promise.check(sh))
}

impl Promise {
    fn check(&self, sh: &Shell) -> Result<()> {
        let (package, features) = (self.package, self.features);
        let tree = cmd!(
            sh,
            "cargo tree --package {package} --no-default-features --features {features}
                --edges normal,build --prefix none"
        );
        let tree = tree.read()?;
        let crates: BTreeSet<_> = tree.lines().filter_map(name_and_version).collect();
        println!(
            "{package} with {features:?}: {} crates",
            crates.len().saturating_sub(1)
        );
        let names: BTreeSet<_> = crates.iter().map(|(name, _)| *name).collect();
        for name in self.absent.concat() {
            ensure!(
                !names.contains(name),
                "with the features {features:?}, {package} depends on {name}"
            );
        }
        Ok(())
    }
}

/// Parses a line such as `hyper v1.12.0 (*)`.
fn name_and_version(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    words.next().zip(words.next())
}
