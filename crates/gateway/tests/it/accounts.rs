//! Members, balances, history and lots.

use coalition_proto::account::v1::{
    ActivityType, DateBasis, GetActivityRequest, GetBalanceRequest, ListActivitiesRequest, ListLotsRequest,
};
use coalition_proto::member::v1::{CreateMemberRequest, GetMemberRequest, LookupMemberRequest};
use coalition_proto::r#type::v1::{ErrorReason, EventState, Identifier, IdentifierScheme, Position};
use tonic::Request;
use uuid::Uuid;

use crate::client::{Client, email, engaged, purchase, read, reason, sign_up, why};
use crate::network::{Network, now, request_id};

async fn activities(client: &Client, member: &str, size: i32, token: &str) -> (Vec<String>, String) {
    let request = ListActivitiesRequest {
        member: member.to_owned(),
        page_size: size,
        page_token: token.to_owned(),
        ..ListActivitiesRequest::default()
    };
    let page = client.accounts().list_activities(request).await.unwrap().into_inner();
    let shown = page.activities.iter().map(|it| format!("{:?} {:?} {}", it.r#type(), it.state(), it.points));
    (shown.collect(), page.next_page_token)
}

#[tokio::test(flavor = "multi_thread")]
async fn enrolling_makes_a_member_of_an_identifier_and_its_points() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let shop = network.with(&operator.partner_key("shop").await).await;
    shop.tell("shop", "a", "e1", purchase("o1", "USD", 29)).await;
    let lookup = || LookupMemberRequest { identifier: Some(email("a")), min_position: None };
    assert_eq!(why(shop.members().lookup_member(lookup()).await), ErrorReason::MemberNotFound);

    let request = CreateMemberRequest { identifier: Some(email("a")), request_id: request_id() };
    let member = shop.members().create_member(request.clone()).await.unwrap().into_inner();
    assert_eq!(member.enrolling_partner, "partners/shop");
    let found = shop.members().lookup_member(lookup()).await.unwrap().into_inner();
    assert_eq!((&found.name, &found.create_time), (&member.name, &member.create_time));
    assert_eq!(found.enrolling_partner, "partners/shop");
    assert_eq!(operator.balance(&member.name, None).await.unwrap().available, 29);

    assert_eq!(shop.members().create_member(request).await.unwrap().into_inner(), member, "a repeat");
    assert_eq!(why(shop.enrol("a").await), ErrorReason::AlreadyEnrolled);
    let stranger = Identifier {
        scheme: IdentifierScheme::CustomerNumber.into(),
        scope: "partners/airline".to_owned(),
        value: "1".to_owned(),
    };
    let foreign = CreateMemberRequest { identifier: Some(stranger), request_id: request_id() };
    assert_eq!(why(shop.members().create_member(foreign).await), ErrorReason::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_enrols_with_its_consents() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    operator.tell("shop", "a", "e1", sign_up(&["commercial-offers"])).await;
    let lookup = LookupMemberRequest { identifier: Some(email("a")), min_position: None };
    let found = operator.members().lookup_member(lookup).await.unwrap().into_inner();
    let member = network.with(&operator.member_key(&found.name).await).await;
    let get = GetMemberRequest { name: found.name.clone(), min_position: None };
    let own = member.members().get_member(get).await.unwrap().into_inner();
    assert_eq!((own.consents[0].purpose.as_str(), own.consents[0].given), ("commercial-offers", true));
    assert_eq!(own.consents[0].update_time.unwrap().seconds, 854_668_800);
    assert_eq!(own.enrolling_partner, "partners/shop");
    let balance = member.balance(&found.name, None).await.unwrap();
    assert_eq!((balance.available, balance.pending, balance.held, balance.debt), (150, 0, 0, 0));
    assert_eq!(
        (balance.next_reward.as_str(), balance.points_to_next_reward),
        ("programmes/miles/rewards/paris", 2_350)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_read_page_by_page_newest_first() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    for number in 0..40 {
        operator
            .tell("shop", "a", &format!("e{number}"), purchase(&format!("o{number}"), "USD", number))
            .await;
    }
    operator.tell("shop", "a", "refused", purchase("x", "EUR", 1)).await;
    let own = network.with(&operator.member_key(&member).await).await;
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let (page, next) = activities(&own, &member, 7, &token).await;
        assert!(page.len() == 7 || next.is_empty(), "{page:?}");
        seen.extend(page);
        token = next;
        if token.is_empty() {
            break;
        }
    }
    let mut expected = vec!["Purchase Refused 0".to_owned()];
    expected.extend((0..40).rev().map(|points| format!("Purchase Applied {points}")));
    expected.push("Enrolment Applied 0".to_owned());
    assert_eq!(seen, expected);
    let other = operator.enrol("b").await.unwrap();
    let unknown = ListActivitiesRequest {
        member: member.clone(),
        programme: "programmes/nothing".to_owned(),
        ..ListActivitiesRequest::default()
    };
    assert_eq!(why(operator.accounts().list_activities(unknown).await), ErrorReason::UnknownProgramme);
    let (_, token) = activities(&operator, &member, 7, "").await;
    let request = ListActivitiesRequest { member: other, page_token: token, ..Default::default() };
    assert_eq!(why(operator.accounts().list_activities(request).await), ErrorReason::InvalidPageToken);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_says_what_each_rule_did() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    operator.tell("shop", "a", "e1", purchase("o1", "USD", 3)).await;
    let get = async |number: u32| {
        let request =
            GetActivityRequest { name: format!("{member}/activities/{number}"), min_position: None };
        operator.accounts().get_activity(request).await.map(tonic::Response::into_inner)
    };
    let entry = get(2).await.unwrap();
    assert_eq!(
        (entry.r#type(), entry.state(), entry.points),
        (ActivityType::Purchase, EventState::Applied, 3)
    );
    assert_eq!(
        (entry.order_id.as_str(), entry.rules, entry.programme_version),
        ("o1", vec!["shopping".into()], 1)
    );
    assert_eq!(entry.rule_outcomes.len(), 1);
    assert_eq!(get(1).await.unwrap().r#type(), ActivityType::Enrolment);
    assert_eq!(why(get(3).await), ErrorReason::NotFound);
    assert_eq!(why(get(0).await), ErrorReason::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_sees_its_own_entries_and_a_balance_by_consent() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    operator.tell("shop", "a", "e1", purchase("o1", "USD", 3)).await;
    operator.tell("airline", "a", "e1", engaged("check-in")).await;
    let airline = network.with(&operator.partner_key("airline").await).await;
    assert_eq!(activities(&airline, &member, 0, "").await.0, ["Engagement Applied 0"]);
    let request = GetActivityRequest { name: format!("{member}/activities/2"), min_position: None };
    assert_eq!(why(airline.accounts().get_activity(request).await), ErrorReason::NotFound);
    let status = airline.balance(&member, None).await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::PermissionDenied);
    assert!(status.message().contains("share-balance"), "{}", status.message());
    operator.tell("shop", "a", "e2", sign_up(&["share-balance"])).await;
    assert_eq!(airline.balance(&member, None).await.unwrap().available, 3 + 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn lots_come_in_the_order_of_burning_with_what_began_them() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    for number in 1..=40 {
        operator
            .tell("shop", "a", &format!("e{number}"), purchase(&format!("o{number}"), "USD", number))
            .await;
    }
    let (mut points, mut token) = (Vec::new(), String::new());
    loop {
        let request = ListLotsRequest {
            member: member.clone(),
            programme: "programmes/miles".to_owned(),
            page_size: 16,
            page_token: token,
            min_position: None,
        };
        let page = operator.accounts().list_lots(request).await.unwrap().into_inner();
        for lot in page.lots {
            let grant = lot.grant.unwrap();
            assert_eq!((lot.points_left, grant.issuer.as_str()), (grant.points, "partners/shop"));
            points.push(grant.points);
        }
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(points, (1..=40).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_waits_for_the_position_that_it_is_asked_for() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    let record = operator.tell("shop", "a", "e1", read("m1")).await;
    let at = record.position.unwrap();
    assert_eq!(operator.balance(&member, Some(at)).await.unwrap().available, 10);
    let other = Position { shard: 1 - at.shard, seq: u64::MAX };
    assert_eq!(operator.balance(&member, Some(other)).await.unwrap().available, 10, "another shard's");
    let none = Position { shard: 2, seq: 1 };
    assert_eq!(why(operator.balance(&member, Some(none)).await), ErrorReason::InvalidArgument);

    let far = || {
        let mut request = Request::new(GetMemberRequest {
            name: member.clone(),
            min_position: Some(Position { shard: at.shard, seq: at.seq + 1_000 }),
        });
        request.set_timeout(std::time::Duration::from_millis(200));
        request
    };
    let status = operator.members().get_member(far()).await.unwrap_err();
    assert_eq!((reason(&status), status.code()), (ErrorReason::PositionNotReached, tonic::Code::Unavailable));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_or_what_is_not_there_is_not_found() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let nobody = format!("members/{}", Uuid::from_u128(7));
    assert_eq!(why(operator.balance(&nobody, None).await), ErrorReason::MemberNotFound);
    let member = operator.enrol("a").await.unwrap();
    let request =
        ListLotsRequest { member, programme: "programmes/nothing".to_owned(), ..ListLotsRequest::default() };
    assert_eq!(why(operator.accounts().list_lots(request).await), ErrorReason::UnknownProgramme);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_what_it_was_at_an_instant() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    // More than a page of activities, each of one point, so that they are read from the store and from memory.
    for number in 0..40 {
        operator.tell("shop", "a", &format!("e{number}"), purchase(&format!("o{number}"), "USD", 1)).await;
    }
    let request = ListActivitiesRequest { member: member.clone(), page_size: 40, ..Default::default() };
    let listed = operator.accounts().list_activities(request).await.unwrap().into_inner().activities;
    let ask = async |read_time, basis: DateBasis| {
        let request = GetBalanceRequest {
            member: member.clone(),
            programme: "programmes/miles".to_owned(),
            read_time,
            date_basis: basis.into(),
            ..GetBalanceRequest::default()
        };
        operator.accounts().get_balance(request).await.map(tonic::Response::into_inner)
    };
    for shown in [&listed[39], &listed[20], &listed[0]] {
        let at = shown.record_time;
        // Several may have been decided at that instant: the first in the list is the last of them.
        let later = listed.iter().take_while(|other| other.record_time != at).count();
        let recorded = 40 - later;
        let balance = ask(at, DateBasis::RecordedTime).await.unwrap();
        assert_eq!((balance.available, balance.read_time), (recorded as i64, at));
    }
    // They all happened on one day of 1997 and were recorded long after it.
    let happened = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let day = listed[0].event_time.unwrap().seconds;
    assert_eq!(ask(happened(day), DateBasis::EventTime).await.unwrap().available, 40);
    assert_eq!(ask(happened(day - 1), DateBasis::EventTime).await.unwrap().available, 0);
    assert_eq!(ask(happened(day), DateBasis::Unspecified).await.unwrap().available, 0);
    let to_come = happened(now().as_millis() / 1_000 + 3_600);
    assert_eq!(why(ask(to_come, DateBasis::RecordedTime).await), ErrorReason::InvalidArgument);
    let nowhen = Some(prost_types::Timestamp { seconds: 0, nanos: -1 });
    assert_eq!(why(ask(nowhen, DateBasis::RecordedTime).await), ErrorReason::InvalidArgument);
}
