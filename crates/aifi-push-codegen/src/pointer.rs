//! JSON pointers (RFC 6901), written as URI fragments: `#/paths/~1left/post`.

use std::fmt;

/// The location of a value in a JSON document.
#[derive(Clone, Debug)]
pub(crate) struct Pointer(String);

impl Pointer {
    pub(crate) fn root() -> Self {
        Self("#".to_owned())
    }

    pub(crate) fn join(&self, segment: &str) -> Self {
        let segment = segment.replace('~', "~0").replace('/', "~1");
        Self(format!("{}/{segment}", self.0))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
