//! A measured log is the log, and its figures are those of its appends.

use std::sync::{Arc, mpsc};

use coalition_journal::conformance::{CHECKS, Subject};
use coalition_journal::log::{Log, Partition, Record};
use coalition_journal::memory::Memory;
use coalition_journal::metered::Metered;
use coalition_journal::metrics::TopicKind;
use prometheus::{Encoder, Registry, TextEncoder};

struct Measured {
    memory: Arc<Memory>,
    log: Metered,
}

impl Measured {
    fn new() -> Self {
        let memory = Arc::new(Memory::new());
        let kind = |topic: &str| if topic == "j" { TopicKind::Journal } else { TopicKind::Other };
        Self { log: Metered::new(Arc::clone(&memory) as Arc<dyn Log>, kind), memory }
    }
}

impl Subject for Measured {
    fn log(&self) -> &dyn Log {
        &self.log
    }

    fn reopen(&mut self) {}

    fn delete_topics(&mut self) {
        self.memory.delete_topic("check.made-again");
    }
}

#[test]
fn it_passes_the_conformance_suite() {
    let mut subject = Measured::new();
    for (name, check) in CHECKS {
        println!("{name}");
        check(&mut subject);
    }
}

#[test]
fn every_append_is_counted_with_its_bytes_and_its_outcome() {
    let Measured { log, .. } = Measured::new();
    log.create_topic("j", 1).expect("a topic");
    let (told, outcomes) = mpsc::channel();
    // The second has no such partition.
    for number in [0, 1, 0] {
        let told = told.clone();
        let done = Box::new(move |outcome| told.send(outcome).expect("the test listens"));
        log.append(&Partition::new("j", number), vec![Record::of(&b"1234"[..])], done);
    }
    let appended = outcomes.iter().take(3).filter(Result::is_ok).count();
    assert_eq!(appended, 2);

    let registry = Registry::new();
    log.register(&registry).expect("nothing of that name yet");
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text).expect("into memory");
    let text = String::from_utf8(text).expect("text");
    // A record counts 16 for itself.
    for line in [
        "log_appends_total{outcome=\"appended\",topic=\"journal\"} 2",
        "log_appends_total{outcome=\"not_appended\",topic=\"journal\"} 1",
        "log_appends_total{outcome=\"doubt\",topic=\"journal\"} 0",
        "log_append_bytes_total{topic=\"journal\"} 60",
        "log_append_duration_seconds_count{topic=\"journal\"} 3",
        "log_append_duration_seconds_count{topic=\"other\"} 0",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in {text}");
    }
}
