//! What is promised about topics and groups.

use std::sync::Arc;

use super::{Subject, append, numbered, numbers, ok, partition, read_all};
use crate::log::{AppendError, Error, Offset, Partition};

pub(super) fn topics(subject: &mut dyn Subject) {
    let name = "check.topics_1-X";
    let log = subject.log();
    assert_eq!(log.topic(name).expect("look"), None);
    let created = log.create_topic(name, 3).expect("create");
    assert_eq!(created.partitions, 3);
    assert_eq!(log.create_topic(name, 3).expect("create again"), created);
    let Err(Error::PartitionCount { found: 3, wanted: 4, .. }) = log.create_topic(name, 4) else {
        panic!("another number of partitions is refused");
    };
    assert_ne!(log.create_topic("check.topics-other", 1).expect("create").id, created.id);
    for bad in ["", "a/b", "a b", "ä", "a\n", &"x".repeat(201)] {
        assert!(matches!(log.create_topic(bad, 1), Err(Error::TopicName(_))), "{bad:?} is no name");
    }
    log.create_topic(&"x".repeat(200), 1).expect("the longest name");
    log.create_topic("no-partitions", 0).expect_err("a topic has a partition");
    // Partitions are apart.
    for number in [2, 0] {
        let to = Partition::new(name, number);
        assert_eq!(ok(log, &to, vec![numbered(number.into())]), Offset(0));
    }
    subject.reopen();
    let log = subject.log();
    assert_eq!(log.topic(name).expect("look"), Some(created));
    assert_eq!(numbers(&read_all(log, &Partition::new(name, 2), Offset(0), 100)), [2]);
    assert_eq!(log.bounds(&Partition::new(name, 1)).expect("bounds"), (Offset(0), Offset(0)));
}

pub(super) fn absent(subject: &mut dyn Subject) {
    let here = partition(subject, "check.absent");
    let log = subject.log();
    for of in [Partition::new("check.never", 0), Partition::new("check.absent", 1)] {
        let refused = |outcome: Result<(), Error>| {
            assert!(matches!(outcome, Err(Error::NoSuchPartition(partition)) if partition == of));
        };
        refused(log.read(&of, Offset(0), 1).map(drop));
        refused(log.bounds(&of).map(drop));
        refused(log.watch(&of, Arc::new(|| ())).map(drop));
        refused(log.trim(&of, Offset(0)));
        refused(log.commit("group", &of, Offset(0)));
        refused(log.committed("group", &of).map(drop));
        assert!(matches!(append(log, &of, vec![numbered(0)]), Err(AppendError::NotAppended(_))));
    }
    assert!(matches!(append(log, &here, Vec::new()), Err(AppendError::NotAppended(_))));
    assert_eq!(log.read(&here, Offset(0), 1).expect("read"), []);
    assert_eq!(log.read(&here, Offset(7), 1).expect("read"), []);
}

pub(super) fn groups(subject: &mut dyn Subject) {
    let topic = "check.groups";
    subject.log().create_topic(topic, 2).expect("create");
    let (one, other) = (Partition::new(topic, 0), Partition::new(topic, 1));
    let log = subject.log();
    assert_eq!(log.committed("a", &one).expect("committed"), None);
    log.commit("a", &one, Offset(7)).expect("commit");
    log.commit("a", &one, Offset(5)).expect("commit an earlier one");
    log.commit("b", &one, Offset(6)).expect("commit");
    log.commit("a", &other, Offset(9)).expect("commit");
    let check = |subject: &dyn Subject| {
        let committed = |group, of| subject.log().committed(group, of).expect("committed");
        assert_eq!(committed("a", &one), Some(Offset(5)));
        assert_eq!(committed("b", &one), Some(Offset(6)));
        assert_eq!(committed("a", &other), Some(Offset(9)));
        assert_eq!(committed("b", &other), None);
    };
    check(subject);
    // An end in good order loses none of it.
    subject.reopen();
    check(subject);
}

pub(super) fn made_again(subject: &mut dyn Subject) {
    let to = partition(subject, "check.made-again");
    let log = subject.log();
    let before = log.topic(&to.topic).expect("look").expect("it was made");
    ok(log, &to, vec![numbered(0)]);
    log.commit("group", &to, Offset(1)).expect("commit");
    subject.delete_topics();
    let log = subject.log();
    assert_eq!(log.topic(&to.topic).expect("look"), None);
    assert!(matches!(log.bounds(&to), Err(Error::NoSuchPartition(_))));
    let after = log.create_topic(&to.topic, before.partitions).expect("create");
    assert_ne!(after.id, before.id);
    assert_eq!(log.bounds(&to).expect("bounds"), (Offset(0), Offset(0)));
    assert_eq!(log.committed("group", &to).expect("committed"), None);
}
