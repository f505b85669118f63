//! Documents that a command is given.

use std::io;

use aifi_push_codegen::yaml_to_json;
use anyhow::{Context, Result};

/// Reads a document from a file, or from standard input for `-`, and returns it as JSON.
pub(crate) fn read(path: &str) -> Result<String> {
    to_json(path, text(path)?)
}

/// Reads the text of a document.
pub(crate) fn text(path: &str) -> Result<String> {
    if path == "-" {
        return Ok(io::read_to_string(io::stdin())?);
    }
    // Relative to where the command was called, not to the root of the workspace.
    std::fs::read_to_string(path).with_context(|| path.to_owned())
}

/// Converts a document in YAML to JSON: one with the name of a YAML file, or one of standard input
/// that does not begin as JSON does.
pub(crate) fn to_json(path: &str, text: String) -> Result<String> {
    let is_named_yaml = path.ends_with(".yaml") || path.ends_with(".yml");
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if is_named_yaml || path == "-" && !start.starts_with('{') {
        return yaml_to_json(&text).with_context(|| path.to_owned());
    }
    Ok(text)
}
