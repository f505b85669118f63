//! Splits bytes into events, however they follow each other: one on each line, over several lines,
//! one right after another, in lists, or as records of RFC 7464.

use std::io::{self, Read};

use serde::de::IgnoredAny;
use serde_json::Deserializer;

/// How much is read at least.
const CHUNK: usize = 64 * 1024;

/// How long an event, or a line that is none, may be.
const MAX_LEN: usize = 64 * 1024 * 1024;

/// What begins a record of RFC 7464.
const RECORD_SEPARATOR: u8 = 0x1e;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The bytes of an event, or of a line that contains none, and where they begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) place: Place,
    pub(super) body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// From 1.
    pub(super) line: usize,
    /// How many bytes of the line come before.
    pub(super) column: usize,
}

/// Reads one event after another, and holds no more than one and what is read ahead.
pub(super) struct Splitter<R> {
    input: R,
    buffer: Vec<u8>,
    /// Where in the buffer the rest begins.
    start: usize,
    is_at_end: bool,
    /// Where in the input the rest begins.
    place: Place,
    /// By how many bytes the line of that place is indented.
    indentation: usize,
    /// Where the list begins whose elements are read.
    list: Option<Place>,
}

impl<R: Read> Splitter<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            start: 0,
            is_at_end: false,
            place: Place { line: 1, column: 0 },
            indentation: 0,
            list: None,
        }
    }

    /// Returns the line up to which was read.
    pub(super) fn line(&self) -> usize {
        self.place.line
    }

    /// Returns where the list begins that has not ended.
    pub(super) fn open_list(&self) -> Option<Place> {
        self.list
    }

    /// Returns the next event, or the next line that contains none.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece>> {
        while let Some(byte) = self.byte(0)? {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b',' | RECORD_SEPARATOR => self.skip(1),
                b']' => {
                    self.list = None;
                    self.skip(1);
                }
                0xef if self.is_byte_order_mark()? => self.skip(BYTE_ORDER_MARK.len()),
                b'[' if self.list.is_none() && self.begins_list()? => {
                    self.list = Some(self.place);
                    self.skip(1);
                }
                _ => return self.piece().map(Some),
            }
        }
        Ok(None)
    }

    fn piece(&mut self) -> io::Result<Piece> {
        // By itself, only an object is an event. In a list, whatever else there is takes an element.
        let may_begin = self.list.is_some() || self.byte(0)? == Some(b'{');
        let end = if may_begin { self.value_end(0)? } else { None };
        let end = match end {
            Some(end) => end,
            None => self.bad_end()?,
        };
        let place = self.place;
        let body = without_space(&self.rest()[..end]).to_vec();
        self.skip(end);
        Ok(Piece { place, body })
    }

    /// Returns the end of the JSON value at an offset; `None` if it is invalid or something follows it
    /// on its line that belongs to no event.
    fn value_end(&mut self, from: usize) -> io::Result<Option<usize>> {
        loop {
            let mut values =
                Deserializer::from_slice(&self.rest()[from..]).into_iter::<IgnoredAny>();
            let value = values.next();
            let end = from + values.byte_offset();
            match value {
                // More digits may follow.
                Some(Ok(_)) if end == self.rest().len() && !self.is_at_end => self.fill()?,
                Some(Ok(_)) => return Ok(self.is_end(from, end)?.then_some(end)),
                Some(Err(error)) if !self.is_at_end && self.is_cut(&error) => self.fill()?,
                _ => return Ok(None),
            }
        }
    }

    /// Returns `true` if what was read so far is invalid only because it ends there. A number that is cut
    /// counts as invalid.
    fn is_cut(&self, error: &serde_json::Error) -> bool {
        error.is_eof() || matches!(self.rest().last(), Some(b'-' | b'+' | b'.' | b'e' | b'E'))
    }

    /// Returns `true` if the line may go on like this after a value.
    fn is_end(&mut self, from: usize, mut at: usize) -> io::Result<bool> {
        let is_object = self.byte(from)? == Some(b'{');
        loop {
            match self.byte(at)? {
                Some(b' ' | b'\t' | b'\r' | b']') => at += 1,
                Some(b'{' | b'[' | 0xef) => return Ok(is_object),
                next => return Ok(matches!(next, None | Some(b'\n' | b',' | RECORD_SEPARATOR))),
            }
        }
    }

    /// Returns `true` if a bracket begins a list, rather than a line of text such as `[INFO] …`.
    fn begins_list(&mut self) -> io::Result<bool> {
        let mut at = 1;
        loop {
            match self.byte(at)? {
                Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
                None | Some(b'{' | b']') => return Ok(true),
                Some(_) => return Ok(self.value_end(at)?.is_some()),
            }
        }
    }

    /// Returns the end of what is no event: the line, and, of an object, the lines that belong to it.
    fn bad_end(&mut self) -> io::Result<usize> {
        let is_object = self.byte(0)? == Some(b'{');
        if is_object
            && let Some(end) = self.closing_brace()?
            && self.is_end(0, end)?
        {
            return Ok(end);
        }
        let mut end = self.line_end(0)?;
        if is_object {
            while let Some(next) = self.continuation(end)? {
                end = next;
            }
        }
        // What began on this line, or was to end on it, can't be found any more.
        let is_closed = without_space(&self.rest()[..end]).ends_with(b"]");
        if is_closed || self.list.is_some_and(|list| list.line == self.place.line) {
            self.list = None;
        }
        Ok(end)
    }

    /// Returns the end of the brace that closes the object on its line, where only something within it
    /// is invalid.
    fn closing_brace(&mut self) -> io::Result<Option<usize>> {
        let (mut depth, mut is_string, mut is_escaped) = (0_usize, false, false);
        let mut at = 0;
        while let Some(byte) = self.byte(at)? {
            at += 1;
            match byte {
                b'\n' | RECORD_SEPARATOR => break,
                _ if is_escaped => is_escaped = false,
                b'\\' if is_string => is_escaped = true,
                b'"' => is_string = !is_string,
                b'{' if !is_string => depth += 1,
                b'}' if !is_string => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(Some(at));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Returns the end of the line that follows, if it belongs to the object that begins here: it is
    /// indented further, or closes the object.
    fn continuation(&mut self, end: usize) -> io::Result<Option<usize>> {
        let mut indentation = 0;
        let mut at = end;
        loop {
            match self.byte(at)? {
                Some(b'\n') => indentation = 0,
                Some(b' ' | b'\t' | b'\r') => indentation += 1,
                None | Some(RECORD_SEPARATOR) => return Ok(None),
                Some(b'}') if indentation == self.indentation && at > end => {
                    return Ok(Some(at + 1));
                }
                Some(_) if indentation > self.indentation => return self.line_end(at).map(Some),
                Some(_) => return Ok(None),
            }
            at += 1;
        }
    }

    /// Returns the end of the line, or of the record, that an offset is in.
    fn line_end(&mut self, from: usize) -> io::Result<usize> {
        let mut at = from;
        loop {
            let is_end = |byte: &u8| matches!(*byte, b'\n' | RECORD_SEPARATOR);
            match self.rest()[at..].iter().position(is_end) {
                Some(end) => return Ok(at + end),
                None => at = self.rest().len(),
            }
            if self.byte(at)?.is_none() {
                return Ok(at);
            }
        }
    }

    fn is_byte_order_mark(&mut self) -> io::Result<bool> {
        self.byte(BYTE_ORDER_MARK.len() - 1)?;
        Ok(self.rest().starts_with(BYTE_ORDER_MARK))
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Returns a byte of the rest, and reads on for it; `None` after the end.
    fn byte(&mut self, at: usize) -> io::Result<Option<u8>> {
        while at >= self.rest().len() && !self.is_at_end {
            self.fill()?;
        }
        Ok(self.rest().get(at).copied())
    }

    fn skip(&mut self, len: usize) {
        for byte in &self.buffer[self.start..self.start + len] {
            if *byte == b'\n' {
                self.place.line += 1;
                self.place.column = 0;
                self.indentation = 0;
            } else {
                let is_indented = self.indentation == self.place.column;
                self.indentation += usize::from(is_indented && matches!(*byte, b' ' | b'\t'));
                self.place.column += 1;
            }
        }
        self.start += len;
    }

    /// Reads on. An event that is not complete is parsed again after each time, so what is read grows
    /// with it.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let len = self.buffer.len();
        if len > MAX_LEN {
            let limit = MAX_LEN / 1024 / 1024;
            return Err(io::Error::other(format!(
                "no event ends within {limit} MiB"
            )));
        }
        self.buffer.resize(len + CHUNK.max(len), 0);
        let read = loop {
            match self.input.read(&mut self.buffer[len..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let count = *read.as_ref().unwrap_or(&0);
        self.buffer.truncate(len + count);
        self.is_at_end = read? == 0;
        Ok(())
    }
}

/// Removes the white space of JSON from the end.
fn without_space(bytes: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let end = bytes.iter().rposition(|byte| !is_space(byte));
    &bytes[..end.map_or(0, |last| last + 1)]
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use proptest::{collection::vec, option, prelude::*, sample};
    use serde_json::{Map, Value};

    use super::{Piece, Place, Splitter};

    /// What is written one after another, and the model of what is to come back.
    #[derive(Clone, Debug)]
    enum Part {
        /// An event, as one line or several, and what separates it from the next.
        Event(String, &'static str),
        /// A list of events and of what is none, with what separates them.
        List(Vec<String>, &'static str),
        /// A line that contains no event.
        Bad(String),
    }

    struct Model {
        text: String,
        pieces: Vec<Piece>,
    }

    impl Model {
        fn new(parts: &[Part]) -> Self {
            let (text, pieces) = (String::new(), Vec::new());
            let mut model = Self { text, pieces };
            for part in parts {
                model.add(part);
            }
            model
        }

        fn add(&mut self, part: &Part) {
            match part {
                Part::Event(event, separator) => {
                    self.piece(event);
                    self.text += separator;
                }
                Part::List(elements, separator) => {
                    self.text += "[";
                    for (index, element) in elements.iter().enumerate() {
                        if index > 0 {
                            self.text += ",";
                        }
                        self.text += separator;
                        self.piece(element);
                    }
                    self.text += separator;
                    self.text += "]\n";
                }
                Part::Bad(line) => {
                    self.text += "\n";
                    self.piece(line);
                    self.text += "\n";
                }
            }
        }

        fn piece(&mut self, body: &str) {
            let line = self.text.matches('\n').count() + 1;
            let begin = self.text.rfind('\n').map_or(0, |end| end + 1);
            let column = self.text.len() - begin;
            let place = Place { line, column };
            self.text += body;
            let body = super::without_space(body.as_bytes()).to_vec();
            self.pieces.push(Piece { place, body });
        }
    }

    /// Returns a few bytes at a time, as a pipe may.
    struct Trickle<'a> {
        rest: &'a [u8],
        most: usize,
    }

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.most.min(buffer.len());
            self.rest.read(&mut buffer[..count])
        }
    }

    fn split(bytes: &[u8], most: usize) -> Vec<Piece> {
        let mut splitter = Splitter::new(Trickle { rest: bytes, most });
        std::iter::from_fn(|| splitter.next().unwrap()).collect()
    }

    /// Strings of what could be taken for the form.
    fn string() -> impl Strategy<Value = String> {
        r#"[\[\]{},:"\\ \n#aé\u{1e}]{0,6}"#
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            string().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Value::from),
                vec((string(), inner), 0..4).prop_map(object),
            ]
        })
    }

    fn object(fields: Vec<(String, Value)>) -> Value {
        fields.into_iter().collect::<Map<_, _>>().into()
    }

    fn event() -> impl Strategy<Value = Value> {
        vec((string(), value()), 0..4).prop_map(object)
    }

    fn text() -> impl Strategy<Value = String> {
        (event(), any::<bool>()).prop_map(|(event, is_pretty)| {
            if is_pretty {
                format!("{event:#}")
            } else {
                event.to_string()
            }
        })
    }

    fn separator() -> impl Strategy<Value = &'static str> {
        let separators = [
            "\n",
            "\r\n",
            "\n\n",
            "\n \t\r\n",
            " ",
            "",
            "\u{1e}",
            "\n\u{1e}",
            "\u{feff}",
            ",\n",
        ];
        sample::select(separators.to_vec())
    }

    fn bad_line() -> impl Strategy<Value = String> {
        let cut = (event(), any::<sample::Index>()).prop_map(|(event, at)| {
            let event = event.to_string();
            let mut at = 1 + at.index(event.len() - 1);
            while !event.is_char_boundary(at) {
                at -= 1;
            }
            event[..at].to_owned()
        });
        let prefixes = ["# exported: ", "2026-11-24T10:00:00Z ", "[INFO] ", "17 "];
        let prefix = (sample::select(prefixes.to_vec()), option::of(event()));
        let prefixed = prefix.prop_map(|(prefix, event)| {
            let event = event.map(|event| event.to_string());
            prefix.to_owned() + &event.unwrap_or_default()
        });
        let followed = (event(), sample::select(vec![" and more", "\"", " null"]));
        prop_oneof![
            cut,
            prefixed,
            followed.prop_map(|(event, after)| event.to_string() + after),
            sample::select(vec!["null", "\"text\"", "tru", "[1] [main] started"])
                .prop_map(str::to_owned),
        ]
    }

    fn part() -> impl Strategy<Value = Part> {
        let element = prop_oneof![3 => text(), 1 => value().prop_map(|value| value.to_string())];
        let separators = sample::select(vec!["", " ", "\n", "\r\n\t"]);
        prop_oneof![
            6 => (text(), separator()).prop_map(|(text, separator)| Part::Event(text, separator)),
            2 => (vec(element, 1..4), separators).prop_map(|(all, separator)| Part::List(all, separator)),
            2 => bad_line().prop_map(Part::Bad),
        ]
    }

    fn bodies(text: &str) -> Vec<String> {
        let pieces = split(text.as_bytes(), text.len());
        let bodies = pieces.into_iter().map(|piece| piece.body);
        bodies
            .map(|body| String::from_utf8(body).unwrap())
            .collect()
    }

    #[test]
    fn what_is_broken_costs_no_more_than_itself() {
        let broken_in_a_list = r#"[{"a":1},{"b":tru},{"c":"}"}]"#;
        assert_eq!(
            bodies(broken_in_a_list),
            [r#"{"a":1}"#, r#"{"b":tru}"#, r#"{"c":"}"}"#]
        );
        let cut_in_a_list = "[\n  {\"a\":1},\n  {\"b\":\n  {\"c\":3}\n]\n{\"d\":4}";
        assert_eq!(
            bodies(cut_in_a_list),
            [r#"{"a":1}"#, r#"{"b":"#, r#"{"c":3}"#, r#"{"d":4}"#]
        );
        // The lines of a document stay together.
        let over_lines = "[\n  {\n    \"a\": tru,\n\n    \"b\": {\n    }\n  },\n  {\n  }\n]\n";
        assert_eq!(
            bodies(over_lines),
            ["{\n    \"a\": tru,\n\n    \"b\": {\n    }\n  }", "{\n  }"]
        );
        let cut_over_lines = "{\n  \"a\": [\n    1,\n{\n  \"b\": 2\n}\n";
        assert_eq!(
            bodies(cut_over_lines),
            ["{\n  \"a\": [\n    1,", "{\n  \"b\": 2\n}"]
        );
        let cut_records = "\u{1e}{\"a\":\n\u{1e}{\"b\":2}\n\u{1e}{\"c\":\u{1e}{\"d\":4}";
        assert_eq!(
            bodies(cut_records),
            [r#"{"a":"#, r#"{"b":2}"#, r#"{"c":"#, r#"{"d":4}"#]
        );
        assert_eq!(bodies("{}\n{}}\n{}"), ["{}", "{}}", "{}"]);
        let glued_and_cut = r#"{"a":1}{"b":2}{"c":"#;
        assert_eq!(
            bodies(glued_and_cut),
            [r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":"#]
        );
    }

    #[test]
    fn a_list_that_does_not_end_is_noticed() {
        let open = |text: &str| {
            let mut splitter = Splitter::new(text.as_bytes());
            while splitter.next().unwrap().is_some() {}
            splitter.open_list().map(|place| place.line)
        };
        assert_eq!(open("\n[\n{},\n{},\n"), Some(2));
        assert_eq!(open("[{}]\n[]\n[\n{\n\n]"), None);
        // These are lines of their own.
        assert_eq!(open("[{}, {\n{}\n[INFO] started\n{}"), None);
    }

    #[test]
    fn what_never_ends_is_an_error() {
        let mut splitter = Splitter::new(io::repeat(b'x'));
        let error = splitter.next().unwrap_err();
        assert_eq!(error.to_string(), "no event ends within 64 MiB");
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 300,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn what_is_written_comes_back(parts in vec(part(), 0..8), most in 1..200_usize) {
            let Model { text, pieces } = Model::new(&parts);
            let split = split(text.as_bytes(), most);
            prop_assert_eq!(split, pieces, "{}", text);
        }

        #[test]
        fn whatever_it_reads_it_ends(bytes in vec(any::<u8>(), 0..200), most in 1..200_usize) {
            let is_text = |byte: &&u8| !b" \t\r\n,[]\x1e".contains(byte);
            let pieces = split(&bytes, most);
            let bodies: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.body).collect();
            // It adds nothing, and drops nothing but separators.
            let expected: Vec<_> = bytes.iter().filter(is_text).collect();
            let found: Vec<_> = bodies.iter().filter(is_text).collect();
            if !bytes.windows(3).any(|three| three == super::BYTE_ORDER_MARK) {
                prop_assert_eq!(found, expected);
            }
        }
    }
}
