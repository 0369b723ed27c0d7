//! Readers of single values. Each gives the value or says in a sentence what was expected.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use toml::de::DeValue;

use super::fault::excerpt;
use crate::slug::Slug;
use crate::{Label, MICROS, NoLabel, NoMicros, Points, Timestamp};

/// A value, or the message of its fault.
pub(super) type Read<T> = Result<T, String>;

/// The largest step of an amount, in units of its currency: 10^9.
const STEP_MAX_UNITS: i64 = 1_000_000_000;

/// What is said of a value of another type.
pub(super) fn mismatch(expected: &str, value: &DeValue) -> String {
    let found = match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    format!("expected {expected}, not {found}")
}

/// A string.
fn text<'v>(value: &'v DeValue) -> Read<&'v str> {
    value.as_str().ok_or_else(|| mismatch("a string in quotes", value))
}

/// Anything that checks its own text: names and currencies.
pub(super) fn parsed<T: FromStr<Err: Display>>(value: &DeValue) -> Read<T> {
    text(value)?.parse().map_err(|error: T::Err| error.to_string())
}

/// A name that can stand in a path.
pub(super) fn id<'v>(value: &'v DeValue) -> Option<&'v str> {
    value.as_str().filter(|text| Slug::new(text).is_ok())
}

/// A text for people.
pub(super) fn label(value: &DeValue) -> Read<String> {
    let text = text(value)?;
    match Label::new(text) {
        Ok(_) => Ok(text.to_owned()),
        // Published documents may have one: a new one is told by `Section::check_new`.
        Err(NoLabel::Direction) => Ok(text.to_owned()),
        Err(error @ (NoLabel::Blank | NoLabel::TooLong(_) | NoLabel::Control)) => Err(error.to_string()),
    }
}

/// One of a closed list of words.
pub(super) fn choice<T: Copy>(value: &DeValue, choices: &[(&'static str, T)]) -> Read<T> {
    let text = text(value)?;
    if let Some((_, chosen)) = choices.iter().find(|(word, _)| *word == text) {
        return Ok(*chosen);
    }
    let words = || choices.iter().map(|(word, _)| *word);
    let quoted: Vec<String> = words().map(|word| format!("`{word}`")).collect();
    let close = closest(text, words()).map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
    Err(format!("`{}` is none of {}{close}", excerpt(text), quoted.join(", ")))
}

/// An integer within `range`.
pub(super) fn whole(value: &DeValue, range: RangeInclusive<u64>) -> Read<u64> {
    let Some(integer) = value.as_integer() else { return Err(mismatch("an integer", value)) };
    // What doesn't parse is below zero or beyond 64 bits: the syntax was checked before.
    u64::from_str_radix(integer.as_str(), integer.radix())
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("must lie between {} and {}", range.start(), range.end()))
}

/// Points above zero.
pub(super) fn points(value: &DeValue) -> Read<Points> {
    Points::new(whole(value, 1..=Points::MAX.get())?).map_err(|error| error.to_string())
}

/// An instant, to the millisecond.
pub(super) fn instant(value: &DeValue) -> Read<Timestamp> {
    let Some(datetime) = value.as_datetime() else {
        let unquoted = if value.is_str() { "; write it without quotes" } else { "" };
        return Err(mismatch("a date-time such as 1997-01-31T00:00:00Z", value) + unquoted);
    };
    let (Some(_), Some(time)) = (datetime.date, datetime.time) else {
        return Err(format!("expected a date-time such as 1997-01-31T00:00:00Z, not {datetime} alone"));
    };
    if datetime.offset.is_none() {
        return Err(format!("has no offset from UTC; add it, as in {datetime}Z or {datetime}+02:00"));
    }
    // A finer instant would be cut, and an event in the cut-off part be judged wrongly.
    if time.nanosecond.is_some_and(|nanos| nanos % 1_000_000 != 0) {
        return Err("must not be finer than a millisecond".to_owned());
    }
    datetime.to_string().parse().map_err(|error: crate::NoTimestamp| error.to_string())
}

/// A decimal text above zero with up to six decimals, in millionths.
pub(super) fn micros(value: &DeValue) -> Read<i64> {
    let text =
        value.as_str().ok_or_else(|| mismatch("a decimal number in quotes such as \"1.00\"", value))?;
    match crate::micros(text) {
        Ok(micros) if (1..=STEP_MAX_UNITS * MICROS).contains(&micros) => Ok(micros),
        Ok(_) | Err(NoMicros::TooLarge) => Err(format!("must lie between 0.000001 and {STEP_MAX_UNITS}")),
        Err(error @ NoMicros::TooFine(_)) => Err(error.to_string()),
        Err(error @ NoMicros::NotDecimal) => Err(format!("\"{}\" {error}", excerpt(text))),
    }
}

/// The word that was probably meant: within one edit for each three of its characters.
pub(super) fn closest(text: &str, words: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    // No word is longer, so a longer text isn't worth the comparison.
    if text.len() > 64 {
        return None;
    }
    let near = |word: &'static str| {
        let edits = edits(text, word);
        (edits <= (word.len() / 3).max(1)).then_some((edits, word))
    };
    words.filter_map(near).min_by_key(|(edits, _)| *edits).map(|(_, word)| word)
}

/// Characters to insert, drop, replace or swap with their neighbour to get from `a` to `b` (optimal string alignment).
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_those_counted_by_hand() {
        for (a, b, expected) in [
            ("", "abc", 3),
            ("points", "points", 0),
            ("ponits", "points", 1),
            ("kitten", "sitting", 3),
            ("ca", "abc", 3),
        ] {
            assert_eq!((edits(a, b), edits(b, a)), (expected, expected), "{a} {b}");
        }
    }

    #[test]
    fn a_close_word_is_offered_and_a_far_one_is_not() {
        let words = || ["from", "points", "effective_from"].into_iter();
        assert_eq!(closest("form", words()), Some("from"));
        assert_eq!(closest("Points", words()), Some("points"));
        assert_eq!(closest("point", words()), Some("points"));
        assert_eq!(closest("efective_form", words()), Some("effective_from"));
        assert_eq!(closest("foam", words()), None);
        assert_eq!(closest("", words()), None);
    }
}
