//! The trace that a request belongs to, as its header says.

use std::{fmt, str::FromStr};

/// The name of the header in which a request says which trace it belongs to, by
/// [W3C Trace Context](https://www.w3.org/TR/trace-context/). A receiver keeps a valid value in
/// [`Event::headers`](crate::Event::headers).
pub const TRACE_PARENT_HEADER: &str = "traceparent";

/// The span that an event is a consequence of: its trace, its own id, and whether it is recorded.
///
/// ```
/// use aifi_push_inbox::TraceParent;
///
/// let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let parent: TraceParent = text.parse()?;
/// assert_eq!(parent.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert_eq!(parent.to_string(), text);
/// # Ok::<(), aifi_push_inbox::InvalidTraceParent>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: String,
    span_id: String,
    flags: String,
}

/// The text is no `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid traceparent: expected VERSION-TRACE-SPAN-FLAGS of 2, 32, 16 and 2 hexadecimal digits in \
     lower case"
)]
pub struct InvalidTraceParent;

impl TraceParent {
    /// Returns the id of the trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// Returns the id of the span that caused the event: 16 hexadecimal digits.
    pub fn span_id(&self) -> &str {
        &self.span_id
    }

    /// Returns `true` if the sender records the trace.
    pub fn is_sampled(&self) -> bool {
        u8::from_str_radix(&self.flags, 16).is_ok_and(|flags| flags & 1 == 1)
    }
}

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    fn from_str(text: &str) -> Result<Self, InvalidTraceParent> {
        let mut parts = text.split('-');
        let mut part = |digits: usize| {
            let part = parts.next().unwrap_or_default();
            let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            match part.len() == digits && part.bytes().all(is_hex) {
                true => Ok(part),
                false => Err(InvalidTraceParent),
            }
        };
        let (version, trace_id, span_id, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let is_null = |id: &str| id.bytes().all(|byte| byte == b'0');
        // A later version may say more after these, and is otherwise read like this one.
        let has_more = parts.next().is_some();
        if version == "ff" || (version == "00" && has_more) || is_null(trace_id) || is_null(span_id)
        {
            return Err(InvalidTraceParent);
        }
        Ok(Self {
            trace_id: trace_id.to_owned(),
            span_id: span_id.to_owned(),
            flags: flags.to_owned(),
        })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{}", self.trace_id, self.span_id, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_trace_parent_is_refused() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let (no_trace, no_span) = ("0".repeat(32), "0".repeat(16));
        for text in [
            String::new(),
            "00".into(),
            format!("00-{trace}-{span}"),
            format!("00-{trace}-{span}-1"),
            format!("00-{trace}-{span}-01-more"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{no_trace}-{span}-01"),
            format!("00-{trace}-{no_span}-01"),
            format!("00-{span}-{trace}-01"),
            format!(" 00-{trace}-{span}-01"),
        ] {
            assert_eq!(
                text.parse::<TraceParent>(),
                Err(InvalidTraceParent),
                "{text}"
            );
        }
        let later: TraceParent = format!("01-{trace}-{span}-00-more").parse().unwrap();
        assert_eq!(later.to_string(), format!("00-{trace}-{span}-00"));
        assert!(!later.is_sampled());
    }
}
