//! A return, the debt that it leaves, and what all that look at it see.

use std::collections::BTreeSet;

use coalition_proto::account::v1::{ActivityType, ListActivitiesRequest};
use coalition_proto::catalogue::v1::GetRewardRequest;
use coalition_proto::event::v1::OrderReturn;
use coalition_proto::event::v1::partner_event::Body;
use coalition_proto::operator::v1::GetConservationReportRequest;
use coalition_proto::redemption::v1::CreateRedemptionRequest;
use coalition_proto::settlement::v1::{GetSettlementStatementRequest, SettlementDirection, SettlementKind};
use coalition_proto::r#type::v1::{ErrorReason, EventState, RuleVerdict};

use crate::client::purchase;
use crate::network::{Network, request_id};

pub(crate) fn returned(order: &str) -> Body {
    Body::OrderReturn(OrderReturn { order_id: order.to_owned(), ..OrderReturn::default() })
}

/// 1,111 points are earned and 100 of them spent; then the order is returned.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_return_takes_back_is_seen_by_everybody() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("5").await.unwrap();
    operator.tell("shop", "5", "e1", purchase("o1", "USD", 1_111)).await;
    let upgrade = CreateRedemptionRequest {
        member: member.clone(),
        reward: "programmes/miles/rewards/upgrade".to_owned(),
        quantity: 1,
        request_id: request_id(),
    };
    operator.redemptions().create_redemption(upgrade).await.unwrap();

    let record = operator.tell("shop", "5", "e2", returned("o1")).await;
    assert_eq!((record.state(), record.points), (EventState::Applied, 0));
    let [outcome] = record.rule_outcomes.as_slice() else { panic!("{record:?}") };
    assert_eq!((outcome.verdict(), outcome.points), (RuleVerdict::TakenBack, 1_111));
    let balance = operator.balance(&member, record.position).await.unwrap();
    assert_eq!((balance.available, balance.debt), (0, 100));
    // What is owed comes first, and the catalogue says so as a redemption would.
    let request = GetRewardRequest {
        name: "programmes/miles/rewards/upgrade".to_owned(),
        member: member.clone(),
        ..GetRewardRequest::default()
    };
    let reward = operator.catalogue().get_reward(request).await.unwrap().into_inner();
    assert_eq!((reward.points, reward.points_missing), (100, Some(200)));
    let again = operator.tell("shop", "5", "e3", returned("o1")).await;
    assert_eq!(again.refusal.unwrap().reason(), ErrorReason::ReturnExceedsOrder);

    let record = operator.tell("shop", "5", "e4", purchase("o2", "USD", 150)).await;
    let balance = operator.balance(&member, record.position).await.unwrap();
    assert_eq!((balance.available, balance.debt), (50, 0));

    let query = ListActivitiesRequest { member, ..ListActivitiesRequest::default() };
    let shop = network.with(&operator.partner_key("shop").await).await;
    let own = shop.accounts().list_activities(query.clone()).await.unwrap().into_inner().activities;
    let [bought, _, taken, ..] = own.as_slice() else { panic!("{own:?}") };
    assert_eq!((bought.points, bought.debt_repaid), (150, 0), "what is owed may be owed to another");
    assert_eq!((taken.points, taken.taken_back[0].points, taken.taken_back[0].debt), (-1_111, 1_111, 0));
    let activities = operator.accounts().list_activities(query).await.unwrap().into_inner().activities;
    let [bought, _, taken, ..] = activities.as_slice() else { panic!("{activities:?}") };
    assert_eq!((bought.points, bought.debt_repaid), (50, 100));
    assert_eq!((taken.r#type(), taken.order_id.as_str()), (ActivityType::Return, "o1"));
    assert_eq!((taken.points, taken.programme.as_str()), (-1_011, "programmes/miles"));
    let [row] = taken.taken_back.as_slice() else { panic!("{taken:?}") };
    assert_eq!((row.points, row.debt, row.programme_version), (1_111, 100, 1));

    // By hand: 1,261 x 0.009 = 11.349 and 1,111 x 0.009 = 9.999.
    let programme = "programmes/miles".to_owned();
    let request = GetSettlementStatementRequest {
        partner: "partners/shop".to_owned(),
        programme: programme.clone(),
        ..Default::default()
    };
    let lines = operator.settlements().get_settlement_statement(request).await.unwrap().into_inner().lines;
    // From an event to its lines: a purchase that repays a debt adds to both, and no partner sees another's.
    let named: BTreeSet<_> = lines.iter().map(|line| line.name.clone()).collect();
    for client in [&operator, &shop] {
        let record = client.get_event("shop", "5", "e4").await.unwrap();
        assert_eq!(record.settlement_lines.into_iter().collect::<BTreeSet<_>>(), named);
    }
    let airs = |line: &String| line.starts_with("partners/airline/");
    assert!(activities.iter().flat_map(|one| &one.settlement_lines).any(airs));
    assert!(!own.iter().flat_map(|one| &one.settlement_lines).any(airs));
    let told = lines.iter().map(|line| {
        let amount = line.amount.as_ref().unwrap();
        (line.kind(), line.direction(), line.points, (amount.units, amount.nanos / 10_000_000))
    });
    let expected = [
        (SettlementKind::Issued, SettlementDirection::Payable, 1_261, (11, 35)),
        (SettlementKind::ClawedBack, SettlementDirection::Receivable, 1_111, (10, 0)),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);

    let request = GetConservationReportRequest { programme, min_positions: Vec::new() };
    let rows = operator.operators().get_conservation_report(request).await.unwrap().into_inner().rows;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.issued, row.clawed_back, row.available, row.redeemed), (1_261, 1_111, 50, 100));
    assert_eq!((row.debt, row.difference), (0, 0));
}
