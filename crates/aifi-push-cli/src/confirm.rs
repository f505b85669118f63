//! Asking before something that can't be undone.

use std::io::{self, IsTerminal, Write};

use anyhow::{Result, ensure};

/// Asks a question on the terminal, and returns whether the answer is yes.
pub(crate) fn confirm(question: &str) -> Result<bool> {
    ensure!(
        io::stdin().is_terminal(),
        "nobody to ask, as standard input is not a terminal: confirm with --yes"
    );
    write!(io::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
