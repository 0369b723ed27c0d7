mod orders;

use coalition_domain::{Channel, Money, ProgrammeId, Purpose};
use coalition_proto::event::v1::{
    AccountClosing, AccountOpening, ConsentGiven, ConsentWithdrawn, EmailRead, Engagement, OrderReturn,
    Purchase, SignUp,
};
use coalition_proto::google::r#type::Money as ProtoMoney;
use coalition_proto::r#type::v1::{Identifier as ProtoIdentifier, IdentifierScheme};
use prost_types::Timestamp as ProtoTimestamp;

use super::*;

const HASH: &str = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b";
/// 1997-01-12T00:00:00Z.
const NOW: i64 = 853_027_200;

fn cdnow() -> PartnerId {
    PartnerId::new("cdnow").unwrap()
}

fn valid() -> proto::PartnerEvent {
    proto::PartnerEvent {
        event_id: "e-1".into(),
        partner: String::new(),
        programme: String::new(),
        identifier: Some(identifier(IdentifierScheme::EmailHash, "", HASH)),
        event_time: Some(ProtoTimestamp { seconds: NOW, nanos: 0 }),
        channel: String::new(),
        revision: 0,
        body: Some(Body::Purchase(purchase("USD", 77, 960_000_000))),
    }
}

fn identifier(scheme: IdentifierScheme, scope: &str, value: &str) -> ProtoIdentifier {
    ProtoIdentifier { scheme: scheme.into(), scope: scope.into(), value: value.into() }
}

fn purchase(currency: &str, units: i64, nanos: i32) -> Purchase {
    let amount = ProtoMoney { currency_code: currency.into(), units, nanos };
    Purchase { order_id: "o-1".into(), amount: Some(amount), lines: Vec::new() }
}

/// Changes the valid event and compares: reason and field at fault, nothing when it is accepted.
fn check(change: impl FnOnce(&mut proto::PartnerEvent), expected: Option<(ErrorReason, &str)>) {
    let mut event = valid();
    change(&mut event);
    let refusal = translate(cdnow(), &event, Timestamp::from_millis(NOW * 1_000)).err();
    let found = refusal.as_ref().map(|refusal| (refusal.reason, refusal.field.as_str()));
    assert_eq!(found, expected, "{event:?}: {refusal:?}");
}

fn check_body(body: Body, expected: Option<(ErrorReason, &str)>) {
    check(|event| event.body = Some(body), expected);
}

#[test]
fn a_whole_event_becomes_what_it_says() {
    let event = proto::PartnerEvent {
        partner: "partners/cdnow".into(),
        programme: "programmes/web-miles".into(),
        // Cut, not rounded, to the millisecond.
        event_time: Some(ProtoTimestamp { seconds: NOW, nanos: 1_999_999 }),
        channel: "web".into(),
        revision: 7,
        ..valid()
    };
    let translated = translate(cdnow(), &event, Timestamp::from_millis(NOW * 1_000)).unwrap();
    let expected = PartnerEvent {
        partner: cdnow(),
        event_id: coalition_domain::Reference::new("e-1").unwrap(),
        programme: Some(ProgrammeId::new("web-miles").unwrap()),
        identifier: Identifier::new(Scheme::EmailHash, HASH).unwrap(),
        event_time: Timestamp::from_millis(853_027_200_001),
        channel: Some(Channel::new("web").unwrap()),
        revision: 7,
        body: EventBody::Purchase {
            order: coalition_domain::Reference::new("o-1").unwrap(),
            amount: Money { currency: "USD".parse().unwrap(), micros: 77_960_000 },
        },
    };
    assert_eq!(translated, expected);
}

#[test]
fn the_partner_is_that_of_the_topic() {
    let mismatch = ErrorReason::PartnerMismatch;
    check(|event| event.partner = "partners/cdnow".into(), None);
    for other in ["partners/cdno", "partners/cdnow2", "cdnow", "partners/"] {
        check(|event| event.partner = other.into(), Some((mismatch, "partner")));
    }
    let number = |scope: &str| Some(identifier(IdentifierScheme::CustomerNumber, scope, "00001"));
    check(|event| event.identifier = number(""), None);
    check(|event| event.identifier = number("partners/cdnow"), None);
    check(|event| event.identifier = number("partners/other"), Some((mismatch, "identifier.scope")));
}

#[test]
fn what_is_required_is_there() {
    let missing = |field| Some((ErrorReason::FieldMissing, field));
    check(|event| event.event_id.clear(), missing("event_id"));
    check(|event| event.identifier = None, missing("identifier"));
    check(
        |event| event.identifier = Some(identifier(IdentifierScheme::EmailHash, "", "")),
        missing("identifier.value"),
    );
    check(
        |event| event.identifier = Some(identifier(IdentifierScheme::Unspecified, "", HASH)),
        missing("identifier.scheme"),
    );
    check(|event| event.event_time = None, missing("event_time"));
    check(|event| event.body = None, missing("body"));
    check_body(Body::ConsentGiven(ConsentGiven::default()), missing("consent_given.purpose"));
    check_body(Body::ConsentWithdrawn(ConsentWithdrawn::default()), missing("consent_withdrawn.purpose"));
    check_body(
        Body::SignUp(SignUp { consent_purposes: vec!["a".into(), String::new()] }),
        missing("sign_up.consent_purposes[1]"),
    );
    check_body(Body::EmailRead(EmailRead::default()), missing("email_read.message_id"));
    check_body(Body::Engagement(Engagement::default()), missing("engagement.kind"));
    let amount = purchase("USD", 1, 0).amount;
    check_body(
        Body::Purchase(Purchase { order_id: String::new(), amount, lines: Vec::new() }),
        missing("purchase.order_id"),
    );
    check_body(
        Body::Purchase(Purchase { order_id: "o".into(), amount: None, lines: Vec::new() }),
        missing("purchase.amount"),
    );
    check_body(Body::Purchase(purchase("", 1, 0)), missing("purchase.amount.currency_code"));
}

#[test]
fn what_may_be_left_out_may() {
    check_body(Body::SignUp(SignUp::default()), None);
    check_body(Body::AccountOpening(AccountOpening::default()), None);
    check_body(Body::Engagement(Engagement { kind: "review".into(), reference: String::new() }), None);
}

/// Two of one order are of one account, in whatever way they are told; of another partner they are of another one.
#[test]
fn what_takes_back_an_order_may_name_nobody_else() {
    let of = |partner: &str, body: Body| {
        let event =
            proto::PartnerEvent { identifier: None, partner: String::new(), body: Some(body), ..valid() };
        translate(PartnerId::new(partner).unwrap(), &event, Timestamp::from_millis(NOW * 1_000))
            .map(|event| event.identifier.account())
    };
    let order = |order_id: &str| OrderReturn { order_id: order_id.to_owned(), ..OrderReturn::default() };
    let part = OrderReturn { amount: purchase("USD", 1, 0).amount, ..order("o1") };
    let first = of("cdnow", Body::OrderReturn(order("o1"))).unwrap();
    assert_eq!(of("cdnow", Body::OrderReturn(part)), Ok(first));
    for other in [
        of("cdnow", Body::OrderReturn(order("o2"))),
        of("airline", Body::OrderReturn(order("o1"))),
        of("cdnow", Body::AccountClosing(AccountClosing { reference: "o1".to_owned() })),
    ] {
        assert_ne!(other.unwrap(), first);
    }
}

/// An event in which one text is replaced, its path, and how long it may be.
type Text = (fn(String) -> proto::PartnerEvent, &'static str, usize);

#[test]
fn texts_keep_to_their_length_and_alphabet() {
    fn with(body: Body) -> proto::PartnerEvent {
        proto::PartnerEvent { body: Some(body), ..valid() }
    }
    let names: [Text; 5] = [
        (|channel| proto::PartnerEvent { channel, ..valid() }, "channel", 31),
        (|purpose| with(Body::ConsentGiven(ConsentGiven { purpose })), "consent_given.purpose", 31),
        (
            |purpose| with(Body::ConsentWithdrawn(ConsentWithdrawn { purpose })),
            "consent_withdrawn.purpose",
            31,
        ),
        (
            |purpose| with(Body::SignUp(SignUp { consent_purposes: vec![purpose] })),
            "sign_up.consent_purposes[0]",
            31,
        ),
        (|kind| with(Body::Engagement(Engagement { kind, reference: String::new() })), "engagement.kind", 31),
    ];
    let references: [Text; 5] = [
        (|event_id| proto::PartnerEvent { event_id, ..valid() }, "event_id", 128),
        (|message_id| with(Body::EmailRead(EmailRead { message_id })), "email_read.message_id", 128),
        (
            |order_id| with(Body::Purchase(Purchase { order_id, ..purchase("USD", 1, 0) })),
            "purchase.order_id",
            128,
        ),
        (
            |reference| with(Body::AccountOpening(AccountOpening { reference })),
            "account_opening.reference",
            128,
        ),
        (
            |reference| with(Body::Engagement(Engagement { kind: "review".into(), reference })),
            "engagement.reference",
            128,
        ),
    ];
    for (make, field, longest) in names.into_iter().chain(references) {
        check(|event| *event = make("x".repeat(longest)), None);
        let too_long = Some((ErrorReason::FieldTooLong, field));
        check(|event| *event = make("x".repeat(longest + 1)), too_long);
        check(|event| *event = make("a\u{7}b".into()), Some((ErrorReason::InvalidArgument, field)));
    }
    for (make, field, _) in names {
        for bad in ["Web", "-web", "w.b", "é"] {
            check(|event| *event = make(bad.into()), Some((ErrorReason::InvalidArgument, field)));
        }
    }
}

#[test]
fn a_programme_is_named_as_a_resource() {
    let refused = |reason| Some((reason, "programme"));
    let longest = format!("programmes/{}", "x".repeat(31));
    check(|event| event.programme = longest.clone(), None);
    check(|event| event.programme = format!("{longest}x"), refused(ErrorReason::FieldTooLong));
    for bad in ["web-miles", "programmes/", "programmes/Web", "programmes/a/b", "partners/a"] {
        check(|event| event.programme = bad.into(), refused(ErrorReason::InvalidArgument));
    }
}

#[test]
fn a_sign_up_has_at_most_sixteen_consents() {
    let body = |count: usize| {
        Body::SignUp(SignUp { consent_purposes: (0..count).map(|number| format!("p{number}")).collect() })
    };
    check_body(body(16), None);
    check_body(body(17), Some((ErrorReason::FieldTooLong, "sign_up.consent_purposes")));
    let event = proto::PartnerEvent { body: Some(body(2)), ..valid() };
    let translated = translate(cdnow(), &event, Timestamp::from_millis(NOW * 1_000)).unwrap();
    let consents = ["p0", "p1"].map(|purpose| Purpose::new(purpose).unwrap()).to_vec();
    assert_eq!(translated.body, EventBody::SignUp { consents });
}

#[test]
fn an_event_lies_at_most_five_minutes_ahead() {
    let at = |seconds, nanos| {
        move |event: &mut proto::PartnerEvent| event.event_time = Some(ProtoTimestamp { seconds, nanos })
    };
    check(at(NOW + 300, 999_999), None);
    check(at(NOW + 300, 1_000_000), Some((ErrorReason::EventInFuture, "event_time")));
    // The range of the type, by its definition: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z.
    check(at(-62_135_596_800, 0), None);
    let seconds = Some((ErrorReason::InvalidArgument, "event_time.seconds"));
    check(at(-62_135_596_801, 0), seconds);
    check(at(253_402_300_799, 0), Some((ErrorReason::EventInFuture, "event_time")));
    check(at(253_402_300_800, 0), seconds);
    check(at(i64::MAX, 0), seconds);
    let nanos = Some((ErrorReason::InvalidArgument, "event_time.nanos"));
    check(at(NOW, 999_999_999), None);
    check(at(NOW, 1_000_000_000), nanos);
    check(at(NOW, -1), nanos);
}

#[test]
fn a_revision_is_not_below_zero() {
    check(|event| event.revision = i32::MAX, None);
    check(|event| event.revision = -1, Some((ErrorReason::InvalidArgument, "revision")));
}

#[test]
fn amounts_keep_to_their_range() {
    let amount = |units, nanos, expected: Option<(ErrorReason, &str)>| {
        check_body(Body::Purchase(purchase("USD", units, nanos)), expected);
    };
    let refused = |reason| Some((reason, "purchase.amount"));
    amount(0, 0, None);
    amount(0, -1_000, refused(ErrorReason::AmountNegative));
    amount(-1, -750_000_000, refused(ErrorReason::AmountNegative));
    amount(1_000_000_000, 0, None);
    amount(1_000_000_000, 1_000, refused(ErrorReason::AmountTooLarge));
    // Millionths fill 64 bits at 9,223,372,036,854 units and 775,807 millionths.
    amount(9_223_372_036_854, 775_807_000, refused(ErrorReason::AmountTooLarge));
    amount(9_223_372_036_854, 775_808_000, refused(ErrorReason::AmountTooLarge));
    amount(i64::MAX, 0, refused(ErrorReason::AmountTooLarge));
    amount(i64::MIN, 0, refused(ErrorReason::AmountNegative));
    let nanos = Some((ErrorReason::InvalidArgument, "purchase.amount.nanos"));
    amount(1, 999_999_000, None);
    amount(1, 1_000_000_000, nanos);
    amount(-1, -1_000_000_000, nanos);
    amount(1, i32::MAX, nanos);
    amount(0, i32::MIN, nanos);
    amount(1, -1_000, nanos);
    amount(-1, 1_000, nanos);
    amount(0, 1_000, None);
    amount(0, 1_001, nanos);
    amount(0, 999, nanos);
}

#[test]
fn currencies_are_known() {
    let unknown = Some((ErrorReason::CurrencyUnknown, "purchase.amount.currency_code"));
    check_body(Body::Purchase(purchase("CHF", 1, 0)), None);
    for code in ["usd", "XXX", "US", "USDX"] {
        check_body(Body::Purchase(purchase(code, 1, 0)), unknown);
    }
}

#[test]
fn identifiers_are_tokens_or_hashes_and_never_repeated() {
    let refused = Some((ErrorReason::IdentifierRefused, "identifier.value"));
    let long = "x".repeat(129);
    for (scheme, value, expected) in [
        (IdentifierScheme::CardToken, "tok_4f9d", None),
        (IdentifierScheme::CardToken, &long[1..], None),
        (IdentifierScheme::CardToken, &long, refused),
        (IdentifierScheme::CardToken, "4111111111111111", refused),
        (IdentifierScheme::CustomerNumber, "4111 1111 1111 1111", refused),
        (IdentifierScheme::EmailHash, &HASH[1..], refused),
        (IdentifierScheme::EmailHash, "jane@example.com", refused),
        // Whatever else is wrong: the value is what must not be kept.
        (IdentifierScheme::Unspecified, "jane@example.com", refused),
    ] {
        let said = identifier(scheme, "", value);
        check(|event| event.identifier = Some(said.clone()), expected);
        if expected.is_some() {
            let event = proto::PartnerEvent { identifier: Some(said), ..proto::PartnerEvent::default() };
            let refusal = translate(cdnow(), &event, Timestamp::MIN).unwrap_err();
            assert!(refusal.hides_value(), "{refusal:?}");
            assert!(!format!("{refusal:?}").contains(value));
        }
    }
    let scoped = identifier(IdentifierScheme::CustomerNumber, "nobody", "jane@example.com");
    check(|event| event.identifier = Some(scoped), refused);
}

#[test]
fn schemes_and_scopes_are_known() {
    let invalid = |field| Some((ErrorReason::InvalidArgument, field));
    let mut unknown = identifier(IdentifierScheme::EmailHash, "", HASH);
    unknown.scheme = 99;
    check(|event| event.identifier = Some(unknown), invalid("identifier.scheme"));
    for scheme in [IdentifierScheme::EmailHash, IdentifierScheme::CardToken] {
        let scoped = identifier(scheme, "partners/cdnow", HASH);
        check(|event| event.identifier = Some(scoped), invalid("identifier.scope"));
    }
    let named = identifier(IdentifierScheme::CustomerNumber, "cdnow", "00001");
    check(|event| event.identifier = Some(named), invalid("identifier.scope"));
}
