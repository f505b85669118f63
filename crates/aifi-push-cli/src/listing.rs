//! A list for people: a line for each entry, or, on a terminal that is too narrow, the long parts below.

use anyhow::Result;
use console::{Color, measure_text_width, style};

use crate::{escape, output};

/// What is between two columns.
const GAP: &str = "  ";

/// How far what is below a line is indented.
const INDENT: &str = "    ";

/// A column of a [`Listing`].
#[derive(Clone, Copy)]
pub(crate) struct Column {
    name: &'static str,
    /// Whether it goes below the others where there is too little room.
    is_long: bool,
}

impl Column {
    pub(crate) const fn short(name: &'static str) -> Self {
        Self {
            name,
            is_long: false,
        }
    }

    pub(crate) const fn long(name: &'static str) -> Self {
        Self {
            name,
            is_long: true,
        }
    }
}

/// A part of an entry.
pub(crate) struct Cell {
    text: String,
    color: Option<Color>,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            color: None,
        }
    }

    /// Sets a color, for terminals.
    pub(crate) fn color(mut self, color: Color) -> Self {
        self.color = Some(color);
        self
    }

    fn width(&self) -> usize {
        measure_text_width(&self.text)
    }
}

pub(crate) struct Listing<const N: usize> {
    columns: [Column; N],
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Listing<N> {
    pub(crate) fn new(columns: [Column; N]) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds an entry. What a sender wrote into it is escaped.
    pub(crate) fn add(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.map(|cell| Cell {
            text: escape::line(&cell.text).into_owned(),
            ..cell
        }));
    }

    pub(crate) fn print(&self) -> Result<()> {
        let widths = self.widths();
        let natural = widths.iter().sum::<usize>() + GAP.len() * N;
        let terminal = output::terminal_width();
        let narrow = terminal.filter(|width| natural > *width);
        let names = self.columns.map(|column| Cell::new(column.name));
        self.print_line(&names, &widths, narrow.is_some())?;
        for row in &self.rows {
            self.print_line(row, &widths, narrow.is_some())?;
            if let Some(width) = narrow {
                self.print_below(row, width)?;
            }
        }
        Ok(())
    }

    fn widths(&self) -> [usize; N] {
        let mut widths = self.columns.map(|column| column.name.len());
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        widths
    }

    /// Prints the columns, or the short ones of them.
    fn print_line(&self, row: &[Cell; N], widths: &[usize; N], only_short: bool) -> Result<()> {
        let is_colored = output::is_colored();
        let mut line = String::new();
        // Spaces come before a cell only, so that none are at the end.
        let mut before = 1;
        for ((cell, width), column) in row.iter().zip(widths).zip(&self.columns) {
            if column.is_long && only_short {
                continue;
            }
            if !cell.text.is_empty() {
                line.extend(std::iter::repeat_n(' ', before));
                before = 0;
                match cell.color.filter(|_| is_colored) {
                    Some(color) => {
                        let styled = style(&cell.text).fg(color).force_styling(true);
                        line.push_str(&styled.to_string());
                    }
                    None => line.push_str(&cell.text),
                }
            }
            before += width - cell.width() + GAP.len();
        }
        output::escaped(&line)
    }

    /// Prints the long columns, in as many lines as they take.
    fn print_below(&self, row: &[Cell; N], width: usize) -> Result<()> {
        let cells = row.iter().zip(&self.columns);
        let long = cells.filter(|(cell, column)| column.is_long && !cell.text.is_empty());
        let long: Vec<_> = long.map(|(cell, _)| cell.text.as_str()).collect();
        let text = long.join(GAP);
        for line in wrap(&text, width.saturating_sub(INDENT.len())) {
            output::escaped(&format!("{INDENT}{line}"))?;
        }
        Ok(())
    }
}

/// Breaks text between words, and a word that is longer than a line within it.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_inclusive(' ') {
        let fits =
            |line: &String| measure_text_width(line) + measure_text_width(word.trim_end()) <= width;
        match lines.last_mut() {
            Some(line) if fits(line) => line.push_str(word),
            _ if measure_text_width(word.trim_end()) <= width => lines.push(word.to_owned()),
            _ => {
                for c in word.chars() {
                    let next = measure_text_width(c.encode_utf8(&mut [0; 4]));
                    match lines.last_mut() {
                        Some(line) if measure_text_width(line) + next <= width => line.push(c),
                        _ => lines.push(c.to_string()),
                    }
                }
            }
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines.retain(|line| !line.is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words() {
        assert_eq!(wrap("", 10), [""; 0]);
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a bcdefghi j", 4), ["a bc", "defg", "hi j"]);
        assert_eq!(
            wrap("ID  `a` at line 1", 4),
            ["ID", "`a`", "at", "line", "1"]
        );
    }
}
