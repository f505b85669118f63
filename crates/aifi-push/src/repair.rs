//! What real senders do to JSON that has one meaning all the same.

use std::borrow::Cow;

use memchr::memchr;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Returns a body without a byte order mark, and with U+FFFD for half a surrogate pair.
///
/// .NET writes the mark, and JavaScript the halves, where a text was cut between them.
pub(crate) fn repair(body: &[u8]) -> Cow<'_, [u8]> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let mut repaired = Cow::Borrowed(body);
    let mut at = 0;
    // A backslash is valid in a string only, so every pair of one and the next byte is an escape.
    while let Some(found) = memchr(b'\\', body.get(at..).unwrap_or_default()) {
        at += found;
        let after = match (surrogate(body, at), surrogate(body, at + 6)) {
            (None, _) => 2,
            (Some(Half::High), Some(Half::Low)) => 12,
            (Some(_), _) => {
                // As long as what it replaces, so that the positions in errors are right.
                repaired.to_mut()[at..at + 6].copy_from_slice(br"\ufffd");
                6
            }
        };
        at += after;
    }
    repaired
}

enum Half {
    High,
    Low,
}

/// Returns which half of a pair an escape such as `\ud83d` is, if it is one.
fn surrogate(body: &[u8], at: usize) -> Option<Half> {
    let hex = body.get(at..at + 6)?.strip_prefix(br"\u")?;
    let hex = str::from_utf8(hex).ok()?;
    match u16::from_str_radix(hex, 16).ok()? {
        0xd800..=0xdbff => Some(Half::High),
        0xdc00..=0xdfff => Some(Half::Low),
        _ => None,
    }
}
