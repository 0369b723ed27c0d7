use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use coalition_domain::PartnerId;
use coalition_intake::{Intake, Quota, Settings, events_topic, rejected_topic};
use coalition_journal::entry::ShardId;
use coalition_journal::log::{Log, Offset, Partition, Record, Stored};
use coalition_ledger::inbox::Request;
use coalition_ledger::runtime::INBOX;
use coalition_proto::event::v1::PartnerEvent;
use coalition_proto::r#type::v1::ErrorReason;
use prost::Message;

use crate::faulty::Faulty;
use crate::network::{
    Network, SHARDS, append, committed, event, inboxes, memory, publish, publish_events, records,
    refused_by_intake, until,
};

/// Partner and event id of a record of the inbox; `None` for what shards relay to each other.
pub(crate) fn placed(stored: &Stored) -> Option<(PartnerId, String)> {
    match Request::decode(&stored.record.value).unwrap() {
        Request::Event(event, _) => Some((event.partner, event.event_id.as_str().to_owned())),
        Request::Relayed(_) | Request::Commands(_) => None,
    }
}

fn numbered(events: u32) -> impl Iterator<Item = PartnerEvent> {
    (0..events).map(|number| event(&number.to_string(), number % 50))
}

#[test]
fn a_topic_that_was_made_anew_is_read_from_its_start() {
    let faulty = Arc::new(Faulty::new(memory()));
    let log: Arc<dyn Log> = Arc::clone(&faulty) as Arc<dyn Log>;
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    publish_events(&*log, partner, numbered(5));
    let intake = Intake::start(Arc::clone(&log), network.ledger(), Settings::default()).unwrap();
    until("it is read", || committed(&*log, partner) == Some(Offset(5)));
    faulty.lose(events_topic(&partner), Offset(5));
    publish_events(&*log, partner, numbered(6).skip(5));
    until("it is read once more", || intake.counts().accepted == 11);
    intake.stop();
}

#[test]
fn events_are_placed_by_their_account_and_decided() {
    let log: Arc<dyn Log> = memory();
    let network = Network::start(&log);
    let (a, b) = (network.create_partner("a"), network.create_partner("b"));
    publish_events(&*log, a, numbered(500));
    let intake = Intake::start(Arc::clone(&log), network.ledger(), Settings::default()).unwrap();
    publish_events(&*log, b, numbered(300));
    until("both topics are dealt with", || {
        committed(&*log, a) == Some(Offset(500)) && committed(&*log, b) == Some(Offset(300))
    });

    let mut found = Vec::new();
    for (shard, inbox) in (0..).zip(inboxes(&*log)) {
        for stored in inbox {
            let Some(placed) = placed(&stored) else { continue };
            let Request::Event(event, source) = Request::decode(&stored.record.value).unwrap() else {
                unreachable!("it is placed")
            };
            let account = event.identifier.account();
            assert_eq!(account.shard(SHARDS), shard);
            assert_eq!(stored.record.key.as_deref(), Some(&account.0.as_bytes()[..]));
            let said = &records(&*log, &events_topic(&event.partner), source.partition)
                [usize::try_from(source.offset.0).unwrap()];
            let said = PartnerEvent::decode(said.record.value.clone()).unwrap();
            assert_eq!(said.event_id, event.event_id.as_str());
            found.push(placed);
        }
    }
    found.sort();
    let numbers = |partner, count: u32| (0..count).map(move |number| (partner, number.to_string()));
    let mut expected: Vec<_> = numbers(a, 500).chain(numbers(b, 300)).collect();
    expected.sort();
    assert_eq!(found, expected);

    let ledger = network.ledger();
    until("all is decided", || {
        (0..SHARDS).all(|shard| {
            let end = log.bounds(&Partition::new(INBOX, shard)).unwrap().1;
            ledger.status(ShardId(shard)).is_some_and(|status| status.inbox_next == end)
        })
    });
    let counts = intake.counts();
    assert_eq!((counts.accepted, counts.rejected.len()), (800, 0));
    intake.stop();
    network.stop();
}

#[test]
fn a_partner_that_comes_later_is_served() {
    let log: Arc<dyn Log> = memory();
    let network = Network::start(&log);
    let intake = Intake::start(Arc::clone(&log), network.ledger(), Settings::default()).unwrap();
    let late = network.create_partner("late");
    until("its topics are there", || log.topic(&rejected_topic(&late)).unwrap().is_some());
    publish_events(&*log, late, numbered(3));
    until("its events are dealt with", || committed(&*log, late) == Some(Offset(3)));
    intake.stop();
    network.stop();
}

#[test]
fn a_partner_whose_topic_could_lose_events_waits_until_it_is_mended_and_others_do_not() {
    let faulty = Arc::new(Faulty::new(memory()));
    let log: Arc<dyn Log> = faulty.clone();
    let network = Network::start(&log);
    let (a, b) = (network.create_partner("a"), network.create_partner("b"));
    faulty.unfit(Some(events_topic(&a)));
    publish_events(&*log, a, numbered(5));
    publish_events(&*log, b, numbered(3));
    let intake = Intake::start(Arc::clone(&log), network.ledger(), Settings::default()).unwrap();
    until("the other is dealt with", || committed(&*log, b) == Some(Offset(3)));
    assert_eq!((committed(&*log, a), intake.counts().unopened), (None, 1));
    let late = network.create_partner("late");
    publish_events(&*log, late, numbered(2));
    until("so is one that comes later", || committed(&*log, late) == Some(Offset(2)));
    assert_eq!((committed(&*log, a), intake.counts().unopened), (None, 1));
    faulty.unfit(None);
    until("it is dealt with once it is mended", || committed(&*log, a) == Some(Offset(5)));
    until("it is counted no more", || intake.counts().unopened == 0);
    intake.stop();
    network.stop();
}

#[test]
fn a_topic_keeps_the_partitions_that_it_has() {
    let log: Arc<dyn Log> = memory();
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    let topic = coalition_intake::events_topic(&partner);
    log.create_topic(&topic, 2).unwrap();
    let second = Partition::new(&topic, 1);
    let garbage = vec![coalition_journal::log::Record::of(&b"\0"[..])];
    log.append(&second, garbage, Box::new(|outcome| assert!(outcome.is_ok())));
    let intake = Intake::start(Arc::clone(&log), network.ledger(), Settings::default()).unwrap();
    until("it is dealt with", || log.committed("coalition-intake", &second).unwrap() == Some(Offset(1)));
    let returned = records(&*log, &rejected_topic(&partner), 0);
    assert_eq!(returned.len(), 1);
    let from = ("__connect.errors.partition".to_owned(), bytes::Bytes::from_static(b"1"));
    assert!(returned[0].record.headers.contains(&from));
    intake.stop();
    network.stop();
}

#[test]
fn what_is_not_accepted_goes_back_in_order_and_stops_nothing() {
    let log: Arc<dyn Log> = memory();
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    let encode = |event: &PartnerEvent| prost::Message::encode_to_vec(event);
    let mut hidden = event("hidden", 1);
    hidden.identifier.as_mut().unwrap().value = "jane@example.com".to_owned();
    let (unnamed, cut) = (encode(&event("", 1)), encode(&event("cut", 1))[..20].to_vec());
    let values =
        [cut.clone(), encode(&event("1", 1)), encode(&hidden), unnamed.clone(), encode(&event("2", 1))];
    publish(&*log, partner, values);
    let intake = Intake::start(Arc::clone(&log), network.ledger(), Settings::default()).unwrap();
    until("all is dealt with", || committed(&*log, partner) == Some(Offset(5)));

    let ids: Vec<_> = inboxes(&*log).concat().iter().filter_map(placed).map(|(_, id)| id).collect();
    assert_eq!(ids, ["1", "2"]);
    let returned = refused_by_intake(&*log, partner);
    let header = |stored: &Stored, name: &str| {
        let found = stored.record.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| String::from_utf8(value.to_vec()).unwrap())
    };
    let told: Vec<_> = returned
        .iter()
        .map(|stored| {
            let told = ["__connect.errors.offset", "__connect.errors.stage", "coalition.errors.reason"];
            (stored.record.value.to_vec(), told.map(|name| header(stored, name).unwrap()).join(" "))
        })
        .collect();
    let expected = [
        (cut, "0 VALUE_CONVERTER MALFORMED".to_owned()),
        (Vec::new(), "2 TRANSFORMATION IDENTIFIER_REFUSED".to_owned()),
        (unnamed, "3 TRANSFORMATION FIELD_MISSING".to_owned()),
    ];
    assert_eq!(told, expected);
    assert_eq!(header(&returned[1], "coalition.errors.redacted").as_deref(), Some("true"));

    let counts = intake.counts();
    assert_eq!(counts.accepted, 2);
    let reasons = [ErrorReason::Malformed, ErrorReason::FieldMissing, ErrorReason::IdentifierRefused];
    assert_eq!(counts.rejected, reasons.map(|reason| (reason, 1)).into());
    intake.stop();
    network.stop();
}

#[test]
fn what_the_ledger_refuses_goes_back_as_it_came() {
    let log: Arc<dyn Log> = memory();
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    // No programme is there that these could count in.
    let events: Vec<_> = numbered(5).collect();
    let intake = Intake::start(Arc::clone(&log), network.ledger(), Settings::default()).unwrap();
    publish_events(&*log, partner, events.clone());
    let rejected = || records(&*log, &rejected_topic(&partner), 0);
    until("all are back", || rejected().len() == 5);
    let mut back: Vec<_> = rejected().into_iter().map(|stored| stored.record).collect();
    back.sort_by(|a, b| a.value.cmp(&b.value));
    let header = |record: &Record, name: &str| {
        let value = record.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_vec());
        String::from_utf8(value.unwrap_or_default()).unwrap()
    };
    let mut numbers = BTreeSet::new();
    for (offset, (record, event)) in back.iter().zip(&events).enumerate() {
        assert_eq!(record.value, event.encode_to_vec());
        assert_eq!(header(record, "coalition.errors.reason"), "NO_PROGRAMME");
        assert_eq!(header(record, "__connect.errors.stage"), "TASK_PUT");
        assert_eq!(header(record, "coalition.errors.event_id"), event.event_id);
        assert_eq!(header(record, "__connect.errors.offset"), offset.to_string());
        numbers.insert(header(record, "coalition.errors.number"));
    }
    assert_eq!(numbers.len(), 5, "{numbers:?}");
    // Nothing that must not be stored, wherever it stands.
    let shown =
        Record { key: Some("jane@example.com".into()), ..Record::of(event("shown", 1).encode_to_vec()) };
    let to = Partition::new(&events_topic(&partner), 0);
    log.append(&to, vec![shown], Box::new(|outcome| assert!(outcome.is_ok(), "{outcome:?}")));
    until("it is back", || rejected().len() == 6);
    let last = &rejected()[5].record;
    assert_eq!((&last.key, last.value.len()), (&None, 0));
    assert_eq!(
        (header(last, "coalition.errors.redacted"), header(last, "coalition.errors.event_id")),
        ("true".to_owned(), "shown".to_owned())
    );
    intake.stop();
    network.stop();
}

#[test]
fn the_guide_tells_every_header_and_stage() {
    let log: Arc<dyn Log> = memory();
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    let mut hidden = event("hidden", 1);
    hidden.identifier.as_mut().unwrap().value = "jane@example.com".to_owned();
    // One that can't be read, one that can't be accepted, and one that no programme is there for.
    publish(&*log, partner, [b"{".to_vec(), hidden.encode_to_vec(), event("1", 1).encode_to_vec()]);
    let intake = Intake::start(Arc::clone(&log), network.ledger(), Settings::default()).unwrap();
    let rejected = || records(&*log, &rejected_topic(&partner), 0);
    until("all are back", || rejected().len() == 3);
    let written: Vec<_> = rejected().into_iter().flat_map(|stored| stored.record.headers).collect();
    let names: BTreeSet<_> = written.iter().map(|(name, _)| name.as_str()).collect();

    let guide = include_str!("../../../../docs/guides/emit-events.md");
    let rows = guide.lines().skip_while(|line| *line != "| header | value |").skip(2);
    let rows: Vec<_> = rows.take_while(|line| line.starts_with("| `")).collect();
    let told: BTreeSet<_> = rows.iter().map(|row| row.split('`').nth(1).unwrap()).collect();
    assert_eq!(names, told);
    assert_eq!(told.len(), rows.len(), "each has a row of its own");
    let row = rows.iter().find(|row| row.contains("errors.stage")).unwrap();
    let told: BTreeSet<_> = row.split('`').skip(3).step_by(2).collect();
    let stages = written.iter().filter(|(name, _)| name == "__connect.errors.stage");
    let stages: BTreeSet<_> = stages.map(|(_, stage)| std::str::from_utf8(stage).unwrap()).collect();
    assert_eq!(stages, told);
    intake.stop();
    network.stop();
}

#[test]
fn who_floods_waits_for_the_ledger_and_others_do_not() {
    const EVENTS: u32 = 5_000;
    // A record of a partner's topic is not below 60 bytes here: one read has at most 17.
    let settings = Settings { undecided_max: 2, read_bytes_max: 1_024, ..Settings::default() };
    // Of a shard that pauses it is 64 times as much.
    const SHARE: usize = 128;
    let log: Arc<dyn Log> = memory();
    let network = Network::start(&log);
    let (partner, other) = (network.create_partner("a"), network.create_partner("b"));
    publish_events(&*log, partner, numbered(EVENTS));
    let (ledger, ended) = (network.ledger(), settings.clone());
    // It decides nothing for now.
    network.stop();
    let intake = Intake::start(Arc::clone(&log), ledger, ended).unwrap();
    let longest = || inboxes(&*log).iter().map(Vec::len).max().unwrap_or_default();
    until("a shard has enough", || longest() >= SHARE);
    let mut seen = (0, 0);
    until("the inbox rests", || {
        seen = if seen.0 == longest() { (seen.0, seen.1 + 1) } else { (longest(), 0) };
        seen.1 == 1_000
    });
    assert!(longest() < SHARE + 17 * 2, "{} in a shard's inbox", longest());
    publish_events(&*log, other, numbered(10));
    until("the other's lie in the inboxes", || committed(&*log, other) == Some(Offset(10)));
    assert!(longest() < SHARE + 17 * 2 + 10, "{} in a shard's inbox", longest());
    intake.stop();

    // With a ledger that decides, it goes on.
    let network = Network::restart(&log);
    let intake = Intake::start(Arc::clone(&log), network.ledger(), settings).unwrap();
    until("all is dealt with", || committed(&*log, partner) == Some(Offset(EVENTS.into())));
    intake.stop();
    network.stop();
}

#[test]
fn a_topic_that_fills_faster_than_a_partner_may_send_is_read_at_that_pace_and_others_at_once() {
    const A_SECOND: u32 = 100;
    // One read has at most 17 records.
    let partner_quota = Quota::of(A_SECOND);
    let settings = Settings { partner_quota, read_bytes_max: 1_024, ..Settings::default() };
    let log: Arc<dyn Log> = memory();
    let network = Network::start(&log);
    let (partner, other) = (network.create_partner("a"), network.create_partner("b"));
    publish_events(&*log, partner, numbered(5_000));
    let began = Instant::now();
    let intake = Intake::start(Arc::clone(&log), network.ledger(), settings).unwrap();
    // Each needs a look at all topics at least: ten reads of 17.
    for number in 1..=10 {
        publish_events(&*log, other, numbered(number).skip(number as usize - 1));
        until("the other's is dealt with", || committed(&*log, other) == Some(Offset(number.into())));
    }
    let read = u128::from(intake.counts().accepted - 10);
    let most = 34 + u128::from(A_SECOND) * began.elapsed().as_millis() / 1_000;
    assert!(read <= most, "{read} of {most}");
    intake.stop();
    network.stop();
}

#[test]
fn the_partitions_of_a_partner_that_is_paced_are_read_by_turns() {
    let settings = Settings { partner_quota: Quota::of(1_000), read_bytes_max: 1_024, ..Settings::default() };
    let log: Arc<dyn Log> = memory();
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    let topic = events_topic(&partner);
    log.create_topic(&topic, 2).unwrap();
    let parts = [0, 1].map(|number| Partition::new(&topic, number));
    for part in &parts {
        append(&*log, part, numbered(5_000).map(|event| event.encode_to_vec()));
    }
    // Streams that are looked at between the two and after them.
    for other in ["b", "c", "d", "e", "f", "g"] {
        publish_events(&*log, network.create_partner(other), numbered(1));
    }
    let intake = Intake::start(Arc::clone(&log), network.ledger(), settings).unwrap();
    let read = |part| log.committed("coalition-intake", part).unwrap().map_or(0, |next| next.0);
    until("a good part is read", || parts.iter().map(read).sum::<u64>() > 800);
    let [first, second] = [read(&parts[0]), read(&parts[1])];
    assert!(first.abs_diff(second) < 200, "{first} of one, {second} of the other");
    intake.stop();
    network.stop();
}

#[test]
fn bounds_of_nothing_are_refused() {
    let log: Arc<dyn Log> = memory();
    let network = Network::start(&log);
    let start = |settings| Intake::start(Arc::clone(&log), network.ledger(), settings).err();
    let settings = Settings { undecided_max: 0, ..Settings::default() };
    assert_eq!(start(settings).unwrap().to_string(), "undecided_max is 0: nothing would ever be read");
    network.stop();
}
