//! Text for a terminal: what a sender wrote can move no cursor, forge no line and turn none around.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
    path::Path,
};

/// Escapes text for one line: control characters, line breaks included, and characters that are
/// invisible or change the direction of others.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    replace(text, is_unsafe, |c, out| {
        out.extend(c.escape_default());
    })
}

/// Escapes text of several lines, whose line breaks and tabs stay.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    let is_unsafe = |c| is_unsafe(c) && c != '\n' && c != '\t';
    replace(text, is_unsafe, |c, out| out.extend(c.escape_default()))
}

/// Escapes the same characters within JSON, which stays the same JSON.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    // Line breaks are between values: a string contains none.
    let is_unsafe = |c| is_unsafe(c) && c != '\n';
    replace(text, is_unsafe, |c, out| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string does not fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

/// Escapes the name of a file, in which any byte may be.
pub(crate) fn path(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(&line(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a string does not fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

fn replace(
    text: &str,
    is_unsafe: impl Fn(char) -> bool,
    escape: impl Fn(char, &mut String),
) -> Cow<'_, str> {
    if !text.contains(&is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if is_unsafe(c) {
            escape(c, &mut out);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Control characters, line separators, and those of Unicode's category "format": marks and overrides
/// of direction, spaces without width, tags.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// A writer of log lines: each call writes one, as the formatters of `tracing-subscriber` do.
pub(crate) struct LogWriter<W> {
    writer: W,
    escape: fn(&str) -> Cow<'_, str>,
}

impl<W> LogWriter<W> {
    /// For lines of text.
    pub(crate) fn text(writer: W) -> Self {
        Self {
            writer,
            escape: line,
        }
    }

    /// For lines of JSON.
    pub(crate) fn json(writer: W) -> Self {
        Self {
            writer,
            escape: json,
        }
    }
}

impl<W: Write> Write for LogWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let mut line = (self.escape)(text).into_owned();
        line.push('\n');
        self.writer.write_all(line.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
