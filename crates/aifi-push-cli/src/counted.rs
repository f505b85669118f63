//! How many there are of something.

/// Returns a number with a noun, in the plural unless it is 1.
pub(crate) fn counted(count: u64, one: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {one}{ending}")
}
