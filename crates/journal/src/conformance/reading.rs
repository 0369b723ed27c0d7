//! What reading promises, until a trim and after it.

use bytes::Bytes;

use super::{Subject, numbered, numbers, ok, partition, read_all, until};
use crate::log::{Error, Offset, Record};

pub(super) fn reading(subject: &mut dyn Subject) {
    let to = partition(subject, "check.reading");
    let records: Vec<_> = (0..60).map(numbered).collect();
    ok(subject.log(), &to, records[..50].to_vec());
    ok(subject.log(), &to, records[50..].to_vec());
    let check = |subject: &dyn Subject| {
        for from in 0..=records.len() {
            for bytes_max in [0, 16, 100, 333, 1000, 100_000] {
                let mut sum = 0;
                let fits = |(index, record): &(usize, &Record)| {
                    sum += record.bytes();
                    *index == 0 || sum <= bytes_max
                };
                let expected: Vec<_> = records[from..]
                    .iter()
                    .enumerate()
                    .take_while(fits)
                    .map(|(_, record)| record.clone())
                    .collect();
                let at = Offset(from.try_into().expect("small"));
                let found = subject.log().read(&to, at, bytes_max).expect("read");
                assert!(found.first().is_none_or(|first| first.offset == at));
                let found: Vec<_> = found.into_iter().map(|stored| stored.record).collect();
                assert_eq!(found, expected, "{bytes_max} bytes from {at}");
            }
        }
    };
    until("the end is seen", || subject.log().bounds(&to).is_ok_and(|(_, end)| end == Offset(60)));
    check(subject);
    subject.reopen();
    check(subject);
}

pub(super) fn content(subject: &mut dyn Subject) {
    let to = partition(subject, "check.content");
    let header = |name: &str, value: &'static [u8]| (name.to_owned(), Bytes::from_static(value));
    // A key and a value of this, and the record is the largest one that there is.
    let half = (subject.promises().record_bytes_max - 16) / 2;
    let large: Vec<u8> =
        (0_u32..).flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes()).take(half).collect();
    let records = vec![
        Record::of(""),
        Record { key: Some(Bytes::from_static(b"key")), ..Record::of("value") },
        Record { key: Some(Bytes::new()), ..Record::default() },
        Record {
            headers: vec![
                header("a", b"1"),
                header("b", b""),
                header("a", b"2"),
                header("", b"\xff\0"),
                header("a", b"1"),
            ],
            ..Record::of("headers")
        },
        Record::of(large.clone()),
        Record { key: Some(large.clone().into()), ..Record::of(large) },
        Record::of("last"),
    ];
    ok(subject.log(), &to, records.clone());
    let check = |subject: &dyn Subject| {
        let stored = read_all(subject.log(), &to, Offset(0), 1000);
        // Not assert_eq: nobody reads a megabyte of numbers.
        assert!(
            stored.into_iter().map(|stored| stored.record).eq(records.iter().cloned()),
            "the same records"
        );
    };
    until("the end is seen", || subject.log().bounds(&to).is_ok_and(|(_, end)| end == Offset(7)));
    check(subject);
    subject.reopen();
    check(subject);
}

pub(super) fn trim(subject: &mut dyn Subject) {
    let to = partition(subject, "check.trim");
    for number in 0..10 {
        ok(subject.log(), &to, vec![numbered(number)]);
    }
    let log = subject.log();
    log.trim(&to, Offset(0)).expect("trim nothing");
    log.trim(&to, Offset(5)).expect("trim");
    log.trim(&to, Offset(3)).expect("trim less");
    until("something is trimmed", || log.bounds(&to).is_ok_and(|(start, _)| start > Offset(0)));
    let (start, end) = log.bounds(&to).expect("bounds");
    assert!(start <= Offset(5) && end == Offset(10), "{start} to {end}");
    let Err(Error::Trimmed { start: found, .. }) = log.read(&to, Offset(0), 1) else {
        panic!("what was trimmed is not read");
    };
    assert!((start..=Offset(5)).contains(&found));
    assert_eq!(numbers(&read_all(log, &to, Offset(5), 100)), [5, 6, 7, 8, 9]);
    // Everything: the end stays where it was, whatever the adapter keeps.
    log.trim(&to, Offset(10)).expect("trim all");
    assert_eq!(log.bounds(&to).expect("bounds").1, Offset(10));
    subject.reopen();
    let log = subject.log();
    assert_eq!(log.bounds(&to).expect("bounds").1, Offset(10));
    assert_eq!(ok(log, &to, vec![numbered(10)]), Offset(10));
    assert_eq!(numbers(&read_all(log, &to, Offset(10), 100)), [10]);
}
