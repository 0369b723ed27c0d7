//! Publishing events, and what became of them.

use std::ops::Range;
use std::time::Duration;

use coalition_intake::events_topic;
use coalition_journal::log::{Log, Offset, Partition, Record};
use coalition_proto::event::v1::publish_event_result::Outcome;
use coalition_proto::event::v1::{
    GetRejectedEventRequest, ListRejectedEventsRequest, PartnerEvent, PublishEventsRequest,
};
use coalition_proto::r#type::v1::{ErrorReason, EventState, Identifier, IdentifierScheme, RuleVerdict};
use prost::Message;
use tonic_types::StatusExt;

use crate::client::{Client, engaged, event, purchase, read, reason, why};
use crate::faulty::Fault;
use crate::network::Network;

async fn shop(network: &Network) -> Client {
    network.with(&network.operator().await.partner_key("shop").await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_event_tells_what_became_of_it() {
    let network = Network::furnished().await;
    let shop = shop(&network).await;
    let record = shop.tell("shop", "a", "e1", purchase("o1", "USD", 29)).await;
    assert_eq!(record.state(), EventState::Applied);
    assert_eq!(
        (record.points, record.programme.as_str(), record.programme_version),
        (29, "programmes/miles", 1)
    );
    let grant = &record.grants[0];
    assert_eq!((grant.rule.as_str(), grant.issuer.as_str(), grant.points), ("shopping", "partners/shop", 29));
    assert_eq!(record.event_time.unwrap().seconds, 854_668_800);
    // The same event once more: the first outcome, at the first place.
    assert_eq!(shop.tell("shop", "a", "e1", purchase("o1", "USD", 29)).await, record);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_points_says_why() {
    let network = Network::furnished().await;
    let shop = shop(&network).await;
    shop.tell("shop", "a", "e1", read("m1")).await;
    for (id, body, rule, verdict) in [
        ("e2", purchase("o2", "USD", 0), "shopping", RuleVerdict::AmountTooSmall),
        ("e3", read("m1"), "reading", RuleVerdict::GrantedBefore),
        ("e4", engaged("review"), "", RuleVerdict::NoRule),
    ] {
        let record = shop.tell("shop", "a", id, body).await;
        assert_eq!((record.state(), record.points), (EventState::Applied, 0));
        let outcome = &record.rule_outcomes[0];
        assert_eq!((outcome.rule.as_str(), outcome.verdict()), (rule, verdict));
        assert!(!outcome.message.is_empty());
    }
    let record = shop.tell("shop", "a", "e5", purchase("o5", "EUR", 10)).await;
    assert_eq!(record.state(), EventState::Refused);
    assert_eq!(record.refusal.unwrap().reason(), ErrorReason::CurrencyNotAccepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_judged_one_by_one_and_what_is_accepted_lies_in_the_topic() {
    let network = Network::furnished().await;
    let shop = shop(&network).await;
    let good = [event("a", "e1", read("m1")), event("b", "e3", read("m1"))];
    let card = Identifier {
        scheme: IdentifierScheme::CardToken.into(),
        scope: String::new(),
        value: "4111111111111111".to_owned(),
    };
    let bad = PartnerEvent { identifier: Some(card), ..event("a", "e2", read("m1")) };
    let foreign = PartnerEvent { partner: "partners/airline".to_owned(), ..event("a", "e4", read("m1")) };
    let events = vec![good[0].clone(), bad, good[1].clone(), foreign];
    let results = shop.publish_events("shop", events).await.unwrap();
    let ids: Vec<_> = results.iter().map(|result| result.event_id.as_str()).collect();
    assert_eq!(ids, ["e1", "e2", "e3", "e4"]);
    let refused = |nth: usize| match &results[nth].outcome {
        Some(Outcome::Refused(refusal)) => (refusal.reason(), refusal.field.as_str()),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(1), (ErrorReason::IdentifierRefused, "identifier.value"));
    assert_eq!(refused(3), (ErrorReason::PartnerMismatch, "partner"));
    for (nth, event) in [(0, &good[0]), (2, &good[1])] {
        let Some(Outcome::Accepted(accepted)) = &results[nth].outcome else { panic!("{:?}", results[nth]) };
        let at = accepted.topic_position.as_ref().unwrap();
        assert_eq!(at.topic, "coalition.partner.shop.events.v1");
        let partition = Partition::new(&at.topic, at.partition);
        let stored = network.log.read(&partition, Offset(at.offset), 1).unwrap();
        assert_eq!(PartnerEvent::decode(stored[0].record.value.clone()).unwrap(), *event);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn validating_writes_nothing() {
    let network = Network::furnished().await;
    let shop = shop(&network).await;
    let request = PublishEventsRequest {
        partner: String::new(),
        events: vec![event("a", "e1", read("m1")), event("a", "", read("m1"))],
        validate_only: true,
    };
    let results = shop.events().publish_events(request).await.unwrap().into_inner().results;
    let Some(Outcome::Accepted(accepted)) = &results[0].outcome else { panic!("{results:?}") };
    assert_eq!(accepted.topic_position, None);
    assert!(
        matches!(&results[1].outcome, Some(Outcome::Refused(it)) if it.field == "event_id"),
        "{results:?}"
    );
    let topic = events_topic(&"shop".parse().unwrap());
    if network.log.topic(&topic).unwrap().is_some() {
        let (_, end) = network.log.bounds(&Partition::new(&topic, 0)).unwrap();
        assert_eq!(end, Offset(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_can_not_be_taken_is_refused_whole() {
    let network = Network::furnished().await;
    let (operator, shop) = (network.operator().await, shop(&network).await);
    assert_eq!(why(shop.publish_events("shop", vec![]).await), ErrorReason::FieldMissing);
    let many = vec![event("a", "e", read("m")); 1_001];
    assert_eq!(why(shop.publish_events("shop", many).await), ErrorReason::InvalidArgument);
    let one = || vec![event("a", "e", read("m"))];
    assert_eq!(why(shop.publish_events("airline", one()).await), ErrorReason::PermissionDenied);
    assert_eq!(why(operator.publish_events("nobody", one()).await), ErrorReason::UnknownPartner);
    let unnamed = PublishEventsRequest { events: one(), ..PublishEventsRequest::default() };
    assert_eq!(why(operator.events().publish_events(unnamed).await), ErrorReason::FieldMissing);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_not_decided_yet_may_be_on_its_way() {
    let network = Network::furnished().await;
    let shop = shop(&network).await;
    let status = shop.get_event("shop", "a", "e1").await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::EventNotFound);
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().metadata["inbox_lag"], "0");
    assert!(!status.message().contains("on its way"), "{}", status.message());
    assert_eq!(why(shop.get_event("airline", "a", "e1").await), ErrorReason::PermissionDenied);
    assert_eq!(
        why(network.operator().await.get_event("nobody", "a", "e1").await),
        ErrorReason::UnknownPartner
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_takes_nothing_says_so_and_a_lost_answer_is_no_no() {
    let network = Network::furnished().await;
    let shop = shop(&network).await;
    let publish = || shop.publish_events("shop", vec![event("a", "e1", read("m1"))]);
    network.log.fail("coalition.partner.", Fault::Refuse);
    let status = publish().await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::Overloaded);
    assert!(status.get_error_details().retry_info().is_some());
    network.log.fail("coalition.partner.", Fault::LoseOne);
    assert_eq!(why(publish().await), ErrorReason::OutcomeUnknown);
    publish().await.unwrap();
    assert_eq!(shop.decided("shop", "a", "e1").await.points, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_an_event_that_is_not_taken_none_of_the_call_is() {
    let network = Network::furnished().await;
    let shop = shop(&network).await;
    let publish = |numbers: Range<u32>| {
        let events = numbers.map(|number| event("a", &format!("e{number}"), read(&format!("m{number}"))));
        shop.publish_events("shop", events.collect())
    };
    publish(0..1).await.unwrap();
    network.log.fail("coalition.partner.", Fault::RefuseOne);
    let status = publish(1..4).await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::Overloaded);
    assert!(status.get_error_details().retry_info().is_some());
    publish(1..4).await.unwrap();
    let topic = Partition::new(&events_topic(&"shop".parse().unwrap()), 0);
    let stored = network.log.read(&topic, Offset(0), usize::MAX).unwrap();
    let ids = stored.iter().map(|it| PartnerEvent::decode(it.record.value.clone()).unwrap().event_id);
    assert_eq!(ids.collect::<Vec<_>>(), ["e0", "e1", "e2", "e3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_events_are_listed_with_what_was_written_and_why() {
    let network = Network::furnished().await;
    let shop = shop(&network).await;
    let list = |page_size, page_token: &str, start_time| ListRejectedEventsRequest {
        partner: String::new(),
        page_size,
        page_token: page_token.to_owned(),
        start_time,
    };
    let page = async |request| shop.events().list_rejected_events(request).await.unwrap().into_inner();
    assert_eq!(page(list(0, "", None)).await.rejected_events, []);
    // Two that the ledger refuses, and one that intake does.
    for id in ["e1", "e2"] {
        let record = shop.tell("shop", "a", id, purchase(id, "EUR", 10)).await;
        assert_eq!(record.state(), EventState::Refused);
    }
    let events = Partition::new(&events_topic(&"shop".parse().unwrap()), 0);
    network.log.append(&events, vec![Record::of("junk")], Box::new(|outcome| assert!(outcome.is_ok())));
    let all = async {
        loop {
            let all = page(list(0, "", None)).await.rejected_events;
            if all.len() == 3 {
                break all;
            }
            tokio::task::yield_now().await;
        }
    };
    let all = tokio::time::timeout(Duration::from_secs(10), all).await.expect("all go back");
    let mut reasons: Vec<_> = all.iter().map(|it| it.refusal.as_ref().unwrap().reason()).collect();
    reasons.sort();
    let of_ledger = ErrorReason::CurrencyNotAccepted;
    assert_eq!(reasons, [ErrorReason::Malformed, of_ledger, of_ledger]);
    assert_eq!(all.iter().filter(|it| it.number.is_empty()).count(), 1);
    let mut named: Vec<_> = all.iter().map(|it| it.event_id.as_str()).collect();
    named.sort_unstable();
    assert_eq!(named, ["", "e1", "e2"]);

    let get = async |client: &Client, name: &str| {
        let request = GetRejectedEventRequest { name: name.to_owned() };
        client.events().get_rejected_event(request).await.map(tonic::Response::into_inner)
    };
    let first =
        all.iter().find(|it| it.source.as_ref().unwrap().offset == 0 && !it.number.is_empty()).unwrap();
    let whole = get(&shop, &first.name).await.unwrap();
    assert_eq!(PartnerEvent::decode(whole.value.as_slice()).unwrap().event_id, "e1");
    assert_eq!((whole.name, whole.create_time), (first.name.clone(), first.create_time));
    assert_eq!(why(get(&shop, "partners/shop/rejectedEvents/0-99").await), ErrorReason::NotFound);
    assert_eq!(why(get(&shop, "partners/shop/rejectedEvents/99-0").await), ErrorReason::NotFound);
    assert_eq!(why(get(&shop, "partners/shop/rejectedEvents/x").await), ErrorReason::InvalidArgument);
    let airline = network.with(&network.operator().await.partner_key("airline").await).await;
    assert_eq!(why(get(&airline, &first.name).await), ErrorReason::PermissionDenied);

    let (mut paged, mut token) = (Vec::new(), String::new());
    loop {
        let next = page(list(2, &token, None)).await;
        paged.extend(next.rejected_events);
        token = next.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, all);
    let after =
        |time: prost_types::Timestamp| prost_types::Timestamp { seconds: time.seconds + 3_600, ..time };
    assert_eq!(page(list(0, "", first.create_time.map(after))).await.rejected_events, []);
    assert_eq!(page(list(0, "", all[0].create_time)).await.rejected_events.len(), 3);
}
