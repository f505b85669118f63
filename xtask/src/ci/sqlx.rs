//! The inbox in a service with a database of its own.

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use crate::service::Service;

/// A `main` that names both.
const MAIN: &str = include_str!("../../downstream/sqlx.rs");

/// Checks that the inbox resolves and compiles beside sqlx. A package may link SQLite only once, and
/// sqlx names a version of it even if a service uses another database.
pub(super) fn check(sh: &Shell) -> Result<()> {
    let inbox = sh.current_dir().join("crates/aifi-push-inbox");
    let service = Service {
        name: "sqlx",
        dependencies: format!(
            r#"
aifi-push-inbox = {{ path = {inbox:?}, default-features = false, features = ["sqlite"] }}

[dependencies.sqlx]
version = "0.9"
default-features = false
features = ["chrono", "json", "macros", "migrate", "postgres", "runtime-tokio", "uuid"]
"#
        ),
        files: vec![("main.rs", MAIN)],
    };
    service.check_unlocked(sh)?;
    let _directory = sh.push_dir(service.directory(sh));
    let tree = cmd!(sh, "cargo tree --prefix none").read()?;
    let rusqlite = tree.lines().find(|line| line.starts_with("rusqlite "));
    println!("{}", rusqlite.unwrap_or("without rusqlite"));
    ensure!(rusqlite.is_some(), "the inbox is not in the tree");
    Ok(())
}
