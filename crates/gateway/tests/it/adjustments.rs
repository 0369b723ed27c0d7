//! Points that operators give and take by hand.

use coalition_proto::account::v1::{Activity, ActivityType, ListActivitiesRequest};
use coalition_proto::operator::v1::create_adjustment_request::Entry;
use coalition_proto::operator::v1::{
    Adjustment, AdjustmentState, ApproveAdjustmentRequest, CreateAdjustmentRequest, GetAdjustmentRequest,
    ListAdjustmentsRequest, PointGrant, PointTaking, RejectAdjustmentRequest, adjustment,
};
use coalition_proto::partner::v1::OperatorHolder;
use coalition_proto::partner::v1::create_api_key_request::Holder;
use coalition_proto::r#type::v1::{AdjustmentReason, ErrorReason, LotCategory};
use tonic::Status;

use crate::client::{Client, purchase, reason};
use crate::network::{Network, request_id};

/// A network, two operators, and a member with 90 points.
async fn given() -> (Network, Client, Client, String) {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let deputy = operator.create_key(Holder::Operator(OperatorHolder {})).await.unwrap().secret;
    let deputy = network.with(&deputy).await;
    let member = operator.enrol("a").await.unwrap();
    operator.tell("shop", "a", "e1", purchase("o1", "USD", 90)).await;
    (network, operator, deputy, member)
}

fn grant(member: &str, points: i64) -> CreateAdjustmentRequest {
    CreateAdjustmentRequest {
        member: member.to_owned(),
        programme: "programmes/miles".to_owned(),
        points,
        entry: Some(Entry::Grant(PointGrant { funder: "partners/shop".to_owned(), ..PointGrant::default() })),
        reason: AdjustmentReason::Goodwill.into(),
        note: "parcel came late".to_owned(),
        request_id: request_id(),
    }
}

fn taking(member: &str, points: i64, owed_to: &str) -> CreateAdjustmentRequest {
    let entry = Some(Entry::Taking(PointTaking { owed_to: owed_to.to_owned() }));
    let reason = AdjustmentReason::Fraud.into();
    CreateAdjustmentRequest { entry, reason, note: String::new(), ..grant(member, points) }
}

async fn create(client: &Client, request: CreateAdjustmentRequest) -> Result<Adjustment, Status> {
    Ok(client.operators().create_adjustment(request).await?.into_inner())
}

async fn approve(client: &Client, name: &str) -> Result<Adjustment, Status> {
    let request = ApproveAdjustmentRequest { name: name.to_owned(), request_id: request_id() };
    Ok(client.operators().approve_adjustment(request).await?.into_inner())
}

async fn reject(client: &Client, name: &str) -> Result<Adjustment, Status> {
    let request = RejectAdjustmentRequest { name: name.to_owned(), request_id: request_id() };
    Ok(client.operators().reject_adjustment(request).await?.into_inner())
}

async fn available(client: &Client, member: &str) -> i64 {
    client.balance(member, None).await.unwrap().available
}

async fn history(client: &Client, member: &str) -> Vec<Activity> {
    let request = ListActivitiesRequest { member: member.to_owned(), ..ListActivitiesRequest::default() };
    client.accounts().list_activities(request).await.unwrap().into_inner().activities
}

#[tokio::test(flavor = "multi_thread")]
async fn points_are_given_and_taken_and_a_repeat_changes_nothing() {
    let (_network, operator, _, member) = given().await;
    let request = grant(&member, 500);
    let given = create(&operator, request.clone()).await.unwrap();
    assert_eq!((given.state(), given.points), (AdjustmentState::Applied, 500));
    assert_eq!((given.reason(), given.note.as_str()), (AdjustmentReason::Goodwill, "parcel came late"));
    let Some(adjustment::Entry::Grant(entry)) = &given.entry else { panic!("{given:?}") };
    assert_eq!((entry.funder.as_str(), entry.category()), ("partners/shop", LotCategory::Adjustment));
    assert!(given.creator.starts_with("apiKeys/") && given.reviewer.is_empty(), "{given:?}");
    assert_eq!(create(&operator, request).await.unwrap().name, given.name);
    assert_eq!(available(&operator, &member).await, 590);

    let missing = create(&operator, taking(&member, 591, "")).await.unwrap_err();
    assert_eq!(reason(&missing), ErrorReason::PointsShort);
    create(&operator, taking(&member, 600, "partners/shop")).await.unwrap();
    let balance = operator.balance(&member, None).await.unwrap();
    assert_eq!((balance.available, balance.debt), (0, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn above_the_limit_another_operator_has_to_agree() {
    let (_network, operator, deputy, member) = given().await;
    assert_eq!(create(&operator, grant(&member, 10_000)).await.unwrap().state(), AdjustmentState::Applied);
    let proposed = create(&operator, grant(&member, 10_001)).await.unwrap();
    assert_eq!(proposed.state(), AdjustmentState::Proposed);
    let (created, lapses) = (proposed.create_time.unwrap(), proposed.lapse_time.unwrap());
    assert_eq!(lapses.seconds - created.seconds, 7 * 86_400);
    assert_eq!(available(&operator, &member).await, 10_090);

    let own = approve(&operator, &proposed.name).await.unwrap_err();
    assert_eq!(reason(&own), ErrorReason::OwnAdjustment);
    let approved = approve(&deputy, &proposed.name).await.unwrap();
    assert_eq!(approved.state(), AdjustmentState::Applied);
    assert!(!approved.reviewer.is_empty() && approved.reviewer != approved.creator, "{approved:?}");
    assert!(approved.review_time.is_some() && approved.lapse_time.is_none(), "{approved:?}");
    assert_eq!(available(&operator, &member).await, 20_091);
    for again in [approve(&deputy, &proposed.name).await, reject(&operator, &proposed.name).await] {
        assert_eq!(reason(&again.unwrap_err()), ErrorReason::AdjustmentNotOpen);
    }

    let other = create(&operator, grant(&member, 10_001)).await.unwrap();
    assert_eq!(reject(&operator, &other.name).await.unwrap().state(), AdjustmentState::Rejected);
    assert_eq!(available(&operator, &member).await, 20_091);

    let unknown = format!("{member}/adjustments/1");
    let refused = approve(&deputy, &unknown).await.unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::UnknownAdjustment);
    let request = GetAdjustmentRequest { name: unknown, min_position: None };
    let refused = operator.operators().get_adjustment(request).await.unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::UnknownAdjustment);
    let request = GetAdjustmentRequest { name: other.name.clone(), min_position: None };
    let found = operator.operators().get_adjustment(request).await.unwrap().into_inner();
    assert_eq!(found.state(), AdjustmentState::Rejected);

    let mut request = ListAdjustmentsRequest { member, page_size: 2, ..ListAdjustmentsRequest::default() };
    let mut states = Vec::new();
    loop {
        let page = operator.operators().list_adjustments(request.clone()).await.unwrap().into_inner();
        states.extend(page.adjustments.iter().map(|it| (it.points, it.state())));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    use AdjustmentState::{Applied, Rejected};
    assert_eq!(states, [(10_001, Rejected), (10_001, Applied), (10_000, Applied)]);
}

/// What operators say to each other stays between them; what it did to the points doesn't.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_sees_what_took_effect_and_the_paying_partner_its_own() {
    let (network, operator, deputy, member) = given().await;
    let proposed = create(&operator, grant(&member, 10_001)).await.unwrap();
    let rejected = create(&operator, taking(&member, 10_001, "partners/shop")).await.unwrap();
    reject(&deputy, &rejected.name).await.unwrap();
    approve(&operator, &proposed.name).await.unwrap_err();
    let own = network.with(&operator.member_key(&member).await).await;
    let shop = network.with(&operator.partner_key("shop").await).await;
    let airline = network.with(&operator.partner_key("airline").await).await;
    let by_hand = async |client: &Client| {
        let entries = history(client, &member).await;
        let entries = entries.into_iter().filter(|it| it.r#type() == ActivityType::Adjustment);
        entries.map(|it| (it.points, it.adjustment_reason(), it.adjustment)).collect::<Vec<_>>()
    };
    for client in [&own, &shop, &airline] {
        assert_eq!(by_hand(client).await, []);
    }
    assert_eq!(by_hand(&operator).await.len(), 4);

    approve(&deputy, &proposed.name).await.unwrap();
    create(&operator, taking(&member, 91, "")).await.unwrap();
    let given = (10_001, AdjustmentReason::Goodwill, proposed.name.clone());
    let seen = by_hand(&own).await;
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[0].0, seen[0].1), (-91, AdjustmentReason::Fraud));
    assert_eq!(seen[1], given);
    assert_eq!(by_hand(&shop).await, [given]);
    assert_eq!(by_hand(&airline).await, []);
    let told = format!("{:?}{:?}", history(&own, &member).await, history(&shop, &member).await);
    assert!(!told.contains("parcel"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_and_leaves_no_trace() {
    let (_network, operator, _, member) = given().await;
    let before = history(&operator, &member).await.len();
    let good = grant(&member, 1);
    let with_entry = |entry| CreateAdjustmentRequest { entry, ..good.clone() };
    let granting = |grant| with_entry(Some(Entry::Grant(grant)));
    let noted = |note: &str| CreateAdjustmentRequest { note: note.to_owned(), ..good.clone() };
    let shop = "partners/shop".to_owned();
    for (request, expected) in [
        (CreateAdjustmentRequest { points: 0, ..good.clone() }, ErrorReason::InvalidArgument),
        (CreateAdjustmentRequest { points: -1, ..good.clone() }, ErrorReason::InvalidArgument),
        (CreateAdjustmentRequest { points: i64::MAX, ..good.clone() }, ErrorReason::InvalidArgument),
        (CreateAdjustmentRequest { reason: 0, ..good.clone() }, ErrorReason::FieldMissing),
        (CreateAdjustmentRequest { reason: 99, ..good.clone() }, ErrorReason::InvalidArgument),
        (CreateAdjustmentRequest { programme: String::new(), ..good.clone() }, ErrorReason::FieldMissing),
        (CreateAdjustmentRequest { request_id: String::new(), ..good.clone() }, ErrorReason::FieldMissing),
        (with_entry(None), ErrorReason::FieldMissing),
        (granting(PointGrant::default()), ErrorReason::FieldMissing),
        (
            granting(PointGrant { funder: shop, category: 99, expire_time: None }),
            ErrorReason::InvalidArgument,
        ),
        (noted(&"x".repeat(201)), ErrorReason::FieldTooLong),
        (noted(" "), ErrorReason::InvalidArgument),
        (noted("a\nb"), ErrorReason::InvalidArgument),
        (noted("write to jane@example.com"), ErrorReason::InvalidArgument),
        (noted("card 4111 1111 1111 1111"), ErrorReason::InvalidArgument),
    ] {
        let refused = create(&operator, request.clone()).await.unwrap_err();
        assert_eq!(reason(&refused), expected, "{request:?}: {refused:?}");
        assert!(!refused.message().contains("jane") && !refused.message().contains("4111"), "{refused:?}");
    }
    assert_eq!(history(&operator, &member).await.len(), before);
    create(&operator, noted(&"é".repeat(200))).await.unwrap();
}
