//! Printing for people and for programs, with nothing in it that moves a terminal.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
};

use anyhow::Result;
use comfy_table::{ContentArrangement, Table, presets};
use console::Term;
use serde::Serialize;

use crate::escape;

/// Where a terminal does not say how wide it is.
const DEFAULT_WIDTH: usize = 80;

/// Prints one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    write(&escape::json(&serde_json::to_string(value)?))
}

/// Prints JSON over several lines.
pub(crate) fn pretty_json(value: &impl Serialize) -> Result<()> {
    write(&escape::json(&serde_json::to_string_pretty(value)?))
}

/// Prints one line of text; a line break in it is escaped.
pub(crate) fn line(text: impl Display) -> Result<()> {
    write(&escape::line(&text.to_string()))
}

/// Prints text over several lines. What a sender wrote into a part of it must be escaped already, or
/// could forge a line.
pub(crate) fn lines(text: impl Display) -> Result<()> {
    write(&escape::lines(&text.to_string()))
}

/// Prints bytes as they are, or, on a terminal, the text that they are.
pub(crate) fn bytes(bytes: &[u8]) -> Result<()> {
    if io::stdout().is_terminal() {
        return lines(String::from_utf8_lossy(bytes));
    }
    Ok(io::stdout().write_all(bytes)?)
}

/// Prints a table, with no space at the ends of its lines.
pub(crate) fn table(table: &Table) -> Result<()> {
    lines(table.trim_fmt())
}

/// Prints a line on standard error. Nobody reads it if this fails.
pub(crate) fn note(text: impl Display) {
    let text = text.to_string();
    let _ = writeln!(io::stderr(), "{}", escape::line(&text));
}

/// Prints one line that is escaped already, but for colors.
pub(crate) fn escaped(line: &str) -> Result<()> {
    write(line)
}

/// How many characters fit into a line, if it is a terminal.
pub(crate) fn terminal_width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let size = Term::stdout().size_checked();
    Some(size.map_or(DEFAULT_WIDTH, |(_, columns)| usize::from(columns)))
}

/// Whether colors are wanted: on a terminal that has some, unless `NO_COLOR` is set.
pub(crate) fn is_colored() -> bool {
    io::stdout().is_terminal() && console::colors_enabled()
}

fn write(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// A table without lines.
pub(crate) fn new_table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    table
}
