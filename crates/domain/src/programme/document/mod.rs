//! Reads programme documents: TOML that an operator writes, in full and with all its faults at once.
//!
//! The tree of values is walked by hand, since a derived reader stops at the first fault. The keys, their ranges and
//! their defaults are described for operators in docs/guides/write-a-programme.md.

mod fault;
mod reward;
mod rule;
mod section;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use toml::de::DeTable;

pub use self::fault::Fault;
use self::fault::Faults;
use self::reward::reward;
use self::rule::rule;
use self::section::Section;
use self::value::{instant, label, parsed};
use super::Programme;

/// The longest document, in bytes.
pub const DOCUMENT_MAX_BYTES: usize = 128 * 1024;
/// The most rules of a document, and the most rewards.
pub const ENTRIES_MAX: usize = 1_000;

/// Reads a document that is to be published. Pure and total.
///
/// # Errors
///
/// All faults of the document, at least one, in the order of their places. A text that isn't TOML is only told what
/// keeps it from being TOML: what its keys would mean isn't known.
pub fn parse(text: &str) -> Result<Programme, Vec<Fault>> {
    parse_as(text, Faults::of(true))
}

/// Reads a document that was published, maybe before a check was there that a new one has to pass.
///
/// # Errors
///
/// As of [`parse`]: it is not what was published.
pub fn parse_published(text: &str) -> Result<Programme, Vec<Fault>> {
    parse_as(text, Faults::of(false))
}

fn parse_as(text: &str, mut faults: Faults) -> Result<Programme, Vec<Fault>> {
    match read(text, &mut faults) {
        Some(programme) if faults.is_empty() => Ok(programme),
        _ => Err(faults.place(text)),
    }
}

fn read(text: &str, faults: &mut Faults) -> Option<Programme> {
    if text.len() > DOCUMENT_MAX_BYTES {
        faults.add(0, "", format!("has {} bytes, at most {DOCUMENT_MAX_BYTES} are allowed", text.len()));
        return None;
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in &errors {
            faults.add(
                error.span().map_or(0, |span| span.start),
                "",
                format!("not TOML: {}", error.message()),
            );
        }
        return None;
    }
    programme(Section::root(table.get_ref(), faults))
}

fn programme(mut document: Section<'_>) -> Option<Programme> {
    let (head, in_zone) = head(&mut document);
    let rules = entries(&mut document, "rule", |section, id| rule(section, id, in_zone));
    let rewards = entries(&mut document, "reward", reward);
    document.finish();
    Some(Programme { rules, rewards, ..head? })
}

/// `[programme]`: what it is and from when on it is in force; without rules and rewards. And whether it names a time zone,
/// sound or not.
fn head(document: &mut Section<'_>) -> (Option<Programme>, bool) {
    if !document.has("programme") {
        document.fault("programme", "missing");
    }
    let Some(mut section) = document.section("programme") else { return (None, false) };
    let id = section.need("id", parsed);
    let name = section.need("name", label);
    section.check_label("name", name.as_ref());
    let effective_from = section.need("effective_from", instant);
    section.check_sayable("effective_from", effective_from);
    let (time_zone, in_zone) = (section.read("time_zone", parsed), section.has("time_zone"));
    section.finish();
    let head = || {
        let (rules, rewards) = (Vec::new(), Vec::new());
        Some(Programme { id: id?, name: name?, effective_from: effective_from?, time_zone, rules, rewards })
    };
    (head(), in_zone)
}

/// The tables headed `[[key]]`, each with an id that no other of them has.
fn entries<I, T>(
    document: &mut Section<'_>,
    key: &'static str,
    read: impl Fn(&mut Section<'_>, Option<I>) -> Option<T>,
) -> Vec<T>
where
    I: FromStr<Err: Display> + Ord + Copy,
{
    let (mut entries, mut numbers) = (Vec::new(), BTreeMap::new());
    document.each(key, ENTRIES_MAX, |mut section, number| {
        let id = section.need("id", parsed::<I>);
        if let Some(id) = id {
            let first = *numbers.entry(id).or_insert(number);
            if first != number {
                section.fault("id", format!("is the id of {key}[{first}] already"));
            }
        }
        entries.extend(read(&mut section, id));
        section.finish();
    });
    entries
}
