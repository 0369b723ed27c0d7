//! Points held for a reward, captured, released and refunded; and many who want the last points.

use coalition_proto::account::v1::{ActivityType, ListActivitiesRequest, ListLotsRequest};
use coalition_proto::redemption::v1::{
    CaptureHoldRequest, CreateHoldRequest, CreateRedemptionRequest, GetHoldRequest, GetRedemptionRequest,
    Hold, HoldState, ListHoldsRequest, Redemption, RedemptionState, RefundRedemptionRequest,
    ReleaseHoldRequest,
};
use coalition_proto::r#type::v1::ErrorReason;
use tokio::task::JoinSet;
use tonic::Status;
use tonic_types::StatusExt;

use crate::client::{Client, purchase, reason, why};
use crate::network::{Network, request_id};

/// A network, its operator, and a member with 130 points of two lots.
async fn rich() -> (Network, Client, String) {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    operator.tell("shop", "a", "e1", purchase("o1", "USD", 90)).await;
    operator.tell("shop", "a", "e2", purchase("o2", "USD", 40)).await;
    (network, operator, member)
}

async fn hold(client: &Client, member: &str) -> Result<Hold, Status> {
    let order = CreateHoldRequest {
        member: member.to_owned(),
        reward: "programmes/miles/rewards/upgrade".to_owned(),
        quantity: 1,
        ttl: None,
        request_id: request_id(),
    };
    Ok(client.redemptions().create_hold(order).await?.into_inner())
}

async fn capture(client: &Client, hold: &Hold, points: i64) -> Result<Redemption, Status> {
    let request = CaptureHoldRequest { name: hold.name.clone(), points, request_id: request_id() };
    Ok(client.redemptions().capture_hold(request).await?.into_inner())
}

async fn release(client: &Client, hold: &Hold) -> Result<Hold, Status> {
    let request = ReleaseHoldRequest { name: hold.name.clone(), request_id: request_id() };
    Ok(client.redemptions().release_hold(request).await?.into_inner())
}

async fn refund(client: &Client, redemption: &Redemption) -> Result<Redemption, Status> {
    let request = RefundRedemptionRequest { name: redemption.name.clone(), request_id: request_id() };
    Ok(client.redemptions().refund_redemption(request).await?.into_inner())
}

async fn points(client: &Client, member: &str) -> (i64, i64) {
    let balance = client.balance(member, None).await.unwrap();
    (balance.available, balance.held)
}

#[tokio::test(flavor = "multi_thread")]
async fn held_points_are_captured_in_part_and_refunded() {
    let (network, operator, member) = rich().await;
    let airline = network.with(&operator.partner_key("airline").await).await;
    let held = hold(&airline, &member).await.unwrap();
    assert_eq!(
        (held.state(), held.points, held.redeemer.as_str()),
        (HoldState::Open, 100, "partners/airline")
    );
    let (created, expires) = (held.create_time.unwrap(), held.expire_time.unwrap());
    assert_eq!(expires.seconds - created.seconds, 30 * 60);
    assert_eq!(points(&operator, &member).await, (30, 100));
    let lots = ListLotsRequest {
        member: member.clone(),
        programme: "programmes/miles".to_owned(),
        ..ListLotsRequest::default()
    };
    let lots = operator.accounts().list_lots(lots).await.unwrap().into_inner().lots;
    let lots: Vec<_> = lots.iter().map(|lot| (lot.points_left, lot.points_held)).collect();
    assert_eq!(lots, [(90, 90), (40, 10)]);

    let captured = capture(&airline, &held, 60).await.unwrap();
    assert_eq!((captured.points, captured.state()), (60, RedemptionState::Completed));
    assert_eq!(captured.hold, held.name);
    assert_eq!(points(&operator, &member).await, (70, 0));
    let get = GetHoldRequest { name: held.name.clone(), min_position: None };
    let seen = airline.redemptions().get_hold(get).await.unwrap().into_inner();
    assert_eq!((seen.state(), &seen.redemption), (HoldState::Captured, &captured.name));
    assert_eq!(why(capture(&airline, &held, 60).await), ErrorReason::HoldNotOpen);

    let refunded = refund(&airline, &captured).await.unwrap();
    assert_eq!((refunded.points, refunded.state()), (60, RedemptionState::Refunded));
    assert_eq!(points(&operator, &member).await, (130, 0));
    assert_eq!(why(refund(&airline, &captured).await), ErrorReason::RedemptionRefunded);
    let get = GetRedemptionRequest { name: captured.name.clone(), min_position: None };
    assert_eq!(airline.redemptions().get_redemption(get).await.unwrap().into_inner(), refunded);

    let list = ListActivitiesRequest { member: member.clone(), ..ListActivitiesRequest::default() };
    let seen = airline.accounts().list_activities(list).await.unwrap().into_inner().activities;
    let seen: Vec<_> =
        seen.iter().filter(|it| it.refusal.is_none()).map(|it| (it.r#type(), it.points)).collect();
    assert_eq!(
        seen,
        [(ActivityType::Refund, 60), (ActivityType::Capture, 40), (ActivityType::Hold, -100)],
        "the redeemer sees its own"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn held_points_are_released_by_whoever_holds_them_or_delivers() {
    let (network, operator, member) = rich().await;
    let airline = network.with(&operator.partner_key("airline").await).await;
    let shop = network.with(&operator.partner_key("shop").await).await;
    let own = network.with(&operator.member_key(&member).await).await;
    let held = hold(&own, &member).await.unwrap();
    assert_eq!(why(capture(&own, &held, 0).await), ErrorReason::PermissionDenied);
    assert_eq!(why(capture(&shop, &held, 0).await), ErrorReason::UnknownHold);
    assert_eq!(why(release(&shop, &held).await), ErrorReason::UnknownHold);
    let status = capture(&airline, &held, 101).await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::CaptureTooLarge);
    assert_eq!(status.get_error_details().error_info().unwrap().metadata["points_held"], "100");
    assert_eq!(why(capture(&airline, &held, -1).await), ErrorReason::InvalidArgument);
    let released = release(&own, &held).await.unwrap();
    assert_eq!((released.state(), released.name.as_str()), (HoldState::Released, held.name.as_str()));
    assert_eq!(points(&operator, &member).await, (130, 0));

    let again = hold(&airline, &member).await.unwrap();
    assert_eq!(why(release(&own, &again).await), ErrorReason::PermissionDenied);
    release(&airline, &again).await.unwrap();
    let list = || ListHoldsRequest { member: member.clone(), ..ListHoldsRequest::default() };
    let names = |holds: &[Hold]| holds.iter().map(|hold| hold.name.clone()).collect::<Vec<_>>();
    let all = airline.redemptions().list_holds(list()).await.unwrap().into_inner().holds;
    assert_eq!(names(&all), [again.name, held.name]);
    let none = shop.redemptions().list_holds(list()).await.unwrap().into_inner().holds;
    assert_eq!(names(&none), Vec::<String>::new());
}

/// 330 points, and 1,000 who want 100 of them each: three get them, and the others hear how many are missing.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_points_are_burnt_once() {
    let (_network, operator, member) = rich().await;
    operator.tell("shop", "a", "e3", purchase("o3", "USD", 200)).await;
    let mut calls = JoinSet::new();
    for _ in 0..1_000 {
        let order = CreateRedemptionRequest {
            member: member.clone(),
            reward: "programmes/miles/rewards/upgrade".to_owned(),
            quantity: 1,
            request_id: request_id(),
        };
        let mut redemptions = operator.redemptions();
        calls.spawn(async move { redemptions.create_redemption(order).await });
    }
    let (burnt, refused): (Vec<_>, Vec<_>) = calls.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((burnt.len(), refused.len()), (3, 997));
    for status in refused.into_iter().filter_map(Result::err) {
        assert_eq!(reason(&status), ErrorReason::PointsShort);
        assert_eq!(status.get_error_details().error_info().unwrap().metadata["points_missing"], "70");
    }
    assert_eq!(points(&operator, &member).await, (30, 0));
}
