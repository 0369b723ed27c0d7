//! What every store has to do, run against each of them.

use uuid::Uuid;

use crate::{
    Checkpoint, Error, Found, Identity, MAX_KEY, MAX_VALUE, Mark, Opened, Order, Range, Reader, Refusal,
    Store,
};

pub(crate) fn identity() -> Identity {
    Identity { network: Uuid::from_bytes([1; 16]), shard: 2, format: 3 }
}

pub(crate) fn mark(seq: u64) -> Mark {
    let mut head = [0xab; 32];
    head[..8].copy_from_slice(&seq.to_be_bytes());
    Mark { seq, head }
}

pub(crate) fn checkpoint(seq: u64, rows: &[(&[u8], &[u8])]) -> Checkpoint {
    let mut checkpoint = Checkpoint::new(mark(seq));
    rows.iter().for_each(|(key, value)| checkpoint.put(*key, *value));
    checkpoint
}

/// Runs all cases, each against a store of its own.
pub(crate) fn check(new: &dyn Fn() -> Box<dyn Store>) {
    rows_and_mark_come_back(&*new());
    scans_go_both_ways_and_stop_at_the_limit(&*new());
    what_is_refused_changes_nothing(&*new());
    limits_are_met_exactly(&*new());
    another_identity_is_set_aside(new);
    discarded_rows_are_gone(&*new());
}

fn keys(reader: &dyn Reader, range: &Range, order: Order, limit: usize) -> Vec<Vec<u8>> {
    reader.scan(range, order, limit).unwrap().into_iter().map(|row| row.key).collect()
}

fn rows_and_mark_come_back(store: &dyn Store) {
    let Opened { reader, mut writer, found } = store.open(&identity()).unwrap();
    assert_eq!((found, reader.mark().unwrap()), (Found::Empty, None));
    writer.apply(&checkpoint(5, &[(b"a", b"1"), (b"b", b""), (b"c", b"3")])).unwrap();
    let mut next = checkpoint(6, &[(b"a", b"2"), (b"d", b"4")]);
    next.delete(*b"c");
    next.delete(*b"never there");
    writer.apply(&next).unwrap();
    let expected = [(b"a", Some(&b"2"[..])), (b"b", Some(b"")), (b"c", None), (b"d", Some(b"4"))];
    let check = |reader: &dyn Reader| {
        assert_eq!(reader.mark().unwrap(), Some(mark(6)));
        for (key, value) in expected {
            assert_eq!(reader.get(key).unwrap().as_deref(), value, "{key:?}");
        }
        assert_eq!(keys(reader, &Range::all(), Order::Ascending, 9), [b"a", b"b", b"d"]);
    };
    check(&*reader);
    drop(writer);
    assert!(matches!(reader.get(b"a"), Err(Error::Stopped)), "the writer closes the store");
    let opened = store.open(&identity()).unwrap();
    assert_eq!(opened.found, Found::At(mark(6)));
    check(&*opened.reader);
}

fn scans_go_both_ways_and_stop_at_the_limit(store: &dyn Store) {
    let Opened { reader, mut writer, .. } = store.open(&identity()).unwrap();
    let rows: [(&[u8], &[u8]); 5] =
        [(b"\x01", b""), (b"aa", b""), (b"ab", b""), (b"ac", b""), (b"\xff", b"")];
    writer.apply(&checkpoint(1, &rows)).unwrap();
    let of = |range: Range, order, limit| keys(&*reader, &range, order, limit);
    assert_eq!(of(Range::all(), Order::Ascending, 9), rows.map(|row| row.0));
    assert_eq!(of(Range::all(), Order::Descending, 2), [&b"\xff"[..], b"ac"]);
    assert_eq!(of(Range::prefix(*b"a"), Order::Ascending, 2), [b"aa", b"ab"]);
    assert_eq!(of(Range::prefix(*b"a").after(b"ab", Order::Ascending), Order::Ascending, 2), [b"ac"]);
    assert_eq!(of(Range::prefix(*b"a").after(b"ab", Order::Descending), Order::Descending, 9), [b"aa"]);
    assert_eq!(of(Range::between(*b"aa", *b"ac"), Order::Descending, 9), [b"ab", b"aa"]);
    assert_eq!(of(Range::between(*b"b", *b"a"), Order::Ascending, 9), [[]; 0]);
    assert_eq!(of(Range::all(), Order::Ascending, 0), [[]; 0]);
    let own = Range::between(*b"\0", *b"\x01");
    assert_eq!(of(own, Order::Ascending, 9), [[]; 0], "the store's own rows stay hidden");
    assert_eq!(reader.get(b"\0").unwrap(), None);
}

fn what_is_refused_changes_nothing(store: &dyn Store) {
    let Opened { reader, mut writer, .. } = store.open(&identity()).unwrap();
    writer.apply(&checkpoint(5, &[(b"a", b"1")])).unwrap();
    let long = vec![b'k'; MAX_KEY + 1];
    let large = vec![0; MAX_VALUE + 1];
    for key in [&b""[..], b"\0", b"\0mark", &long] {
        let refused = writer.apply(&checkpoint(6, &[(b"a", b"2"), (key, b"")]));
        assert!(matches!(refused, Err(Error::Refused(Refusal::Key { .. }))), "{refused:?}");
    }
    let refused = writer.apply(&checkpoint(6, &[(b"a", b"2"), (b"account 7", &large)]));
    let expected = Refusal::ValueTooLarge { prefix: b"account ".to_vec(), length: MAX_VALUE + 1 };
    assert!(matches!(refused, Err(Error::Refused(why)) if why == expected));
    let fork = Mark { head: [0; 32], ..mark(5) };
    for back in [mark(4), fork] {
        let refused = writer.apply(&Checkpoint::new(back));
        assert!(matches!(refused, Err(Error::Refused(Refusal::MarkBack { .. }))), "{refused:?}");
    }
    assert_eq!((reader.get(b"a").unwrap(), reader.mark().unwrap()), (Some(b"1".to_vec()), Some(mark(5))));
    writer.apply(&checkpoint(5, &[(b"a", b"2")])).unwrap();
    assert_eq!(reader.get(b"a").unwrap(), Some(b"2".to_vec()), "the same mark again, with more");
}

fn limits_are_met_exactly(store: &dyn Store) {
    let Opened { reader, mut writer, .. } = store.open(&identity()).unwrap();
    let key = vec![b'k'; MAX_KEY];
    let value: Vec<u8> = (0..MAX_VALUE).map(|at| (at % 251) as u8).collect();
    writer.apply(&checkpoint(1, &[(&key, &value)])).unwrap();
    assert_eq!(reader.get(&key).unwrap(), Some(value));
}

fn another_identity_is_set_aside(new: &dyn Fn() -> Box<dyn Store>) {
    let ours = identity();
    for other in [
        Identity { network: Uuid::from_bytes([2; 16]), ..ours },
        Identity { shard: 3, ..ours },
        Identity { format: 4, ..ours },
    ] {
        let store = new();
        let mut writer = store.open(&ours).unwrap().writer;
        writer.apply(&checkpoint(1, &[(b"a", b"1")])).unwrap();
        drop(writer);
        let opened = store.open(&other).unwrap();
        let why = crate::Damage::Foreign { expected: other, found: ours };
        assert!(matches!(opened.found, Found::SetAside { why: seen, .. } if seen == why));
        assert_eq!((opened.reader.get(b"a").unwrap(), opened.reader.mark().unwrap()), (None, None));
    }
}

fn discarded_rows_are_gone(store: &dyn Store) {
    let Opened { reader, mut writer, .. } = store.open(&identity()).unwrap();
    writer.apply(&checkpoint(7, &[(b"a", b"1")])).unwrap();
    writer.discard("not on the chain").unwrap();
    assert!(matches!(reader.get(b"a"), Err(Error::Stopped)));
    let mut opened = store.open(&identity()).unwrap();
    assert_eq!((opened.found, opened.reader.get(b"a").unwrap()), (Found::Empty, None));
    opened.writer.apply(&checkpoint(1, &[(b"a", b"2")])).unwrap();
    assert!(matches!(reader.get(b"a"), Err(Error::Stopped)));
}
