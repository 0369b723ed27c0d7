//! Partners that are changed, suspended and resumed.

use coalition_proto::account::v1::GetBalanceRequest;
use coalition_proto::catalogue::v1::GetRewardRequest;
use coalition_proto::event::v1::{ListRejectedEventsRequest, PartnerEvent};
use coalition_proto::partner::v1::{
    GetPartnerRequest, Partner, ResumePartnerRequest, SuspendPartnerRequest, UpdatePartnerRequest,
};
use coalition_proto::redemption::v1::{
    CaptureHoldRequest, CreateHoldRequest, GetHoldRequest, Hold, RefundRedemptionRequest,
};
use coalition_proto::r#type::v1::{ErrorReason, EventState};
use prost_types::FieldMask;
use tonic::Status;
use tonic_types::StatusExt;

use crate::client::{Client, event, purchase, reason, why};
use crate::network::{Network, request_id, until};

const UPGRADE: &str = "programmes/miles/rewards/upgrade";
const PARIS: &str = "programmes/miles/rewards/paris";

async fn suspend(operator: &Client, partner: &str) -> Partner {
    let request = SuspendPartnerRequest { name: format!("partners/{partner}"), request_id: request_id() };
    operator.partners().suspend_partner(request).await.unwrap().into_inner()
}

async fn resume(operator: &Client, partner: &str) -> Partner {
    let request = ResumePartnerRequest { name: format!("partners/{partner}"), request_id: request_id() };
    operator.partners().resume_partner(request).await.unwrap().into_inner()
}

async fn hold(client: &Client, member: &str) -> Result<Hold, Status> {
    let request = CreateHoldRequest {
        member: member.to_owned(),
        reward: UPGRADE.to_owned(),
        quantity: 1,
        ttl: None,
        request_id: request_id(),
    };
    Ok(client.redemptions().create_hold(request).await?.into_inner())
}

/// Whether the catalogue says that the reward can't be had, and for which one a member collects next.
async fn shown(operator: &Client, member: &str) -> (bool, String) {
    let request = GetRewardRequest { name: UPGRADE.to_owned(), ..GetRewardRequest::default() };
    let reward = operator.catalogue().get_reward(request).await.unwrap().into_inner();
    let request = GetBalanceRequest {
        member: member.to_owned(),
        programme: "programmes/miles".to_owned(),
        ..GetBalanceRequest::default()
    };
    let balance = operator.accounts().get_balance(request).await.unwrap().into_inner();
    (reward.suspended, balance.next_reward)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_partner_begins_nothing_and_ends_what_it_began() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let (member, other) = (operator.enrol("a").await.unwrap(), operator.enrol("b").await.unwrap());
    for who in ["a", "b"] {
        operator.tell("shop", who, "e1", purchase("o1", "USD", 300)).await;
    }
    let airline = network.with(&operator.partner_key("airline").await).await;
    let held = hold(&airline, &member).await.unwrap();
    assert_eq!(shown(&operator, &other).await, (false, PARIS.to_owned()));

    let suspended = suspend(&operator, "airline").await;
    assert!(suspended.suspend_time.is_some(), "{suspended:?}");
    assert_eq!(suspend(&operator, "airline").await.suspend_time, suspended.suspend_time);
    for refused in [
        hold(&airline, &member).await.unwrap_err(),
        hold(&operator, &member).await.unwrap_err(),
        airline.enrol("c").await.unwrap_err(),
    ] {
        assert_eq!(reason(&refused), ErrorReason::PartnerSuspended, "{refused:?}");
        assert_eq!(refused.get_details_error_info().unwrap().metadata["partner"], "airline");
    }
    assert_eq!(why(airline.token(&member, None).await), ErrorReason::PermissionDenied);
    assert_eq!(shown(&operator, &other).await, (true, String::new()));

    let get = GetPartnerRequest { name: "partners/airline".to_owned(), min_position: None };
    let read = airline.partners().get_partner(get).await.unwrap().into_inner();
    assert_eq!(read.suspend_time, suspended.suspend_time);
    let get = GetHoldRequest { name: held.name.clone(), min_position: None };
    airline.redemptions().get_hold(get).await.unwrap();
    let request = CaptureHoldRequest { name: held.name.clone(), points: 0, request_id: request_id() };
    let captured = airline.redemptions().capture_hold(request).await.unwrap().into_inner();
    let request = RefundRedemptionRequest { name: captured.name, request_id: request_id() };
    airline.redemptions().refund_redemption(request).await.unwrap();

    assert_eq!(resume(&operator, "airline").await.suspend_time, None);
    hold(&airline, &member).await.unwrap();
    assert_eq!(shown(&operator, &other).await, (false, PARIS.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_suspended_partner_are_refused_and_kept() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    operator.enrol("a").await.unwrap();
    suspend(&operator, "shop").await;
    let told = operator.tell("shop", "a", "e1", purchase("o1", "USD", 300)).await;
    assert_eq!(told.state(), EventState::Refused);
    assert_eq!(told.refusal.unwrap().reason(), ErrorReason::PartnerSuspended);
    let list = ListRejectedEventsRequest { partner: "partners/shop".to_owned(), ..Default::default() };
    until("its way back", async || {
        let listed = operator.events().list_rejected_events(list.clone()).await.unwrap().into_inner();
        let listed = listed.rejected_events.iter();
        listed.map(|it| it.refusal.as_ref().unwrap().reason()).eq([ErrorReason::PartnerSuspended])
    })
    .await;
    resume(&operator, "shop").await;
    let again = PartnerEvent { revision: 1, ..event("a", "e1", purchase("o1", "USD", 300)) };
    operator.publish_events("shop", vec![again]).await.unwrap();
    until("that it is applied", async || {
        let record = operator.get_event("shop", "a", "e1").await.unwrap();
        (record.state(), record.points) == (EventState::Applied, 300)
    })
    .await;
    let told = operator.tell("shop", "a", "e2", purchase("o1", "USD", 300)).await;
    assert_eq!(told.state(), EventState::Applied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_is_updated_as_its_mask_says() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let ask = |display_name: &str, path: &str, request_id: String| {
        let partner = Partner {
            name: "partners/shop".to_owned(),
            display_name: display_name.to_owned(),
            ..Partner::default()
        };
        let update_mask = Some(FieldMask { paths: vec![path.to_owned()] });
        let request = UpdatePartnerRequest { partner: Some(partner), update_mask, request_id };
        let mut partners = operator.partners();
        async move {
            let updated = partners.update_partner(request).await?.into_inner();
            Ok::<_, Status>((updated.display_name, updated.default_programme))
        }
    };
    let is = |name: &str, programme: &str| (name.to_owned(), programme.to_owned());
    let id = request_id();
    assert_eq!(ask("Shop", "display_name", id.clone()).await.unwrap(), is("Shop", "programmes/miles"));
    assert_eq!(ask("Shop", "display_name", id.clone()).await.unwrap(), is("Shop", "programmes/miles"));
    assert_eq!(why(ask("Other", "display_name", id).await), ErrorReason::IdReused);
    assert_eq!(ask("Other", "default_programme", request_id()).await.unwrap(), is("Shop", ""));
    let refused = ask("Other", "create_time", request_id()).await.unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::InvalidArgument);
    assert!(refused.message().starts_with("update_mask names a field that can't be changed"), "{refused}");
}
