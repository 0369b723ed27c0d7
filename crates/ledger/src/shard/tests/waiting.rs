//! Events that come before the consent that they need.

use coalition_domain::decide::{RegistryChange, RegistryCommand};
use coalition_domain::registry::Settings;
use coalition_domain::{
    Caller, Command, EventBody, Identifier, KeyId, Outcome, PartnerEvent, PartnerId, Place, ProgrammeId,
    Purpose, Reference, RequestId, Role, Scheme, Span, Timestamp, UnitPrice,
};
use coalition_journal::log::{Offset, Stored};
use uuid::Uuid;

use super::{Alone, Input, NOW, stored};
use crate::body::Item;
use crate::due::{Due, WAITING_MAX};
use crate::inbox::{Request, Source};
use crate::shard::{Direct, Token};

const WAIT: Span = Span::from_secs(3_600);

const DOCUMENT: &str = r#"
[programme]
id = "miles"
name = "Miles"
effective_from = 2025-01-01T00:00:00Z

[[rule]]
id = "letter"
event = "email_read"
points = 10
consent = "marketing"
"#;

/// A core in office, of a network where partner `mail` has letters to be read.
fn network() -> Alone {
    network_by(DOCUMENT)
}

pub(super) fn network_by(document: &str) -> Alone {
    let mut alone = Alone::in_office();
    let (mail, miles): (_, ProgrammeId) = (PartnerId::new("mail").unwrap(), "miles".parse().unwrap());
    let (key, settings) = (
        KeyId::new("root").unwrap(),
        Settings { max_event_age: Span::from_days(1), max_request_age: Span::from_days(1) },
    );
    let price = UnitPrice::new("USD".parse().unwrap(), 9_000).ok();
    let changes = [
        RegistryChange::SetUpWaiting { settings, consent_wait: WAIT, key, secret_hash: [1; 32] },
        RegistryChange::CreatePartner {
            id: mail,
            display_name: "Mail".to_owned(),
            default_programme: Some(miles),
        },
        RegistryChange::PublishProgramme { document: document.into() },
        RegistryChange::CreateContract {
            partner: mail,
            programme: miles,
            from: Timestamp::MIN,
            accrual: price,
            redemption: None,
        },
    ];
    for (nth, change) in (0_u64..).zip(changes) {
        let time = NOW.as_millis().unsigned_abs() << 16;
        let request = RequestId::new(Uuid::from_u64_pair(time | 0x7000, 1 << 63 | nth)).unwrap();
        let caller = (nth > 0).then_some(Caller { key, role: Role::Operator });
        let command = RegistryCommand { caller, request, change };
        alone.say(Input::Direct(Token(nth), Box::new(Direct::Registry(command))));
    }
    alone
}

/// An event of `mail` and this member as record `offset` of the inbox, which lies at 100 more in the partner's topic.
pub(super) fn of_mail(offset: u64, member: u64, body: EventBody) -> Stored {
    let event = PartnerEvent {
        partner: PartnerId::new("mail").unwrap(),
        event_id: Reference::new(format!("e{offset}")).unwrap(),
        programme: None,
        identifier: Identifier::new(Scheme::CardToken, &format!("tok_{member}")).unwrap(),
        event_time: NOW,
        channel: None,
        revision: 0,
        body,
    };
    stored(offset, Request::Event(event, source(offset)).encode())
}

fn source(offset: u64) -> Source {
    Source { partition: 3, offset: Offset(offset + 100) }
}

/// A letter that this member has read.
pub(super) fn letter_of(offset: u64, member: u64) -> Stored {
    of_mail(offset, member, EventBody::EmailRead { message: Reference::new(format!("m{offset}")).unwrap() })
}

fn letter(offset: u64) -> Stored {
    letter_of(offset, 1)
}

fn consent(offset: u64) -> Stored {
    of_mail(offset, 1, EventBody::ConsentGiven { purpose: Purpose::new("marketing").unwrap() })
}

/// What each batch says of events: which, of which source, and what became of it.
pub(super) fn told(alone: &Alone) -> Vec<Vec<(String, Option<Source>, &'static str)>> {
    let item = |item: Item| match item {
        Item::Account(decision, source) => match decision.command {
            Command::PartnerEvent(event) | Command::Forwarded { event, .. } => {
                let outcome = match decision.outcome {
                    Outcome::Applied(_) => "applied",
                    Outcome::Waiting(_) => "waits",
                    Outcome::Refused(rejection) => rejection.code(),
                    Outcome::Forwarded(_) => "forwarded",
                };
                Some((event.event_id.to_string(), source, outcome))
            }
            Command::Enrol { .. }
            | Command::Redeem { .. }
            | Command::TimePassed { .. }
            | Command::Reward { .. }
            | Command::Adjust { .. }
            | Command::Link { .. }
            | Command::Consent { .. }
            | Command::Unlink { .. }
            | Command::AcceptLinks { .. }
            | Command::Adopt(_)
            | Command::FindOrder { .. }
            | Command::LocateOrder { .. }
            | Command::OrderLocated { .. } => None,
        },
        Item::Registry(_) | Item::Relayed(_) | Item::Taken(..) | Item::Asked { .. } => None,
    };
    let batches = alone.bodies().into_iter();
    let batches = batches.map(|(_, items)| items.into_iter().filter_map(|(it, _)| item(it)).collect());
    batches.filter(|events: &Vec<_>| !events.is_empty()).collect()
}

pub(super) fn at(offset: u64, outcome: &'static str) -> (String, Option<Source>, &'static str) {
    (format!("e{offset}"), Some(source(offset)), outcome)
}

/// Time goes by, and the core is not told.
pub(super) fn wait(alone: &mut Alone, span: Span) {
    alone.mono = Span::from_millis(alone.mono.as_millis() + span.as_millis());
}

pub(super) fn pass(alone: &mut Alone, span: Span) {
    wait(alone, span);
    alone.say(Input::Tick);
}

#[test]
fn a_consent_brings_about_what_waited_for_it_in_its_own_batch() {
    let mut alone = network();
    alone.say(Input::Inbox(vec![letter(0), letter(1)]));
    alone.say(Input::Inbox(vec![letter(2), consent(3), letter(4)]));
    assert_eq!(
        told(&alone),
        [
            vec![at(0, "waits"), at(1, "waits")],
            vec![
                at(2, "waits"),
                at(3, "applied"),
                at(0, "applied"),
                at(1, "applied"),
                at(2, "applied"),
                at(4, "applied")
            ],
        ]
    );
    assert_eq!((alone.core.state().due.count(), alone.returns.len()), (0, 0));
    pass(&mut alone, WAIT);
    assert_eq!(told(&alone).len(), 2, "nothing is due any more");
}

#[test]
fn a_consent_that_much_waited_for_fits_into_a_record() {
    // With a long name and a limit, the facts of one rule take some 100 bytes.
    let rule = |nth| {
        let id = format!("a-rule-with-a-name-{nth}");
        format!(
            "[[rule]]\nid = \"{id}\"\nevent = \"email_read\"\npoints = 1\nonce = \"reference\"\nconsent = \"marketing\"\n"
        )
    };
    let (head, _) = DOCUMENT.split_once("[[rule]]").unwrap();
    let mut alone = network_by(&(0..1_000).fold(head.to_owned(), |document, nth| document + &rule(nth)));
    let letters: Vec<_> = (0..16).map(letter).collect();
    alone.say(Input::Inbox(letters));
    alone.say(Input::Inbox(vec![consent(16)]));
    let with_consent = told(&alone)[1].clone();
    let first: Vec<_> = (0..with_consent.len() as u64 - 1).map(|offset| at(offset, "applied")).collect();
    assert_eq!(with_consent[1..], first);
    let largest = alone.journal.iter().map(|stored| stored.record.value.len()).max().unwrap();
    assert!((256 * 1024..640 * 1024).contains(&largest), "{largest} bytes in a record");

    pass(&mut alone, WAIT);
    let all: Vec<_> = (0..16).map(|offset| at(offset, "applied")).collect();
    let applied = told(&alone).concat().into_iter().filter(|(id, _, said)| *said == "applied" && id != "e16");
    assert_eq!(applied.collect::<Vec<_>>(), all);
}

#[test]
fn what_waits_in_vain_is_refused_at_its_time_and_goes_back() {
    let mut alone = network();
    alone.say(Input::Inbox(vec![letter(0)]));
    pass(&mut alone, Span::from_millis(WAIT.as_millis() - 1));
    assert_eq!((told(&alone).len(), alone.returns.len()), (1, 0));
    pass(&mut alone, Span::from_millis(1));
    assert_eq!(told(&alone)[1..], [vec![at(0, "CONSENT_MISSING")]]);
    assert_eq!(alone.returns.len(), 1);
    assert_eq!(alone.returns[0][0].source, source(0));
    pass(&mut alone, WAIT);
    assert_eq!(told(&alone).len(), 2, "it is decided once");
}

#[test]
fn what_waits_outlasts_a_restart_and_a_rebuild() {
    for from_store in [true, false] {
        let mut alone = network();
        alone.say(Input::Inbox(vec![letter(0), letter(1)]));
        alone.restart(from_store);
        alone.say(Input::Inbox(vec![letter(2)]));
        pass(&mut alone, WAIT);
        let refused = [0, 1, 2].map(|offset| at(offset, "CONSENT_MISSING"));
        assert_eq!(told(&alone).last().unwrap(), &refused);
        assert_eq!(alone.returns[0].iter().map(|it| it.source).collect::<Vec<_>>(), [0, 1, 2].map(source));
        // Nothing is left of it in the store.
        alone.restart(true);
        assert_eq!(alone.core.state().due.count(), 0);
        pass(&mut alone, WAIT);
        assert_eq!(told(&alone).concat().len(), 6);
    }
}

#[test]
fn a_shard_has_a_bounded_number_of_events_wait() {
    let mut alone = network();
    for nth in 0..WAITING_MAX as u64 - 1 {
        let account = coalition_domain::AccountId(Uuid::from_u128(7));
        let place = Place { seq: u64::MAX, index: u32::try_from(nth).unwrap() };
        alone.core.state.due.insert((Timestamp::MAX, place), Due { account, source: None });
    }
    alone.say(Input::Inbox(vec![letter(0), letter(1)]));
    alone.say(Input::Inbox(vec![letter(2)]));
    assert_eq!(told(&alone).concat(), [at(0, "waits"), at(1, "CONSENT_MISSING"), at(2, "CONSENT_MISSING")]);
}
