//! Returns of orders that another account knows, and events of which only the id is known.

use coalition_proto::event::v1::{GetPartnerEventRequest, PartnerEvent, PartnerEventRecord};
use coalition_proto::r#type::v1::{ErrorReason, EventState, RuleVerdict};
use tonic::Status;

use crate::client::{Client, event, purchase, reason};
use crate::network::{Network, until};
use crate::returns::returned;

/// Asks for an event by its id alone.
async fn by_id(client: &Client, partner: &str, id: &str) -> Result<PartnerEventRecord, Status> {
    let request = GetPartnerEventRequest {
        partner: format!("partners/{partner}"),
        event_id: id.to_owned(),
        ..GetPartnerEventRequest::default()
    };
    Ok(client.events().get_partner_event(request).await?.into_inner())
}

/// Asks for it until it is found, and waits for nothing any more.
async fn settled(client: &Client, id: &str) -> PartnerEventRecord {
    let mut found = None;
    until("what became of it", async || {
        found = match by_id(client, "shop", id).await {
            Ok(record) => Some(record).filter(|record| record.state() != EventState::Waiting),
            Err(status) => {
                assert_eq!(reason(&status), ErrorReason::EventNotFound, "{status:?}");
                None
            }
        };
        found.is_some()
    })
    .await;
    found.unwrap()
}

/// Six members, who lie in several shards; each return comes with the next one's e-mail, or with nothing but the order.
#[tokio::test(flavor = "multi_thread")]
async fn a_return_with_another_card_or_none_finds_its_order() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let mut members = Vec::new();
    for who in 1..=6 {
        members.push(operator.enrol(&who.to_string()).await.unwrap());
        let order = purchase(&format!("o{who}"), "USD", 100 * who);
        operator.tell("shop", &who.to_string(), "b", order).await;
    }
    for (who, member) in (1..=6).zip(members) {
        let id = format!("r{who}");
        let next = (who % 6 + 1).to_string();
        let named = event(&next, &id, returned(&format!("o{who}")));
        let identifier = if who % 2 == 0 { None } else { named.identifier.clone() };
        operator.publish_events("shop", vec![PartnerEvent { identifier, ..named }]).await.unwrap();
        let record = settled(&operator, &id).await;
        let [outcome] = record.rule_outcomes.as_slice() else { panic!("{record:?}") };
        assert_eq!((outcome.verdict(), outcome.points), (RuleVerdict::TakenBack, 100 * who));
        if who % 2 == 1 {
            let told = operator.get_event("shop", &next, &id).await.unwrap();
            assert_eq!(told, record, "with the identifier that it named the same is said");
        }
        let balance = operator.balance(&member, record.position).await.unwrap();
        assert_eq!((balance.available, balance.debt), (0, 0), "{who}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_found_by_its_id_and_by_its_own_partner_only() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    for who in 1..=6 {
        operator.tell("shop", &who.to_string(), &format!("e{who}"), purchase("o", "USD", who)).await;
    }
    for who in 1..=6 {
        let record = by_id(&operator, "shop", &format!("e{who}")).await.unwrap();
        assert_eq!((record.state(), record.points), (EventState::Applied, who));
    }
    for (partner, id) in [("shop", "e7"), ("airline", "e1")] {
        let status = by_id(&operator, partner, id).await.unwrap_err();
        assert_eq!(reason(&status), ErrorReason::EventNotFound, "{partner} {id}");
    }
    let airline = network.with(&operator.partner_key("airline").await).await;
    let status = by_id(&airline, "shop", "e1").await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::PermissionDenied);
}
