//! The middle of some measurements.

/// Returns the middle one of some values by a key of each, or `None` if there is none.
pub fn median<T>(values: impl IntoIterator<Item = T>, key: impl Fn(&T) -> f64) -> Option<T> {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_by(|a, b| key(a).total_cmp(&key(b)));
    let middle = values.len() / 2;
    values.into_iter().nth(middle)
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_middle_one_is_returned() {
        assert_eq!(median([3.0, 1.0, 2.0], |value| *value), Some(2.0));
        assert_eq!(median([], |value: &f64| *value), None);
    }
}
