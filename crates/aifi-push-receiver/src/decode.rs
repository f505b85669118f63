//! Whether a body decodes, found out before it is stored.

use std::panic::{AssertUnwindSafe, catch_unwind};

use aifi_push::DecodeError;
use aifi_push_inbox::Verdict;

/// What the decoder made of a body.
#[derive(Debug)]
pub(crate) enum Decoded {
    Accepted,
    Failed(DecodeError),
    /// The body is in a coding that is unknown, or not in the one that it claims.
    Coded(String),
    /// The decoder panicked: a bug, which must not cost the event.
    Panicked,
}

impl Decoded {
    /// Runs a decoder.
    pub(crate) fn by(decode: impl FnOnce() -> Result<(), DecodeError>) -> Self {
        match catch_unwind(AssertUnwindSafe(decode)) {
            Ok(Ok(())) => Self::Accepted,
            Ok(Err(error)) => Self::Failed(error),
            // The panic may quote the body.
            Err(_) => Self::Panicked,
        }
    }

    /// Why the body is quarantined, if it is.
    pub(crate) fn problem(&self) -> Option<String> {
        match self {
            Self::Accepted => None,
            Self::Failed(error) => Some(error.to_string()),
            Self::Coded(problem) => Some(problem.clone()),
            Self::Panicked => Some("the decoder panicked: report this bug".to_owned()),
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match self.problem() {
            None => Verdict::Accepted,
            Some(problem) => Verdict::Quarantined { problem },
        }
    }
}

#[cfg(test)]
mod tests {
    use aifi_push::operations::TRANSITION_LEFT;
    use aifi_push_inbox::Verdict;

    use super::Decoded;

    #[test]
    fn a_decoder_that_panics_quarantines_the_event() {
        let panicked = Decoded::by(|| panic!("on `the name of a customer`"));
        let Verdict::Quarantined { problem } = panicked.verdict() else {
            panic!("{panicked:?}");
        };
        assert_eq!(problem, "the decoder panicked: report this bug");
    }

    #[test]
    fn a_body_is_accepted_or_quarantined() {
        let example = TRANSITION_LEFT.example.unwrap_or_default();
        let accepted = Decoded::by(|| TRANSITION_LEFT.check(example.as_bytes()));
        assert_eq!(accepted.verdict(), Verdict::Accepted);
        let failed = Decoded::by(|| TRANSITION_LEFT.check(b"[]"));
        assert!(matches!(failed.verdict(), Verdict::Quarantined { .. }));
    }
}
