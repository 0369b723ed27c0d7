//! Rewards that buy units of an outside programme, and their limits.

use coalition_proto::account::v1::{ActivityType, ListActivitiesRequest};
use coalition_proto::catalogue::v1::GetRewardRequest;
use coalition_proto::redemption::v1::{
    CaptureHoldRequest, CreateHoldRequest, CreateRedemptionRequest, RefundRedemptionRequest,
};
use coalition_proto::r#type::v1::bought::What;
use coalition_proto::r#type::v1::{Bought, ErrorReason, Units};
use tonic_types::StatusExt;

use crate::client::{purchase, reason};
use crate::network::{Network, request_id};

const SWAP: &str = r#"
programme = { id = "swap", name = "Swap", effective_from = 1996-01-01T00:00:00Z }

[[rule]]
id = "shopping"
event = "purchase"
points = 1
per = { amount = "1.00", currency = "USD", rounding = "down" }

[[reward]]
id = "sky"
name = "25 sky miles"
redeemer = "airline"
points = 20
buys = { units = 25, unit = "sky-miles" }
limits = { min_points = 40, max_points = 100, max_points_a_year = 120 }
"#;

const SKY: &str = "programmes/swap/rewards/sky";

fn miles(count: i64) -> Option<Bought> {
    Some(Bought { what: Some(What::Units(Units { unit: "sky-miles".to_owned(), count })) })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_points_buy_is_said_wherever_they_are_spent() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    operator.create_partner("kiosk", "programmes/swap").await.unwrap();
    operator.publish(SWAP).await.unwrap();
    operator.create_contract("kiosk", "swap", Some(9_000), None).await.unwrap();
    operator.create_contract("airline", "swap", None, Some(7_000)).await.unwrap();
    let member = operator.enrol("a").await.unwrap();
    let earned = operator.tell("kiosk", "a", "e1", purchase("o1", "USD", 300)).await;

    let reward =
        GetRewardRequest { name: SKY.to_owned(), member: member.clone(), min_position: earned.position };
    let reward = operator.catalogue().get_reward(reward).await.unwrap().into_inner();
    assert_eq!((reward.points, reward.buys), (20, miles(25)));
    let limits = (reward.min_points, reward.max_points, reward.max_points_per_year);
    assert_eq!(limits, (40, 100, 120));

    let redeem = async |quantity| {
        let (member, reward, request_id) = (member.clone(), SKY.to_owned(), request_id());
        let request = CreateRedemptionRequest { member, reward, quantity, request_id };
        operator.redemptions().create_redemption(request).await.map(tonic::Response::into_inner)
    };
    for (quantity, why, key, value) in [
        (1, ErrorReason::RewardBelowMinimum, "points_min", "40"),
        (6, ErrorReason::RewardAboveMaximum, "points_max", "100"),
    ] {
        let status = redeem(quantity).await.unwrap_err();
        assert_eq!((reason(&status), status.code()), (why, tonic::Code::FailedPrecondition));
        assert_eq!(status.get_error_details().error_info().unwrap().metadata[key], value);
    }
    let redemption = redeem(3).await.unwrap();
    assert_eq!((redemption.points, redemption.bought.clone()), (60, miles(75)));

    let hold = CreateHoldRequest {
        member: member.clone(),
        reward: SKY.to_owned(),
        quantity: 2,
        ttl: None,
        request_id: request_id(),
    };
    let hold = operator.redemptions().create_hold(hold).await.unwrap().into_inner();
    assert_eq!((hold.points, hold.bought), (40, miles(50)));
    let status = redeem(2).await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::RewardLimitReached);
    let metadata = status.get_error_details().error_info().unwrap().metadata.clone();
    assert_eq!(metadata["points_allowed"], "20", "120 less 60 that are spent and 40 that are held");
    assert!(metadata["until"].ends_with("-01-01T00:00:00Z"), "{metadata:?}");

    let capture = CaptureHoldRequest { name: hold.name, points: 20, request_id: request_id() };
    let captured = operator.redemptions().capture_hold(capture).await.unwrap().into_inner();
    assert_eq!((captured.points, captured.bought), (20, miles(25)));
    let refund = RefundRedemptionRequest { name: redemption.name, request_id: request_id() };
    let refunded = operator.redemptions().refund_redemption(refund).await.unwrap().into_inner();
    assert_eq!(refunded.bought, miles(75), "it still says what it had bought");

    let list = ListActivitiesRequest {
        member,
        min_position: refunded.position,
        programme: "programmes/swap".to_owned(),
        ..ListActivitiesRequest::default()
    };
    let listed = operator.accounts().list_activities(list).await.unwrap().into_inner().activities;
    let bought = listed.into_iter().filter(|it| it.refusal.is_none()).map(|it| (it.r#type(), it.bought));
    assert_eq!(
        bought.collect::<Vec<_>>(),
        [
            (ActivityType::Refund, miles(75)),
            (ActivityType::Capture, miles(25)),
            (ActivityType::Hold, miles(50)),
            (ActivityType::Redemption, miles(75)),
            (ActivityType::Purchase, None),
        ]
    );
}
