//! Identifiers that are linked to a member: what they earned, and what comes for them later.

use std::time::Duration;

use coalition_proto::account::v1::{ActivityType, ListActivitiesRequest, ListLotsRequest};
use coalition_proto::member::v1::{
    CreateIdentifierRequest, ListIdentifiersRequest, LookupMemberRequest, MemberIdentifier,
};
use coalition_proto::operator::v1::GetConservationReportRequest;
use coalition_proto::redemption::v1::GetRedemptionRequest;
use coalition_proto::r#type::v1::{ErrorReason, EventState, Identifier, IdentifierScheme};
use tonic::{Code, Request, Status};

use crate::client::{Client, email, purchase, read, reason, sign_up, why};
use crate::faulty::Fault;
use crate::network::{Network, request_id};
use crate::redemptions::{order, redeem};

async fn link_as(
    client: &Client,
    member: &str,
    identifier: Identifier,
    request_id: String,
) -> Result<MemberIdentifier, Status> {
    let request =
        CreateIdentifierRequest { parent: member.to_owned(), identifier: Some(identifier), request_id };
    Ok(client.members().create_identifier(request).await?.into_inner())
}

/// A redemption says from which lots it took its points: those that the member's list of lots shows, also such as came with a link.
#[tokio::test(flavor = "multi_thread")]
async fn a_redemption_names_the_lots_that_came_with_a_link_as_they_are_listed() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    let mut position = None;
    for card in ["b1", "b2", "b3", "b4"] {
        operator.tell("shop", card, "e1", purchase(&format!("o{card}"), "USD", 50)).await;
        position = link(&operator, &member, card).await.unwrap().position;
    }
    let list = ListLotsRequest {
        member: member.clone(),
        programme: "programmes/miles".to_owned(),
        min_position: position,
        ..Default::default()
    };
    let listed = operator.accounts().list_lots(list).await.unwrap().into_inner().lots;
    let listed: Vec<_> = listed.iter().map(|lot| (lot.position, lot.number)).collect();
    let redemption = redeem(&operator, order(&member, "upgrade", &request_id())).await.unwrap();
    let burnt: Vec<_> = redemption.allocations.iter().map(|it| (it.lot_position, it.lot_number)).collect();
    assert!(burnt.len() > 1 && burnt.iter().all(|lot| listed.contains(lot)), "{burnt:?} of {listed:?}");
    let name = redemption.name.clone();
    let again = GetRedemptionRequest { name, min_position: None };
    assert_eq!(
        operator.redemptions().get_redemption(again).await.unwrap().into_inner().allocations,
        redemption.allocations
    );
}

/// The link is in effect where the identifier's points were, but the member's account doesn't hear of it in time. Told that
/// nothing came of it, a caller would link anew, or redeem anew, under another request id.
#[tokio::test(flavor = "multi_thread")]
async fn what_took_effect_and_cannot_be_shown_in_time_is_repeated() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    // From its first link on the member may have others without being asked.
    link(&operator, &member, "b1").await.unwrap();
    // What the member's account is told goes by the inbox of its shard.
    network.log.fail("coalition.inbox.", Fault::Hold);
    let identifier = Some(email("b2"));
    let asked = CreateIdentifierRequest { parent: member.clone(), identifier, request_id: request_id() };
    let mut hurried = Request::new(asked.clone());
    hurried.set_timeout(Duration::from_secs(2));
    let status = operator.members().create_identifier(hurried).await.unwrap_err();
    assert_eq!((reason(&status), status.code()), (ErrorReason::OutcomeUnknown, Code::Unavailable));
    assert!(status.message().starts_with("it took effect"), "{status:?}");
    network.log.heal();
    let linked = operator.members().create_identifier(asked.clone()).await.unwrap().into_inner();
    assert_eq!(linked.identifier, asked.identifier);
}

async fn link(client: &Client, member: &str, who: &str) -> Result<MemberIdentifier, Status> {
    link_as(client, member, email(who), request_id()).await
}

/// Eight identifiers, which lie in several shards: their points, their orders and what comes later are the member's.
#[tokio::test(flavor = "multi_thread")]
async fn what_identifiers_have_and_earn_is_their_members() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let cards = ["b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8"];
    for (nth, card) in (1..).zip(cards) {
        operator.tell("shop", card, "e1", purchase(&format!("o{nth}"), "USD", 10 * nth)).await;
        // The same e-mail is read with every identifier: it counts once for a member.
        operator.tell("shop", card, "e2", read("m1")).await;
    }
    let member = operator.enrol("a").await.unwrap();
    let mut position = None;
    for card in cards {
        position = link(&operator, &member, card).await.unwrap().position;
    }
    // 10 + 20 + ... + 80, and the e-mail once.
    let balance = operator.balance(&member, position).await.unwrap();
    assert_eq!((balance.available, balance.debt), (370, 0));

    let record = operator.tell("shop", "b3", "e3", purchase("o9", "USD", 5)).await;
    assert_eq!((record.state(), record.points), (EventState::Applied, 5));
    assert_eq!(operator.balance(&member, record.position).await.unwrap().available, 375);
    let returned = operator.tell("shop", "b8", "e4", crate::returns::returned("o8")).await;
    assert_eq!(returned.state(), EventState::Applied);
    assert_eq!(operator.balance(&member, returned.position).await.unwrap().available, 295);
    // What was decided before the link stays what it was.
    let first = operator.get_event("shop", "b3", "e1").await.unwrap();
    assert_eq!((first.state(), first.points), (EventState::Applied, 30));

    for card in ["a", "b1", "b8"] {
        let request = LookupMemberRequest { identifier: Some(email(card)), min_position: None };
        assert_eq!(operator.members().lookup_member(request).await.unwrap().into_inner().name, member);
    }
    let request = ListIdentifiersRequest { parent: member.clone(), page_size: 5, ..Default::default() };
    let page = operator.members().list_identifiers(request.clone()).await.unwrap().into_inner();
    assert_eq!(page.identifiers[0].identifier, Some(email("a")));
    let request = ListIdentifiersRequest { page_token: page.next_page_token, ..request };
    let rest = operator.members().list_identifiers(request).await.unwrap().into_inner();
    let listed = page.identifiers.iter().chain(&rest.identifiers);
    let listed: Vec<_> = listed.map(|one| one.identifier.clone().unwrap()).collect();
    assert_eq!(listed[1..], cards.map(email));

    // Each lot says which rule of which version granted it, also those that came with a link.
    let programme = "programmes/miles".to_owned();
    let lots = ListLotsRequest { member: member.clone(), programme: programme.clone(), ..Default::default() };
    let lots = operator.accounts().list_lots(lots).await.unwrap().into_inner().lots;
    let mut told: Vec<_> =
        lots.iter().map(|lot| (lot.grant.clone().unwrap().rule, lot.points_left)).collect();
    told.sort_unstable();
    let shopping = [5, 10, 20, 30, 40, 50, 60, 70].map(|points| ("shopping".to_owned(), points));
    assert_eq!(told, [[("reading".to_owned(), 10)].as_slice(), &shopping].concat());

    let query = ListActivitiesRequest { member: member.clone(), ..ListActivitiesRequest::default() };
    let activities = operator.accounts().list_activities(query).await.unwrap().into_inner().activities;
    let links: Vec<_> = activities.iter().filter(|one| one.r#type() == ActivityType::Link).collect();
    let mut points: Vec<_> = links.iter().map(|one| one.points).collect();
    points.reverse();
    assert_eq!(points, [20, 20, 30, 40, 50, 60, 70, 80]);

    // 360 of purchases, 80 of e-mails, 5 later; 70 of them taken back for the e-mail, and 80 for the return.
    let request = GetConservationReportRequest { programme, min_positions: Vec::new() };
    let rows = operator.operators().get_conservation_report(request).await.unwrap().into_inner().rows;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.issued, row.clawed_back, row.available), (445, 150, 295));
    assert_eq!((row.in_transit, row.suspense, row.difference), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_refused_to_those_who_may_not_and_where_somebody_is() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let (anna, bob) = (operator.enrol("a").await.unwrap(), operator.enrol("b").await.unwrap());
    assert_eq!(why(link(&operator, &anna, "b").await), ErrorReason::AlreadyEnrolled);
    assert_eq!(why(link(&operator, &anna, "a").await), ErrorReason::AlreadyEnrolled);
    let nobody = "members/00000000-0000-4000-8000-000000000000";
    assert_eq!(why(link(&operator, nobody, "c").await), ErrorReason::MemberNotFound);

    let id = request_id();
    let first = link_as(&operator, &anna, email("c"), id.clone()).await.unwrap();
    let again = link_as(&operator, &anna, email("c"), id.clone()).await.unwrap();
    assert_eq!((again.name, again.identifier), (first.name, first.identifier));
    assert_eq!(why(link_as(&operator, &bob, email("c"), id).await), ErrorReason::IdReused);
    assert_eq!(why(link(&operator, &bob, "c").await), ErrorReason::IdentifierLinked);
    let signed_up = operator.tell("shop", "c", "s1", sign_up(&[])).await;
    assert_eq!((signed_up.state(), signed_up.points), (EventState::Applied, 150), "it is the member's");

    // A partner's customer numbers are its own; a member links nothing.
    let shop = network.with(&operator.partner_key("shop").await).await;
    let number = |partner: &str| Identifier {
        scheme: IdentifierScheme::CustomerNumber.into(),
        scope: format!("partners/{partner}"),
        value: "1".to_owned(),
    };
    let denied = link_as(&shop, &anna, number("airline"), request_id()).await;
    assert_eq!(why(denied), ErrorReason::PermissionDenied);
    link_as(&shop, &anna, number("shop"), request_id()).await.unwrap();
    let herself = network.with(&operator.member_key(&anna).await).await;
    assert_eq!(why(link(&herself, &anna, "d").await), ErrorReason::PermissionDenied);
    let request = ListIdentifiersRequest { parent: anna.clone(), ..Default::default() };
    assert_eq!(
        herself.members().list_identifiers(request.clone()).await.unwrap().into_inner().identifiers.len(),
        3
    );
    let own = shop.members().list_identifiers(request).await.unwrap().into_inner().identifiers;
    let own: Vec<_> = own.into_iter().map(|one| one.identifier.unwrap()).collect();
    assert_eq!(own, [number("shop")], "a partner sees its own customer numbers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_has_32_links_at_most() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    for nth in 0..32 {
        link(&operator, &member, &format!("c{nth}")).await.unwrap();
    }
    assert_eq!(why(link(&operator, &member, "d").await), ErrorReason::TooManyIdentifiers);
}
