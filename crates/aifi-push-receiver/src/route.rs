//! Which operation a request is for.

use std::borrow::Cow;

use aifi_push::{Operation, operations};
use percent_encoding::percent_decode_str;

/// Returns the segments of a path, without the empty ones of trailing and doubled slashes.
fn segments(path: &str) -> impl Iterator<Item = Cow<'_, [u8]>> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).into())
}

/// What is at a path below the base path.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Route {
    /// The events of an operation.
    Operation(&'static Operation),
    /// The URL that is configured at the vendor's, to which the platform appends a segment.
    Base,
    NotFound,
}

impl Route {
    /// Finds what is at `path`. An operation is at the last segment of its path in the document, and
    /// at the whole of it.
    pub(crate) fn of(path: &str, base_path: &str) -> Self {
        let path: Vec<_> = segments(path).collect();
        let base: Vec<_> = segments(base_path).collect();
        let Some(rest) = path.strip_prefix(&base[..]) else {
            return Self::NotFound;
        };
        if rest.is_empty() {
            return Self::Base;
        }
        let found = operations::ALL.iter().find(|operation| {
            rest == [operation.segment().as_bytes()]
                || segments(operation.path).eq(rest.iter().cloned())
        });
        found.map_or(Self::NotFound, Self::Operation)
    }
}

#[cfg(test)]
mod tests {
    use super::Route;

    fn found(path: &str, base_path: &str) -> &'static str {
        match Route::of(path, base_path) {
            Route::Operation(operation) => operation.id,
            Route::Base => "base",
            Route::NotFound => "nothing",
        }
    }

    #[test]
    fn slashes_and_escapes_change_nothing() {
        let left = "transition_left";
        for (path, expected) in [
            ("/webhook/left", left),
            ("//webhook//left/", left),
            ("/webhook/%6Ceft", left),
            ("/webhook/api/push/transition/left", left),
            ("/webhook", "base"),
            ("/webhook/", "base"),
            ("/", "nothing"),
            ("/left", "nothing"),
            ("/webhook/left/left", "nothing"),
            ("/webhook/Left", "nothing"),
            ("/webhook%2Fleft", "nothing"),
        ] {
            assert_eq!(found(path, "/webhook"), expected, "{path}");
        }
        assert_eq!(found("/left", ""), left);
        assert_eq!(found("/api/push/transition/left", "/"), left);
    }
}
