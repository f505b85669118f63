//! Generates the models and the client from the OpenAPI document.

use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "codegen")]
    if let Err(error) = generate() {
        for line in error.lines() {
            println!("cargo::error={line}");
        }
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

#[cfg(feature = "codegen")]
fn generate() -> Result<(), String> {
    use std::{env, error::Error, fs, path::PathBuf};

    let document = document()?;
    println!("cargo::rerun-if-changed={document}");
    let text = fs::read_to_string(document).map_err(|error| format!("{document}: {error}"))?;
    let source = aifi_push_codegen::generate(&text).map_err(|error| {
        let mut message = format!("{document}: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            message += &format!(": {error}");
            cause = error.source();
        }
        message
    })?;
    let target = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("generated.rs");
    fs::write(&target, source).map_err(|error| format!("{}: {error}", target.display()))
}

/// Returns the path of the document: that of the repository in a checkout or a git dependency, and
/// that of the package in a published crate.
#[cfg(feature = "codegen")]
fn document() -> Result<&'static str, String> {
    const REPOSITORY: &str = "../../openapi/aifi-push.json";
    const PACKAGE: &str = "openapi/aifi-push.json";

    [REPOSITORY, PACKAGE]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
        .ok_or_else(|| {
            format!(
                "{PACKAGE} is missing: in a checkout it is {REPOSITORY}, and `cargo package` needs \
                 a copy that `cargo xtask release` and `cargo xtask ci --only packages` make"
            )
        })
}
