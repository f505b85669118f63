//! Which texts are a date-time.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Utc};

/// What an error says instead.
pub(crate) const EXPECTED: &str = "a date-time with a zone, such as 2019-08-24T14:15:22Z";

/// The same rule as [`parse`] but for the length of a month and of the year 9999, as a pattern of
/// JSON Schema.
#[cfg(feature = "schemars")]
pub(crate) const PATTERN: &str = "^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])[Tt ]\
     ([01]\\d|2[0-3]):[0-5]\\d(:([0-5]\\d|60)([.,]\\d+)?)?\
     ( ?([Zz]|UTC|[+-]([01]\\d|2[0-3])(:?[0-5]\\d)?))$";

/// Parses a date-time as the models do: RFC 3339, and what is nearly that and means one instant only.
///
/// A `t` or a space may separate date and time, a space may precede the zone, and the zone may be
/// `z`, `UTC`, `+0200` or `+02`. Seconds may be missing. A comma may precede the fraction; digits
/// after the ninth are ignored. A leap second is the first second of the next minute.
///
/// The instant must be in the years 0 to 9999 of UTC, as it is encoded in UTC and RFC 3339 has no
/// others.
///
/// # Examples
///
/// ```
/// let time = aifi_push::parse_date_time("2026-11-24 12:00+0200");
/// assert_eq!(time, aifi_push::parse_date_time("2026-11-24T10:00:00Z"));
/// assert_eq!(aifi_push::parse_date_time("2026-11-24T10:00:00"), None);
/// ```
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (minute, rest) = rest.split_at_checked(5)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => rest.split_at_checked(2)?,
        None => ("00", rest),
    };
    let (nanos, rest) = match rest.strip_prefix(['.', ',']) {
        Some(rest) => fraction(rest)?,
        None => (0, rest),
    };

    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let [hour, minute] = fields(minute, ':', [2, 2])?;
    let [second] = fields(second, ':', [2])?;
    let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day)?;
    let minute: NaiveDateTime = date.and_hms_opt(hour, minute, 0)?;
    if second > 60 {
        return None;
    }
    let elapsed = TimeDelta::new(second.into(), nanos)?;
    let offset = offset(rest.strip_prefix(' ').unwrap_or(rest))?;
    let instant = minute
        .checked_add_signed(elapsed)?
        .checked_sub_signed(offset)?
        .and_utc();
    (0..=9999).contains(&instant.year()).then_some(instant)
}

/// Reads numbers of fixed widths.
fn fields<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[u32; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next()?;
        let is_number = part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = is_number.then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(numbers)
}

/// Reads the digits after the point as nanoseconds, and returns what follows.
fn fraction(text: &str) -> Option<(u32, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(end)?;
    let kept = &digits[..end.min(9)];
    let nanos: u32 = kept.parse().ok()?;
    let missing = u32::try_from(9 - kept.len()).ok()?;
    Some((nanos * 10_u32.pow(missing), rest))
}

/// Reads a zone as its distance to UTC.
fn offset(zone: &str) -> Option<TimeDelta> {
    if matches!(zone, "Z" | "z" | "UTC") {
        return Some(TimeDelta::zero());
    }
    let is_west = zone.starts_with('-');
    let zone = zone.strip_prefix(['+', '-'])?;
    let [hours, minutes] = match zone.len() {
        2 => [fields(zone, ':', [2])?[0], 0],
        4 if zone.is_ascii() => {
            let (hours, minutes) = zone.split_at(2);
            [fields(hours, ':', [2])?[0], fields(minutes, ':', [2])?[0]]
        }
        _ => fields(zone, ':', [2, 2])?,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = TimeDelta::minutes(i64::from(hours * 60 + minutes));
    Some(if is_west { -offset } else { offset })
}
