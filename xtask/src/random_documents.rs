//! `cargo xtask random-documents`: any document that passes the check of the generator compiles.

mod bodies;
mod document;
mod generated;
mod packages;
mod shrink;
mod words;

use std::{collections::BTreeMap, panic, process::ExitCode};

use anyhow::{Result, ensure};
use fastrand::Rng;
use generated::Fault;
use packages::{Package, Packages};
use serde_json::Value;
use xshell::Shell;

/// Generate and compile random documents, and decode random bodies of them.
///
/// Of each kind of fault, prints the smallest document that has it, and writes it under
/// target/random-documents/faults.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many documents.
    #[arg(long, default_value_t = 64)]
    documents: u64,
    /// The seed of the first; the others follow.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// How many documents are compiled at a time.
const BATCH: usize = 24;
/// How many bodies of each operation are decoded.
const BODIES: usize = 20;

/// The batch of `cargo xtask ci`.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    let options = Options {
        documents: 32,
        seed: 3000,
    };
    run(sh, &options).map(drop)
}

pub(crate) fn run(sh: &Shell, options: &Options) -> Result<ExitCode> {
    // A panic of the generator is a fault, and reported as one.
    panic::set_hook(Box::new(|_| {}));
    let mut run = Run {
        packages: Packages::new(sh)?,
        sh,
        faults: BTreeMap::new(),
        compiled: 0,
        refused: 0,
        bodies: 0,
    };
    let seeds: Vec<u64> = (options.seed..options.seed + options.documents).collect();
    for seeds in seeds.chunks(BATCH) {
        run.batch(seeds)?;
    }
    drop(panic::take_hook());
    println!(
        "{} documents: {} compiled, {} refused as a whole; {} bodies came back",
        seeds.len(),
        run.compiled,
        run.refused,
        run.bodies
    );
    ensure!(
        run.faults.is_empty(),
        "{} kinds of faults, see target/random-documents/faults",
        run.faults.len()
    );
    Ok(ExitCode::SUCCESS)
}

struct Run<'a> {
    sh: &'a Shell,
    packages: Packages<'a>,
    /// How often each kind occurred.
    faults: BTreeMap<String, usize>,
    compiled: usize,
    refused: usize,
    bodies: usize,
}

impl Run<'_> {
    fn batch(&mut self, seeds: &[u64]) -> Result<()> {
        let mut documents = Vec::new();
        let mut packages = Vec::new();
        for seed in seeds {
            let document = document::document(*seed);
            // What remains if the generator overflows the stack.
            let file = "target/random-documents/document.json";
            self.sh.write_file(file, document.to_string())?;
            match generated::accepted(document) {
                Ok(Some((document, source))) => {
                    packages.push(package(*seed, packages.len(), &document, source));
                    documents.push((*seed, document));
                }
                Ok(None) => self.refused += 1,
                Err((document, fault)) => {
                    let have_fault = |it: &Value| {
                        generated::source(it).is_err_and(|other| other.kind == fault.kind)
                    };
                    self.report(*seed, document, &fault, |_, documents| {
                        Ok(documents.iter().map(have_fault).collect())
                    })?;
                }
            }
        }
        let faults = self.packages.faults(&packages)?;
        for (index, fault) in faults.iter().enumerate() {
            let Some(fault) = fault else {
                self.compiled += 1;
                self.bodies += packages[index]
                    .bodies
                    .iter()
                    .map(|it| it.1.len())
                    .sum::<usize>();
                continue;
            };
            let (seed, document) = &documents[index];
            self.report(*seed, document.clone(), fault, |packages, documents| {
                let accepted: Vec<Option<Package>> = documents
                    .iter()
                    .map(|it| {
                        let source = generated::source(it).ok()?.ok()?;
                        let mut package = package(*seed, index, it, source);
                        if !fault.is_of_bodies() {
                            package.bodies.clear();
                        }
                        Some(package)
                    })
                    .collect();
                let is_accepted: Vec<bool> = accepted.iter().map(Option::is_some).collect();
                let accepted: Vec<Package> = accepted.into_iter().flatten().collect();
                let mut faults = packages.faults(&accepted)?.into_iter();
                let mut have_fault = || {
                    faults
                        .next()
                        .flatten()
                        .is_some_and(|it| it.kind == fault.kind)
                };
                Ok(is_accepted
                    .into_iter()
                    .map(|it| it && have_fault())
                    .collect())
            })?;
        }
        Ok(())
    }

    /// Prints the first fault of its kind, with the smallest document of which `have_fault` says
    /// that it has the fault.
    fn report(
        &mut self,
        seed: u64,
        document: Value,
        fault: &Fault,
        have_fault: impl Fn(&Packages<'_>, &[Value]) -> Result<Vec<bool>>,
    ) -> Result<()> {
        let count = self.faults.entry(fault.kind.clone()).or_default();
        *count += 1;
        if *count > 1 {
            return Ok(());
        }
        println!("\nSeed {seed}: {}", fault.text);
        let smallest = shrink::shrink(document, |it| have_fault(&self.packages, it))?;
        let smallest = serde_json::to_string_pretty(&smallest)?;
        println!("{smallest}");
        let faults = self.sh.current_dir().join("target/random-documents/faults");
        let file = faults.join(format!("{seed}-{}", self.faults.len()));
        self.sh.write_file(file.with_extension("json"), smallest)?;
        Ok(self
            .sh
            .write_file(file.with_extension("txt"), &fault.text)?)
    }
}

/// Returns the package of a document, with bodies of each operation.
fn package(seed: u64, number: usize, document: &Value, source: String) -> Package {
    let mut rng = Rng::with_seed(seed);
    // In the order of the document.
    let types = source.lines().filter_map(|line| {
        let line = line.trim_start().strip_prefix("impl Push for types::")?;
        line.strip_suffix(" {")
    });
    let items = document["paths"].as_object().into_iter().flatten();
    let operations = items.flat_map(|(_, item)| item.as_object().into_iter().flatten());
    let bodies = operations.zip(types).map(|((_, operation), ty)| {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let bodies = (0..BODIES)
            .filter_map(|_| bodies::Bodies::new(&mut rng, document).body(schema))
            .collect();
        (ty.to_owned(), bodies)
    });
    Package {
        number,
        bodies: bodies.collect(),
        source,
    }
}
