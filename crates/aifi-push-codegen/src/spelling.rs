//! Guesses what somebody meant to write.

/// Returns the known name that was probably meant: one that differs in a letter or two, and in none
/// if it is short.
pub(crate) fn meant<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let written = written.to_lowercase();
    let distances = known.into_iter().map(|name| {
        let distance = strsim::damerau_levenshtein(&written, &name.to_lowercase());
        (distance, name)
    });
    let close = distances.filter(|(distance, name)| *distance <= (name.len() / 4).min(2));
    close
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
