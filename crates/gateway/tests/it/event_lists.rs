//! Lists of a partner's events, by identifier, order and state.

use coalition_proto::event::v1::{
    GetPartnerEventRequest, ListPartnerEventsRequest, PartnerEvent, PartnerEventRecord,
};
use coalition_proto::member::v1::CreateIdentifierRequest;
use coalition_proto::r#type::v1::{ErrorReason, EventState};

use crate::client::{Client, consent_given, email, engaged, event, purchase, read, why};
use crate::network::{Network, request_id, until};
use crate::returns::returned;

fn of(who: &str) -> ListPartnerEventsRequest {
    ListPartnerEventsRequest {
        partner: "partners/shop".to_owned(),
        identifier: Some(email(who)),
        ..ListPartnerEventsRequest::default()
    }
}

/// All pages.
async fn list(client: &Client, request: ListPartnerEventsRequest) -> Vec<PartnerEventRecord> {
    let (mut request, mut listed) = (request, Vec::new());
    loop {
        let page = client.events().list_partner_events(request.clone()).await.unwrap().into_inner();
        assert!(request.page_size == 0 || page.partner_events.len() <= request.page_size as usize);
        listed.extend(page.partner_events);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return listed;
        }
    }
}

fn ids(events: &[PartnerEventRecord]) -> Vec<&str> {
    events.iter().map(|event| event.event_id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partners_events_are_listed_once_each_by_order_and_by_state() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let shop = network.with(&operator.partner_key("shop").await).await;
    shop.tell("shop", "a", "e1", purchase("o1", "USD", 29)).await;
    // One that waits until its consent is there, one that stays, one that is refused and comes again corrected.
    shop.tell("shop", "a", "e2", engaged("survey")).await;
    shop.tell("shop", "a", "e3", consent_given("surveys")).await;
    shop.tell("shop", "a", "e4", purchase("o4", "EUR", 5)).await;
    shop.tell("shop", "a", "e5", purchase("o5", "EUR", 5)).await;
    shop.publish_events("shop", vec![event("a", "e5", purchase("o5", "USD", 5))]).await.unwrap();
    until("the correction", async || {
        shop.get_event("shop", "a", "e5").await.unwrap().state() == EventState::Applied
    })
    .await;
    shop.tell("shop", "a", "e6", returned("o1")).await;
    shop.tell("shop", "a", "e7", returned("o9")).await;
    // Another partner's, and another identifier's.
    operator.tell("airline", "a", "e1", read("m1")).await;
    shop.tell("shop", "b", "e8", read("m1")).await;

    let all = list(&shop, of("a")).await;
    assert_eq!(ids(&all), ["e7", "e6", "e5", "e4", "e2", "e3", "e1"]);
    for event in &all {
        assert_eq!(*event, shop.get_event("shop", "a", &event.event_id).await.unwrap());
    }
    let paged = ListPartnerEventsRequest { page_size: 2, ..of("a") };
    assert_eq!(list(&shop, paged).await, all);

    let order = ListPartnerEventsRequest { order_id: "o1".to_owned(), ..of("a") };
    let order = list(&shop, order).await;
    assert_eq!(ids(&order), ["e6", "e1"]);
    assert!(order.iter().all(|event| event.order_id == "o1"));
    for (state, listed) in [
        (EventState::Waiting, ["e7"].as_slice()),
        (EventState::Refused, &["e4"]),
        (EventState::Applied, &["e6", "e5", "e2", "e3", "e1"]),
    ] {
        let request = ListPartnerEventsRequest { state: state.into(), ..of("a") };
        assert_eq!(ids(&list(&shop, request).await), listed);
    }
    assert_eq!(
        ids(&list(&operator, ListPartnerEventsRequest { partner: "partners/airline".to_owned(), ..of("a") })
            .await),
        ["e1"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linked_identifiers_events_are_those_before_and_after() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    operator.tell("shop", "a", "e0", read("m0")).await;
    // Several, so that some lie in another shard than the member.
    for card in ["b1", "b2", "b3"] {
        for nth in 1..=3 {
            operator.tell("shop", card, &format!("{card}-{nth}"), read(&format!("m{nth}"))).await;
        }
        let link = CreateIdentifierRequest {
            parent: member.clone(),
            identifier: Some(email(card)),
            request_id: request_id(),
        };
        operator.members().create_identifier(link).await.unwrap();
        for nth in 4..=6 {
            operator.tell("shop", card, &format!("{card}-{nth}"), read(&format!("m{nth}"))).await;
        }
    }
    for card in ["b1", "b2", "b3"] {
        let expected = [6, 5, 4, 3, 2, 1].map(|nth| format!("{card}-{nth}"));
        for page_size in [0, 1, 3, 4] {
            let listed = list(&operator, ListPartnerEventsRequest { page_size, ..of(card) }).await;
            assert_eq!(ids(&listed), expected, "in pages of {page_size}");
        }
    }
    assert_eq!(ids(&list(&operator, of("a")).await), ["e0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_can_not_be_given_says_why() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let refused = async |request| why(operator.events().list_partner_events(request).await);
    let nowhere = ListPartnerEventsRequest { identifier: None, ..of("a") };
    assert_eq!(refused(nowhere).await, ErrorReason::FieldMissing);
    for state in [EventState::Received.into(), 99] {
        assert_eq!(
            refused(ListPartnerEventsRequest { state, ..of("a") }).await,
            ErrorReason::InvalidArgument
        );
    }
    let nobodys = ListPartnerEventsRequest { partner: "partners/nobody".to_owned(), ..of("a") };
    assert_eq!(refused(nobodys).await, ErrorReason::UnknownPartner);
    let token = "bm8gdG9rZW4".to_owned();
    let elsewhere = ListPartnerEventsRequest { page_token: token, ..of("a") };
    assert_eq!(refused(elsewhere).await, ErrorReason::InvalidPageToken);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_that_names_nobody_is_told_by_its_order() {
    let network = Network::furnished().await;
    let shop = network.with(&network.operator().await.partner_key("shop").await).await;
    shop.tell("shop", "a", "e1", purchase("o1", "USD", 29)).await;
    let nobody = PartnerEvent { identifier: None, ..event("a", "e2", returned("o2")) };
    shop.publish_events("shop", vec![nobody]).await.unwrap();
    let ask = GetPartnerEventRequest {
        partner: "partners/shop".to_owned(),
        event_id: "e2".to_owned(),
        order_id: "o2".to_owned(),
        ..GetPartnerEventRequest::default()
    };
    let state = async || {
        let answer = shop.events().get_partner_event(ask.clone()).await;
        answer.map_or(EventState::Unspecified, |record| record.into_inner().state())
    };
    until("that it waits for its order", async || state().await == EventState::Waiting).await;
    shop.tell("shop", "b", "e3", purchase("o2", "USD", 29)).await;
    until("its order", async || state().await == EventState::Applied).await;

    let by_order =
        |order: &str| ListPartnerEventsRequest { identifier: None, order_id: order.to_owned(), ..of("a") };
    let told = list(&shop, by_order("o2")).await;
    assert_eq!((ids(&told), told[0].state()), (vec!["e2"], EventState::Applied));
    assert_eq!(list(&shop, by_order("o1")).await, []);

    let both = GetPartnerEventRequest { reference: "r1".to_owned(), ..ask };
    assert_eq!(why(shop.events().get_partner_event(both).await), ErrorReason::InvalidArgument);
}
