//! The memory log's faults, each as its owner steers it.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};

use coalition_domain::Timestamp;
use coalition_journal::log::{AppendError, Log, Offset, Partition, Record};
use coalition_journal::memory::{FlightId, Memory};

type Answer = Receiver<Result<Offset, AppendError>>;

struct Steered {
    log: Memory,
    to: Partition,
}

impl Steered {
    fn new() -> Self {
        let log = Memory::steered();
        log.create_topic("t", 1).expect("create");
        Self { log, to: Partition::new("t", 0) }
    }

    fn append(&self, value: &'static str) -> (FlightId, Answer) {
        let (tell, answer) = mpsc::channel();
        self.log.append(&self.to, vec![Record::of(value)], Box::new(move |outcome| _ = tell.send(outcome)));
        (self.log.in_flight().last().expect("it is in flight").id, answer)
    }

    fn check(&self, expected: &str) {
        let stored = self.log.read(&self.to, Offset(0), usize::MAX).expect("read");
        let values: Vec<_> =
            stored.iter().map(|stored| String::from_utf8_lossy(&stored.record.value)).collect();
        assert_eq!(values.join(" "), expected);
        assert_eq!(self.log.bounds(&self.to).expect("bounds").1.0, stored.len() as u64);
    }
}

fn doubt() -> Result<Offset, AppendError> {
    Err(AppendError::Doubt("steered".to_owned()))
}

fn is_in_doubt(answer: &Answer) -> bool {
    matches!(answer.try_recv(), Ok(Err(AppendError::Doubt(_))))
}

#[test]
fn nothing_happens_by_itself() {
    let steered = Steered::new();
    let (id, answer) = steered.append("a");
    assert!(answer.try_recv().is_err(), "not answered");
    steered.check("");
    let [flight] = steered.log.in_flight().try_into().expect("one");
    assert_eq!((flight.id, &flight.to, flight.delivered, flight.answered), (id, &steered.to, vec![], false));
    assert_eq!(flight.records, [Record::of("a")]);
    assert_eq!(steered.log.deliver(id), Offset(0));
    assert!(answer.try_recv().is_err(), "delivered is not answered");
    steered.check("a");
    steered.log.answer(id, Ok(Offset(0)));
    assert!(matches!(answer.try_recv(), Ok(Ok(Offset(0)))));
    steered.log.forget(id);
    assert_eq!(steered.log.in_flight(), []);
}

#[test]
fn lost_late_duplicated_and_out_of_order() {
    let steered = Steered::new();
    let ((lost, lost_answer), (late, late_answer)) = (steered.append("lost"), steered.append("late"));
    let ((twice, _twice), (early, _early)) = (steered.append("twice"), steered.append("early"));
    steered.log.forget(lost);
    assert!(is_in_doubt(&lost_answer), "who is forgotten is told");
    steered.log.answer(late, doubt());
    assert!(is_in_doubt(&late_answer));
    for id in [early, twice, late, twice] {
        steered.log.deliver(id);
    }
    steered.check("early twice late twice");
    let shown = steered.log.in_flight();
    let twice = shown.iter().find(|flight| flight.id == twice).expect("still in flight");
    assert_eq!(twice.delivered, [Offset(1), Offset(3)]);
}

#[test]
fn time_is_what_it_is_told_and_never_goes_back() {
    let log = Memory::new();
    log.create_topic("t", 1).expect("create");
    let to = Partition::new("t", 0);
    for now in [5, 3, 8] {
        log.set_now(Timestamp::from_millis(now));
        log.append(&to, vec![Record::of("")], Box::new(|outcome| assert!(outcome.is_ok())));
    }
    let stored = log.read(&to, Offset(0), usize::MAX).expect("read");
    let times: Vec<_> = stored.iter().map(|stored| stored.append_time.as_millis()).collect();
    assert_eq!(times, [5, 5, 8]);
}

/// An owner of a shard reads and appends from within the callbacks.
#[test]
fn callbacks_may_call_the_log() {
    let log = Arc::new(Memory::new());
    log.create_topic("t", 1).expect("create");
    let to = Partition::new("t", 0);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (inner, of, noted) = (Arc::downgrade(&log), to.clone(), Arc::clone(&seen));
    let wake = move || {
        let end = inner.upgrade().expect("the test holds it").bounds(&of).expect("bounds").1;
        noted.lock().expect("note").push(end);
    };
    let _watching = log.watch(&to, Arc::new(wake)).expect("watch");
    let (inner, of) = (Arc::clone(&log), to.clone());
    let again = move |_| inner.append(&of, vec![Record::of("again")], Box::new(|_| ()));
    log.append(&to, vec![Record::of("once")], Box::new(again));
    assert_eq!(*seen.lock().expect("look"), [Offset(2), Offset(2)]);
}

#[test]
fn a_topic_takes_its_flights_with_it() {
    let steered = Steered::new();
    let (_, answer) = steered.append("a");
    steered.log.delete_topic("t");
    assert!(is_in_doubt(&answer));
    assert_eq!(steered.log.in_flight(), []);
    let (_, answer) = (steered.log.create_topic("t", 1).expect("create"), steered.append("b").1);
    drop(steered);
    assert!(is_in_doubt(&answer), "the log's end is an answer too");
}
