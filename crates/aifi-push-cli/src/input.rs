//! Events from files and standard input, compressed by gzip or not.

mod split;

use std::{
    fs::File,
    io::{self, Cursor, IsTerminal, Read},
    iter,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Error, Result, anyhow};
use flate2::read::MultiGzDecoder;
use split::{Piece, Splitter};

use crate::{escape, output};

/// The bytes of an event, or of a line that contains none, and where they are.
pub(crate) struct Item {
    /// The name of the file, as it can be shown, or `-`.
    pub(crate) file: Arc<str>,
    /// The line on which it begins, from 1.
    pub(crate) line: usize,
    /// How many bytes of that line come before.
    pub(crate) column: usize,
    pub(crate) body: Vec<u8>,
}

/// Whether reading waits for another process: a pipe, or a person at a terminal.
#[derive(Clone, Default)]
pub(crate) struct Waiting(Arc<AtomicBool>);

impl Waiting {
    pub(crate) fn is_waiting(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, is_waiting: bool) {
        self.0.store(is_waiting, Ordering::Relaxed);
    }
}

/// Returns the events of the files in turn. `-` is standard input, and so is an empty list. An error is
/// that of a file: those after it are read all the same.
pub(crate) fn items(files: Vec<PathBuf>, waiting: Waiting) -> impl Iterator<Item = Result<Item>> {
    let files = if files.is_empty() {
        vec![PathBuf::from("-")]
    } else {
        files
    };
    files.into_iter().flat_map(move |file| {
        let name = escape::path(&file);
        match open(&file, waiting.clone()) {
            Ok(input) => Box::new(read(name, input)) as Box<dyn Iterator<Item = _>>,
            Err(error) => Box::new(iter::once(Err(Error::new(error).context(name)))),
        }
    })
}

fn read(name: String, input: Box<dyn Read>) -> impl Iterator<Item = Result<Item>> {
    let name: Arc<str> = name.into();
    let mut splitter = Splitter::new(input);
    // An error is the end.
    let mut is_done = false;
    iter::from_fn(move || {
        if is_done {
            return None;
        }
        let error = match splitter.next() {
            Ok(Some(Piece { place, body })) => {
                return Some(Ok(Item {
                    file: Arc::clone(&name),
                    line: place.line,
                    column: place.column,
                    body,
                }));
            }
            Ok(None) => {
                let line = splitter.open_list()?.line;
                anyhow!(
                    "{name}:{line}: the list that begins here does not end: events may be missing"
                )
            }
            Err(error) => {
                let line = splitter.line();
                Error::new(error).context(format!("{name}:{line}: reading on failed"))
            }
        };
        is_done = true;
        Some(Err(error))
    })
}

fn open(file: &Path, waiting: Waiting) -> io::Result<Box<dyn Read>> {
    if file == Path::new("-") {
        let input = io::stdin();
        if input.is_terminal() {
            output::note("reading events from standard input: end with Ctrl-D");
        }
        return decompress(Patient { input, waiting });
    }
    // A named pipe is not even open before somebody writes.
    waiting.set(true);
    let input = File::open(file);
    waiting.set(false);
    let input = input?;
    if input.metadata()?.is_file() {
        decompress(input)
    } else {
        decompress(Patient { input, waiting })
    }
}

/// Reads what may not be there yet.
struct Patient<R> {
    input: R,
    waiting: Waiting,
}

impl<R: Read> Read for Patient<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.waiting.set(true);
        let read = self.input.read(buffer);
        self.waiting.set(false);
        read
    }
}

fn decompress(mut input: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let mut start = Vec::new();
    input.by_ref().take(2).read_to_end(&mut start)?;
    let kind = start.clone();
    let input = Cursor::new(start).chain(input);
    match kind.as_slice() {
        b"\x1f\x8b" => Ok(Box::new(MultiGzDecoder::new(input))),
        b"\xff\xfe" | b"\xfe\xff" => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "this is UTF-16: convert it to UTF-8",
        )),
        _ => Ok(Box::new(input)),
    }
}

/// Fails with the errors of the files that could not be read to their ends.
pub(crate) fn ensure_read(mut unread: Vec<Error>) -> Result<()> {
    let Some(last) = unread.pop() else {
        return Ok(());
    };
    for error in unread {
        output::note(format_args!("aifi-push: {error:#}"));
    }
    Err(last)
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
