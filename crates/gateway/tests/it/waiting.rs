//! Events that come before the consent that they need.

use coalition_domain::Span;
use coalition_proto::account::v1::{Activity, ListActivitiesRequest};
use coalition_proto::event::v1::ListRejectedEventsRequest;
use coalition_proto::member::v1::LookupMemberRequest;
use coalition_proto::r#type::v1::{ErrorReason, EventState};

use crate::client::{Client, email, engaged, event, sign_up};
use crate::network::{Network, until};

async fn shop(network: &Network) -> Client {
    network.with(&network.operator().await.partner_key("shop").await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_event_tells_what_it_waits_for_until_that_is_there() {
    let network = Network::furnished().await;
    let shop = shop(&network).await;
    let waits = shop.tell("shop", "a", "e1", engaged("survey")).await;
    assert_eq!((waits.state(), waits.points), (EventState::Waiting, 0));
    assert_eq!(waits.refusal.as_ref().unwrap().reason(), ErrorReason::ConsentMissing);
    // It waits for a day.
    let decided = waits.record_time.unwrap();
    assert_eq!(
        waits.waits_until_time,
        Some(prost_types::Timestamp { seconds: decided.seconds + 86_400, ..decided })
    );
    // The same once more, which changes nothing; the consent comes along with joining.
    assert_eq!(shop.tell("shop", "a", "e1", engaged("survey")).await, waits);
    shop.tell("shop", "a", "e2", sign_up(&["surveys"])).await;
    let record = shop.get_event("shop", "a", "e1").await.unwrap();
    assert_eq!((record.state(), record.points), (EventState::Applied, 20));
    assert_eq!((record.refusal, record.waits_until_time), (None, None));

    let operator = network.operator().await;
    let lookup = LookupMemberRequest { identifier: Some(email("a")), min_position: None };
    let member = operator.members().lookup_member(lookup).await.unwrap().into_inner().name;
    assert_eq!(operator.balance(&member, None).await.unwrap().available, 170);
    let request = ListActivitiesRequest { member, ..ListActivitiesRequest::default() };
    let history = operator.accounts().list_activities(request).await.unwrap().into_inner().activities;
    let told = |it: &Activity| (it.state(), it.points, it.waits_until_time.is_some());
    assert_eq!(
        history.iter().map(told).collect::<Vec<_>>(),
        [(EventState::Applied, 20, false), (EventState::Applied, 150, false), (EventState::Waiting, 0, true)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_waited_in_vain_goes_back_to_its_partner() {
    let network = Network::furnished_waiting(Span::from_millis(1)).await;
    let shop = shop(&network).await;
    shop.publish_events("shop", vec![event("a", "e1", engaged("survey"))]).await.unwrap();
    until("the refusal", async || shop.decided("shop", "a", "e1").await.state() == EventState::Refused).await;
    let mut rejected = Vec::new();
    until("its way back", async || {
        let request = ListRejectedEventsRequest::default();
        rejected = shop.events().list_rejected_events(request).await.unwrap().into_inner().rejected_events;
        !rejected.is_empty()
    })
    .await;
    let reasons: Vec<_> = rejected.iter().map(|it| it.refusal.as_ref().unwrap().reason()).collect();
    assert_eq!(reasons, [ErrorReason::ConsentMissing]);
}
