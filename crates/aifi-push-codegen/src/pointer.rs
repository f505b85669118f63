//! JSON pointers (RFC 6901), written as URI fragments: `#/paths/~1left/post`.

use std::fmt;

/// The location of a value in a JSON document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pointer(Vec<String>);

impl Pointer {
    pub(crate) fn root() -> Self {
        Self(Vec::new())
    }

    /// Parses a reference to a value of the same document.
    pub(crate) fn parse(reference: &str) -> Option<Self> {
        let path = reference.strip_prefix('#')?;
        if path.is_empty() {
            return Some(Self::root());
        }
        let segments = path.strip_prefix('/')?.split('/');
        segments.map(unescape).collect::<Option<_>>().map(Self)
    }

    pub(crate) fn join(&self, segment: &str) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment.to_owned());
        Self(segments)
    }

    /// Returns the pointer itself, and those to what it is in.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = Self> {
        let lengths = (0..=self.0.len()).rev();
        lengths.map(|length| Self(self.0[..length].to_vec()))
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("#")?;
        self.0.iter().try_for_each(|segment| {
            let segment = segment.replace('~', "~0").replace('/', "~1");
            let segment = segment.replace('%', "%25");
            write!(f, "/{segment}")
        })
    }
}

fn unescape(segment: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = segment.as_bytes();
    while let [first, others @ ..] = rest {
        rest = others;
        bytes.push(match (first, others) {
            (b'%', [high, low, others @ ..]) => {
                rest = others;
                let hex = [*high, *low];
                u8::from_str_radix(str::from_utf8(&hex).ok()?, 16).ok()?
            }
            (b'%', _) => return None,
            (byte, _) => *byte,
        });
    }
    let segment = String::from_utf8(bytes).ok()?;
    Some(segment.replace("~1", "/").replace("~0", "~"))
}
