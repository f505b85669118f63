//! Decimal numbers: what the generated accessors for text such as `totalPrice` call.

use rust_decimal::Decimal;

use crate::Number;

/// A text or a number that is not a decimal number which [`Decimal`] holds without rounding.
///
/// It does not contain the text.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`{name}`: expected a decimal number of at most 28 digits, such as 12.50")]
pub struct DecimalError {
    name: &'static str,
    source: rust_decimal::Error,
}

impl DecimalError {
    /// Returns the name of the field on the wire.
    pub fn name(&self) -> &str {
        self.name
    }
}

/// Reads the text of the field `name`.
pub(crate) fn decimal(name: &'static str, text: &str) -> Result<Decimal, DecimalError> {
    exact(text).map_err(|source| DecimalError { name, source })
}

impl Number {
    /// Returns the number as a decimal number.
    ///
    /// # Errors
    ///
    /// Returns [`DecimalError`] if a [`Decimal`] can't hold it without rounding.
    pub fn to_decimal(&self) -> Result<Decimal, DecimalError> {
        decimal("number", self.as_str())
    }
}

fn exact(text: &str) -> Result<Decimal, rust_decimal::Error> {
    // The parsers take `1_000` too, which is no spelling of a number on the wire.
    let invalid = || rust_decimal::Error::from("invalid decimal: unknown character");
    let text = Some(text)
        .filter(|text| !text.contains('_'))
        .ok_or_else(invalid)?;
    match text.split_once(['e', 'E']) {
        None => Decimal::from_str_exact(text),
        Some((digits, _)) => {
            // The parser of exponents rounds what is before them.
            Decimal::from_str_exact(digits)?;
            Decimal::from_scientific(text)
        }
    }
}
