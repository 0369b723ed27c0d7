//! Burning points, also while a shard changes hands.

use std::time::Duration;

use coalition_proto::account::v1::ListActivitiesRequest;
use coalition_proto::redemption::v1::{
    CreateRedemptionRequest, GetRedemptionRequest, ListRedemptionsRequest, Redemption,
};
use coalition_proto::r#type::v1::ErrorReason;
use tonic::{Request, Status};
use tonic_types::StatusExt;

use crate::client::{Client, purchase, reason, why};
use crate::faulty::Fault;
use crate::network::{Network, request_id};

pub(crate) fn order(member: &str, reward: &str, request_id: &str) -> CreateRedemptionRequest {
    CreateRedemptionRequest {
        member: member.to_owned(),
        reward: format!("programmes/miles/rewards/{reward}"),
        quantity: 1,
        request_id: request_id.to_owned(),
    }
}

pub(crate) async fn redeem(client: &Client, order: CreateRedemptionRequest) -> Result<Redemption, Status> {
    Ok(client.redemptions().create_redemption(order).await?.into_inner())
}

/// A network, its operator, and a member with 130 points of two lots.
async fn rich() -> (Network, Client, String) {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    operator.tell("shop", "a", "e1", purchase("o1", "USD", 90)).await;
    operator.tell("shop", "a", "e2", purchase("o2", "USD", 40)).await;
    (network, operator, member)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redemption_takes_its_points_from_lots_and_is_remembered() {
    let (network, operator, member) = rich().await;
    let airline = network.with(&operator.partner_key("airline").await).await;
    let own = network.with(&operator.member_key(&member).await).await;
    let order = order(&member, "upgrade", &request_id());
    let redemption = redeem(&own, order.clone()).await.unwrap();
    assert_eq!((redemption.points, redemption.redeemer.as_str()), (100, "partners/airline"));
    let slices: Vec<_> = redemption.allocations.iter().map(|it| (it.issuer.as_str(), it.points)).collect();
    assert_eq!(slices, [("partners/shop", 90), ("partners/shop", 10)]);
    assert_eq!(own.balance(&member, redemption.position).await.unwrap().available, 30);
    assert_eq!(redeem(&own, order).await.unwrap(), redemption, "a repeat");

    // Each sees the prices that are its own to know.
    let get = || GetRedemptionRequest { name: redemption.name.clone(), min_position: None };
    let price = |it: &Redemption| it.redemption_unit_price.as_ref().map(|price| price.micros);
    let cost = |it: &Redemption| it.allocations[0].accrual_unit_price.as_ref().map(|price| price.micros);
    for (client, redeemed_for, cost_of_lot, funder) in [
        (&operator, Some(7_000), Some(9_000), "partners/shop"),
        (&airline, Some(7_000), None, ""),
        (&own, None, None, ""),
    ] {
        let seen = client.redemptions().get_redemption(get()).await.unwrap().into_inner();
        assert_eq!((price(&seen), cost(&seen)), (redeemed_for, cost_of_lot));
        assert_eq!(seen.allocations[0].funder, funder);
        let list = ListRedemptionsRequest { member: member.clone(), ..ListRedemptionsRequest::default() };
        let listed = client.redemptions().list_redemptions(list).await.unwrap().into_inner();
        assert_eq!(listed.redemptions, [seen]);
    }
    let shop = network.with(&operator.partner_key("shop").await).await;
    assert_eq!(why(shop.redemptions().get_redemption(get()).await), ErrorReason::NotFound);
    let none = GetRedemptionRequest { name: format!("{member}/redemptions/1"), min_position: None };
    assert_eq!(why(own.redemptions().get_redemption(none).await), ErrorReason::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_had_is_refused_with_its_reason() {
    let (network, operator, member) = rich().await;
    let status = redeem(&operator, order(&member, "paris", &request_id())).await.unwrap_err();
    assert_eq!((reason(&status), status.code()), (ErrorReason::PointsShort, tonic::Code::FailedPrecondition));
    assert_eq!(status.get_error_details().error_info().unwrap().metadata["points_missing"], "2370");
    let airline = network.with(&operator.partner_key("airline").await).await;
    for (client, reward, quantity, expected) in [
        (&operator, "nothing", 1, ErrorReason::UnknownReward),
        (&operator, "upgrade", 0, ErrorReason::FieldMissing),
        (&operator, "upgrade", -1, ErrorReason::InvalidArgument),
        (&operator, "upgrade", 1_001, ErrorReason::InvalidArgument),
        // The shop delivers mugs, and has agreed on no price for that.
        (&airline, "mug", 1, ErrorReason::PermissionDenied),
        (&operator, "mug", 1, ErrorReason::NoContract),
    ] {
        let order = CreateRedemptionRequest { quantity, ..order(&member, reward, &request_id()) };
        assert_eq!(why(redeem(client, order).await), expected, "{reward} {quantity}");
    }
    // What was refused at the door has used up no request id, and the member sees nothing of it.
    let request = request_id();
    let forgotten = CreateRedemptionRequest { quantity: 0, ..order(&member, "upgrade", &request) };
    assert_eq!(why(redeem(&operator, forgotten).await), ErrorReason::FieldMissing);
    assert_eq!(why(redeem(&airline, order(&member, "mug", &request)).await), ErrorReason::PermissionDenied);
    let list = ListActivitiesRequest { member: member.clone(), ..ListActivitiesRequest::default() };
    let seen = operator.accounts().list_activities(list).await.unwrap().into_inner().activities;
    let reasons: Vec<_> = seen.iter().filter_map(|it| it.refusal.as_ref()).map(|it| it.reason()).collect();
    assert_eq!(reasons, [ErrorReason::NoContract, ErrorReason::UnknownReward, ErrorReason::PointsShort]);
    redeem(&operator, order(&member, "upgrade", &request)).await.unwrap();
    assert_eq!(why(redeem(&operator, order(&member, "paris", &request)).await), ErrorReason::IdReused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_sees_nothing_of_a_take_over() {
    let (network, operator, member) = rich().await;
    network.log.fail("coalition.journal.", Fault::LoseOne);
    let redemption = redeem(&operator, order(&member, "upgrade", &request_id())).await.unwrap();
    let balance = operator.balance(&member, redemption.position).await.unwrap();
    assert_eq!(balance.available, 30, "the term ended, and the points were taken once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_is_not_known_in_time_is_learnt_by_repeating() {
    let (network, operator, member) = rich().await;
    let request = request_id();
    network.log.fail("coalition.journal.", Fault::Hold);
    let mut asked = Request::new(order(&member, "upgrade", &request));
    asked.set_timeout(Duration::from_millis(300));
    let status = operator.redemptions().create_redemption(asked).await.unwrap_err();
    assert_eq!((reason(&status), status.code()), (ErrorReason::OutcomeUnknown, tonic::Code::Unavailable));
    assert!(status.get_error_details().retry_info().is_some());
    network.log.heal();
    redeem(&operator, order(&member, "upgrade", &request)).await.unwrap();
    assert_eq!(operator.balance(&member, None).await.unwrap().available, 30);
}
