//! What an append promises.

use std::sync::mpsc::{self, RecvError, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::{PATIENCE, Subject, numbered, numbers, ok, partition, read_all, until};
use crate::log::Offset;

pub(super) fn order(subject: &mut dyn Subject) {
    let to = partition(subject, "check.order");
    let (tell, told) = mpsc::channel();
    let (mut sent, mut firsts) = (0, Vec::new());
    for size in (1..=3).cycle().take(300) {
        firsts.push(sent);
        let records = (sent..sent + size).map(numbered).collect();
        sent += size;
        let tell = tell.clone();
        subject.log().append(&to, records, Box::new(move |outcome| _ = tell.send(outcome)));
    }
    drop(tell);
    let mut answers: Vec<_> = told.iter().map(|outcome| outcome.expect("append").0).collect();
    answers.sort_unstable();
    assert_eq!(answers, firsts);
    let check = |subject: &dyn Subject| {
        let stored = read_all(subject.log(), &to, Offset(0), 4096);
        assert_eq!(numbers(&stored), (0..sent).collect::<Vec<_>>());
        assert!(stored.iter().map(|stored| stored.offset.0).eq(0..sent), "dense");
        assert_eq!(subject.log().bounds(&to).expect("bounds"), (Offset(0), Offset(sent)));
    };
    until("the end is seen", || subject.log().bounds(&to).is_ok_and(|(_, end)| end == Offset(sent)));
    check(subject);
    subject.reopen();
    check(subject);
    assert_eq!(ok(subject.log(), &to, vec![numbered(0)]), Offset(sent));
}

pub(super) fn callers(subject: &mut dyn Subject) {
    const RUN: u64 = 7;
    const RUNS: u64 = 40;
    let to = partition(subject, "check.callers");
    let whole = subject.promises().whole;
    let log = subject.log();
    thread::scope(|scope| {
        let to = &to;
        for caller in 0..4 {
            scope.spawn(move || {
                for run in 0..RUNS {
                    let number = |index| numbered((caller * RUNS + run) * RUN + index);
                    let first = ok(log, to, (0..RUN).map(number).collect());
                    assert!(!whole || first.0.is_multiple_of(RUN));
                    let mut found = Vec::new();
                    until("an answered append is read", || {
                        found = log.read(to, first, 1).expect("read");
                        !found.is_empty()
                    });
                    assert_eq!(
                        numbers(&found),
                        [(caller * RUNS + run) * RUN],
                        "the first one's offset is told"
                    );
                }
            });
        }
        until("all runs are seen", || {
            let (_, end) = log.bounds(to).expect("bounds");
            assert!(!whole || end.0.is_multiple_of(RUN), "half an append is seen");
            end.0 == 4 * RUNS * RUN
        });
    });
    let seen = numbers(&read_all(log, &to, Offset(0), 10_000));
    assert_eq!(seen.len() as u64, 4 * RUNS * RUN);
    let in_run = |run: &[u64]| run[0].is_multiple_of(RUN) && run.iter().copied().eq(run[0]..run[0] + RUN);
    assert!(!whole || seen.chunks(7).all(in_run), "an append is in one run");
    for caller in 0..4 {
        let of = |number: &u64| number / (RUNS * RUN) == caller;
        let seen = seen.iter().copied().filter(of);
        let sent = caller * RUNS * RUN..(caller + 1) * RUNS * RUN;
        assert!(seen.eq(sent), "all of one caller's records, in the order of its calls");
    }
}

pub(super) fn read_back(subject: &mut dyn Subject) {
    let to = partition(subject, "check.read-back");
    for number in 0..50 {
        let offset = ok(subject.log(), &to, vec![numbered(number)]);
        let mut found = Vec::new();
        until("an answered append is read", || {
            found = subject.log().read(&to, offset, 1).expect("read");
            !found.is_empty()
        });
        assert_eq!(numbers(&found), [number]);
    }
}

pub(super) fn append_times(subject: &mut dyn Subject) {
    let to = partition(subject, "check.append-times");
    for number in 0..20 {
        ok(subject.log(), &to, vec![numbered(number)]);
    }
    subject.reopen();
    ok(subject.log(), &to, vec![numbered(20)]);
    let times: Vec<_> =
        read_all(subject.log(), &to, Offset(0), 100).into_iter().map(|stored| stored.append_time).collect();
    assert!(times.is_sorted(), "{times:?}");
}

pub(super) fn waking(subject: &mut dyn Subject) {
    let to = partition(subject, "check.waking");
    let log = subject.log();
    let (tell, told) = mpsc::channel();
    let also = Arc::new(Mutex::new(0));
    let watching = log.watch(&to, Arc::new(move || _ = tell.send(()))).expect("watch");
    let counted = Arc::clone(&also);
    let count = move || *counted.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    let counting = log.watch(&to, Arc::new(count)).expect("watch");
    let gone = log.watch(&to, Arc::new(|| panic!("whoever let go of a watch is woken"))).expect("watch");
    drop(gone);
    thread::scope(|scope| {
        scope.spawn(|| (0..50).for_each(|number| _ = ok(log, &to, vec![numbered(number)])));
        // Whoever reads to the end after each wake misses nothing.
        let mut seen = Vec::new();
        while seen.len() < 50 {
            match told.recv_timeout(PATIENCE) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => panic!("no wake"),
            }
            let from = Offset(seen.len().try_into().expect("small"));
            seen.extend(numbers(&read_all(log, &to, from, 1000)));
        }
        assert!(seen.into_iter().eq(0..50));
    });
    until("every watcher is woken", || *also.lock().unwrap_or_else(PoisonError::into_inner) > 0);
    drop(watching);
    until("what a watcher had is let go of", || told.recv() == Err(RecvError));
    drop(counting);
}
