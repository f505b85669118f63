//! Where things are.

use std::path::{Path, PathBuf};

/// The OpenAPI document.
pub(crate) const DOCUMENT: &str = "openapi/aifi-push.json";
/// The reviewed copies of what is generated.
pub(crate) const SNAPSHOTS: &str = "crates/aifi-push/snapshots";

/// The root of the workspace, wherever the command is run.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}
