//! Events from files and standard input: one JSON document, or one on each line.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    iter,
    path::Path,
};

use anyhow::{Context, Result};
use serde::de::IgnoredAny;

/// The bytes of an event, and their place.
pub(crate) struct Item {
    /// The file, or `-`.
    pub(crate) file: String,
    /// The line on which it begins, from 1.
    pub(crate) line: usize,
    pub(crate) body: Vec<u8>,
}

/// Returns the events of the files in turn. `-` is standard input, and so is an empty list.
pub(crate) fn items(files: Vec<String>) -> impl Iterator<Item = Result<Item>> {
    let files = if files.is_empty() {
        vec!["-".to_owned()]
    } else {
        files
    };
    files.into_iter().flat_map(|file| match open(&file) {
        Ok(reader) => Box::new(read(file, reader)) as Box<dyn Iterator<Item = _>>,
        Err(error) => Box::new(iter::once(Err(error))),
    })
}

fn open(file: &str) -> Result<Box<dyn BufRead>> {
    if file == "-" {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let reader = File::open(Path::new(file)).with_context(|| file.to_owned())?;
    Ok(Box::new(BufReader::new(reader)))
}

fn read(file: String, mut reader: Box<dyn BufRead>) -> impl Iterator<Item = Result<Item>> {
    let mut line = 0;
    let mut mode = None;
    iter::from_fn(move || {
        let next = match mode {
            None => first(&mut reader, &mut line, &mut mode),
            Some(Mode::Lines) => next_line(&mut reader, &mut line).map(without_line_end),
            Some(Mode::Ended) => Ok(None),
        };
        let (line, body) = match next {
            Ok(Some(found)) => found,
            Ok(None) => return None,
            Err(error) => {
                mode = Some(Mode::Ended);
                return Some(Err(error).with_context(|| file.clone()));
            }
        };
        let file = file.clone();
        Some(Ok(Item { file, line, body }))
    })
}

enum Mode {
    /// Each line is an event.
    Lines,
    /// Nothing is left.
    Ended,
}

type Found = Option<(usize, Vec<u8>)>;

/// Reads the first event. A first line that is JSON by itself, as no line of a document over several
/// lines is, shows that each line is an event.
fn first(
    reader: &mut impl BufRead,
    line: &mut usize,
    mode: &mut Option<Mode>,
) -> io::Result<Found> {
    let Some((start, mut body)) = next_line(reader, line)? else {
        *mode = Some(Mode::Ended);
        return Ok(None);
    };
    let ends_like_one = body.trim_ascii_end().ends_with(b"}") && body.starts_with(b"{");
    if ends_like_one || serde_json::from_slice::<IgnoredAny>(&body).is_ok() {
        *mode = Some(Mode::Lines);
        return Ok(without_line_end(Some((start, body))));
    }
    *mode = Some(Mode::Ended);
    reader.read_to_end(&mut body)?;
    Ok(Some((start, body)))
}

/// Reads the next line that is not blank.
fn next_line(reader: &mut impl BufRead, line: &mut usize) -> io::Result<Found> {
    loop {
        let mut body = Vec::new();
        if reader.read_until(b'\n', &mut body)? == 0 {
            return Ok(None);
        }
        *line += 1;
        if !body.trim_ascii().is_empty() {
            return Ok(Some((*line, body)));
        }
    }
}

fn without_line_end(found: Found) -> Found {
    found.map(|(line, mut body)| {
        body.truncate(body.trim_ascii_end().len());
        (line, body)
    })
}

/// Returns the same JSON on one line: a line break is a space outside of strings, and inside there is
/// none.
pub(crate) fn on_one_line(body: &[u8]) -> Vec<u8> {
    let mut line: Vec<u8> = body
        .trim_ascii()
        .iter()
        .map(|byte| if b"\r\n".contains(byte) { b' ' } else { *byte })
        .collect();
    line.push(b'\n');
    line
}
