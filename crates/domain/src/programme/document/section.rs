//! One table of a document: reads its keys, notes what is wrong with them, and knows which keys nobody asked for.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Faults, excerpt};
use super::value::{self, Read};
use crate::{Label, Timestamp};

/// A table, where it stands, and the list that takes its faults.
///
/// A key is known by being asked for; so every key of a table has to be asked for, whatever the others say, before
/// [`Section::finish`].
pub(super) struct Section<'a> {
    table: &'a DeTable<'a>,
    offset: usize,
    path: String,
    known: Vec<&'static str>,
    faults: &'a mut Faults,
}

impl<'a> Section<'a> {
    /// The document itself.
    pub(super) fn root(table: &'a DeTable<'a>, faults: &'a mut Faults) -> Self {
        Self { table, offset: 0, path: String::new(), known: Vec::new(), faults }
    }

    /// Whether the key is there, sound or not.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The value of an optional key; `None` when it is missing or at fault.
    pub(super) fn read<T>(&mut self, key: &'static str, read: impl FnOnce(&DeValue) -> Read<T>) -> Option<T> {
        let value = self.get(key)?;
        read(value.get_ref()).map_err(|message| self.fault(key, message)).ok()
    }

    /// The value of a key that has to be there.
    pub(super) fn need<T>(&mut self, key: &'static str, read: impl FnOnce(&DeValue) -> Read<T>) -> Option<T> {
        if !self.has(key) {
            self.fault(key, "missing");
        }
        self.read(key, read)
    }

    /// An optional list of different names, at least one.
    pub(super) fn names<T>(&mut self, key: &'static str) -> Option<Vec<T>>
    where
        T: FromStr<Err: Display> + Ord + Copy,
    {
        let value = self.get(key)?;
        let Some(elements) = value.get_ref().as_array() else {
            self.fault(key, value::mismatch("a list of names", value.get_ref()));
            return None;
        };
        if elements.is_empty() {
            self.fault(key, "must not be empty; leave it out to mean all");
        }
        let (mut names, mut seen) = (Vec::new(), BTreeSet::new());
        for (index, element) in elements.iter().enumerate() {
            let message = match value::parsed::<T>(element.get_ref()) {
                Ok(name) if seen.insert(name) => {
                    names.push(name);
                    continue;
                }
                Ok(_) => "named twice".to_owned(),
                Err(message) => message,
            };
            self.faults.add(element.span().start, format!("{}[{}]", self.path_of(key), index + 1), message);
        }
        Some(names)
    }

    /// An optional table of its own.
    pub(super) fn section(&mut self, key: &'static str) -> Option<Section<'_>> {
        let value = self.get(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.fault(key, value::mismatch("a table", value.get_ref()));
            return None;
        };
        let path = self.path_of(key);
        Some(self.child(table, value, path))
    }

    /// Reads each of up to `max` tables headed `[[key]]`; none when the key is missing. They are numbered from 1.
    pub(super) fn each(&mut self, key: &'static str, max: usize, mut read: impl FnMut(Section<'_>, usize)) {
        let Some(value) = self.get(key) else { return };
        let Some(elements) = value.get_ref().as_array() else {
            self.fault(key, value::mismatch(&format!("tables headed [[{key}]]"), value.get_ref()));
            return;
        };
        for (index, element) in elements.iter().enumerate() {
            let (number, by_number) = (index + 1, format!("{}[{}]", self.path_of(key), index + 1));
            if number > max {
                self.faults.add(element.span().start, by_number, format!("at most {max} are allowed"));
                return;
            }
            let Some(table) = element.get_ref().as_table() else {
                let message = value::mismatch(&format!("a table headed [[{key}]]"), element.get_ref());
                self.faults.add(element.span().start, by_number, message);
                continue;
            };
            // An id says more than a number, but only if it is one.
            let id = table.get("id").and_then(|id| value::id(id.get_ref()));
            let path = id.map_or(by_number, |id| format!("{}.{id}", self.path_of(key)));
            read(self.child(table, element, path), number);
        }
    }

    /// Notes a fault at the value of `key`, or at the table's head when the key is missing.
    pub(super) fn fault(&mut self, key: &str, message: impl Into<String>) {
        let offset = self.table.get(key).map_or(self.offset, |value| value.span().start);
        let path = self.path_of(key);
        self.faults.add(offset, path, message);
    }

    /// Notes what no new document may have, and published ones may: a check that came later.
    pub(super) fn check_new(&mut self, key: &str, check: impl FnOnce() -> Option<String>) {
        if self.faults.new
            && let Some(message) = check()
        {
            self.fault(key, message);
        }
    }

    /// An instant of a new document can be said in every interface.
    pub(super) fn check_sayable(&mut self, key: &str, time: Option<Timestamp>) {
        let outside = || time.filter(|time| !Timestamp::SAYABLE.contains(time));
        self.check_new(key, || outside().map(|_| "must lie in the years 1 to 9999".to_owned()));
    }

    /// A label of a new document is what it looks like.
    pub(super) fn check_label(&mut self, key: &str, label: Option<&String>) {
        self.check_new(key, || Some(Label::new(label?.as_str()).err()?.to_string()));
    }

    /// Notes the keys that nobody asked for.
    pub(super) fn finish(self) {
        for key in self.table.keys().filter(|key| !self.known.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref().as_ref();
            let mut message = format!("unknown key `{}`", excerpt(name));
            if let Some(close) = value::closest(name, self.known.iter().copied()) {
                message.push_str(&format!("; did you mean `{close}`?"));
            }
            self.faults.add(key.span().start, self.path.clone(), message);
        }
    }

    fn get(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.table.get(key)
    }

    fn child<'s>(
        &'s mut self,
        table: &'s DeTable<'a>,
        value: &Spanned<DeValue>,
        path: String,
    ) -> Section<'s> {
        Section { table, offset: value.span().start, path, known: Vec::new(), faults: self.faults }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}
