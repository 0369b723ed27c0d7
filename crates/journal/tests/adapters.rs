//! The adapters that need nothing but this process, under the conformance suite.

use std::path::Path;
use std::time::Duration;

use coalition_journal::conformance::{CHECKS, Subject};
use coalition_journal::embedded::{Embedded, Settings};
use coalition_journal::log::Log;
use coalition_journal::memory::Memory;
use tempfile::TempDir;

fn check_all(subject: &mut dyn Subject) {
    for (name, check) in CHECKS {
        println!("{name}");
        check(subject);
    }
}

struct InMemory(Memory);

impl Subject for InMemory {
    fn log(&self) -> &dyn Log {
        &self.0
    }

    fn reopen(&mut self) {}

    fn delete_topics(&mut self) {
        self.0.delete_topic("check.made-again");
    }
}

#[test]
fn memory() {
    check_all(&mut InMemory(Memory::new()));
}

struct InFolder {
    settings: Settings,
    folder: TempDir,
    log: Option<Embedded>,
}

impl InFolder {
    fn new(settings: Settings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = Some(open(folder.path(), settings));
        Self { settings, folder, log }
    }
}

fn open(folder: &Path, settings: Settings) -> Embedded {
    Embedded::open(folder, settings).expect("open the log")
}

impl Subject for InFolder {
    fn log(&self) -> &dyn Log {
        self.log.as_ref().expect("open")
    }

    fn reopen(&mut self) {
        self.log = None;
        self.log = Some(open(self.folder.path(), self.settings));
    }

    fn delete_topics(&mut self) {
        self.log = None;
        self.folder = tempfile::tempdir().expect("a folder");
        self.log = Some(open(self.folder.path(), self.settings));
    }
}

fn settings() -> Settings {
    Settings { light_delay: Duration::from_millis(5), ..Settings::default() }
}

#[test]
fn embedded() {
    check_all(&mut InFolder::new(settings()));
}

/// With a tail that holds nothing every read goes to the database.
#[test]
fn embedded_without_tail() {
    check_all(&mut InFolder::new(Settings { tail_bytes_max: 0, ..settings() }));
}

/// One append a group commit, and a page cache smaller than a row.
#[test]
fn embedded_with_little_memory() {
    let little = Settings { commit_bytes_max: 0, cache_bytes: 64 << 10, tail_bytes_max: 500, ..settings() };
    check_all(&mut InFolder::new(little));
}
