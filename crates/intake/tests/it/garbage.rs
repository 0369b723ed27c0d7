use std::sync::Arc;

use coalition_domain::{EventBody, PartnerId, Timestamp};
use coalition_intake::{Intake, Settings, decode, rejected_topic, translate};
use coalition_journal::log::{Log, Offset, Record};
use coalition_ledger::inbox::{Request, Source};
use coalition_proto::event::v1::partner_event::Body;
use coalition_proto::event::v1::{Engagement, PartnerEvent, Purchase, SignUp};
use coalition_proto::google::r#type::Money;
use coalition_proto::r#type::v1::Identifier;
use proptest::prelude::*;
use prost::Message;

use crate::flow::placed;
use crate::network::{Network, committed, event, inboxes, memory, publish, publish_events, records, until};

/// Judges bytes as intake does. What is accepted must survive the inbox.
fn judge(bytes: &[u8]) -> Option<coalition_domain::PartnerEvent> {
    let partner = PartnerId::new("cdnow").unwrap();
    let now = Timestamp::from_millis(1_000_000_000_000);
    let decoded = decode(&Record::of(bytes.to_vec()));
    let event = decoded.and_then(|decoded| translate(partner, &decoded.event, now)).ok()?;
    let request = Request::Event(event.clone(), Source { partition: 7, offset: Offset(300) });
    assert_eq!(Request::decode(&request.encode()).unwrap(), request);
    Some(event)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9_-]{0,40}", "partners/[a-z]{0,5}", "programmes/[a-z]{0,5}", any::<String>()]
}

fn identifier() -> impl Strategy<Value = Identifier> {
    let value = prop_oneof!["[0-9a-f]{64}", "[0-9]{12,20}", text()];
    (-1..5_i32, prop_oneof![Just(String::new()), text()], value)
        .prop_map(|(scheme, scope, value)| Identifier { scheme, scope, value })
}

fn amount() -> impl Strategy<Value = Money> {
    let units = prop_oneof![-3..3_i64, 999_999_998..1_000_000_002_i64, any::<i64>()];
    let nanos = prop_oneof![-3..3_i32, (-1_000_001..1_000_001_i32).prop_map(|it| it * 1_000), any::<i32>()];
    (prop_oneof![Just("USD".to_owned()), text()], units, nanos)
        .prop_map(|(currency_code, units, nanos)| Money { currency_code, units, nanos })
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        (text(), proptest::option::of(amount())).prop_map(|(order_id, amount)| Body::Purchase(Purchase {
            order_id,
            amount,
            lines: Vec::new()
        })),
        proptest::collection::vec(text(), 0..20)
            .prop_map(|consent_purposes| Body::SignUp(SignUp { consent_purposes })),
        (text(), text()).prop_map(|(kind, reference)| Body::Engagement(Engagement { kind, reference })),
    ]
}

prop_compose! {
    pub(crate) fn any_event()(
        event_id in text(),
        partner in prop_oneof![Just(String::new()), text()],
        programme in text(),
        identifier in proptest::option::of(identifier()),
        event_time in proptest::option::of((any::<i64>(), any::<i32>())),
        channel in text(),
        revision in any::<i32>(),
        body in proptest::option::of(body()),
    ) -> PartnerEvent {
        let event_time = event_time.map(|(seconds, nanos)| prost_types::Timestamp { seconds, nanos });
        PartnerEvent { event_id, partner, programme, identifier, event_time, channel, revision, body }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        judge(&bytes);
    }

    #[test]
    fn any_event_is_judged(event in any_event()) {
        judge(&event.encode_to_vec());
    }

    /// A byte changed, or the end cut off: what is still accepted is bounded as what was.
    #[test]
    fn damaged_events_are_judged(place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = event("order-1", 7).encode_to_vec();
        prop_assert!(judge(&bytes).is_some());
        let place = place.index(bytes.len());
        if cut {
            bytes.truncate(place);
        } else {
            bytes[place] = byte;
        }
        judge(&bytes);
    }

    /// Against exact arithmetic on billionths.
    #[test]
    fn an_amount_is_accepted_exactly_if_it_is_one(amount in amount()) {
        let nanos = i128::from(amount.units) * 1_000_000_000 + i128::from(amount.nanos);
        let parts = amount.nanos.abs_diff(0) < 1_000_000_000
            && (amount.units == 0 || amount.nanos == 0 || (amount.units < 0) == (amount.nanos < 0));
        let good = parts
            && amount.currency_code == "USD"
            && nanos % 1_000 == 0
            && (0..=1_000_000_000_000_000_000).contains(&nanos);
        let purchase = Purchase { order_id: "1".to_owned(), amount: Some(amount), lines: Vec::new() };
        let event = PartnerEvent { body: Some(Body::Purchase(purchase)), ..event("order-1", 7) };
        let found = judge(&event.encode_to_vec()).map(|event| {
            let EventBody::Purchase { amount, .. } = event.body else { panic!("no purchase") };
            i128::from(amount.micros)
        });
        prop_assert_eq!(found, good.then_some(nanos / 1_000));
    }
}

#[test]
fn the_garbage_of_one_partner_does_not_stop_another() {
    let log: Arc<dyn Log> = memory();
    let network = Network::start(&log);
    let (bad, good) = (network.create_partner("bad"), network.create_partner("good"));
    // No event begins with a byte of 0.
    let garbage = (0..5_000_u32).map(|number| [&[0], &number.to_be_bytes()[..]].concat());
    publish(&*log, bad, garbage.clone());
    publish_events(&*log, good, (0..100).map(|number| event(&number.to_string(), number)));
    let intake = Intake::start(Arc::clone(&log), network.ledger(), Settings::default()).unwrap();
    until("both are dealt with", || {
        committed(&*log, bad) == Some(Offset(5_000)) && committed(&*log, good) == Some(Offset(100))
    });
    let returned = records(&*log, &rejected_topic(&bad), 0);
    assert!(returned.iter().map(|stored| stored.record.value.to_vec()).eq(garbage));
    assert_eq!(inboxes(&*log).concat().iter().filter_map(placed).count(), 100);
    intake.stop();
    network.stop();
}
