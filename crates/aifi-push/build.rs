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

    const DOCUMENT: &str = "openapi/aifi-push.json";

    println!("cargo::rerun-if-changed={DOCUMENT}");
    let document = fs::read_to_string(DOCUMENT).map_err(|error| format!("{DOCUMENT}: {error}"))?;
    let source = aifi_push_codegen::generate(&document).map_err(|error| {
        let mut message = format!("{DOCUMENT}: {error}");
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
