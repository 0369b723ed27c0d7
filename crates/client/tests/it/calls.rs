//! Calls, lists and errors.

use coalition_client::proto::account::v1::{GetBalanceRequest, ListActivitiesRequest};
use coalition_client::proto::event::v1::PublishEventsRequest;
use coalition_client::proto::partner::v1::{CreatePartnerRequest, ListPartnersRequest};
use coalition_client::proto::redemption::v1::CreateRedemptionRequest;
use coalition_client::proto::r#type::v1::ErrorReason;
use coalition_client::{Client, Error, request_id};

use crate::network::{Network, purchase};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_calls() {
    let network = Network::start().await;
    let member = network.enrol().await;
    let shop = Client::connect(&network.settings(&network.partner_key().await)).await.unwrap();
    let events = (0..120).map(purchase).collect();
    let published = PublishEventsRequest { events, ..PublishEventsRequest::default() };
    assert_eq!(shop.call(published).await.unwrap().results.len(), 120);
    network.has_points(&member, 120).await;

    let redeem = CreateRedemptionRequest {
        member: member.clone(),
        reward: "programmes/miles/rewards/upgrade".to_owned(),
        quantity: 1,
        request_id: request_id().to_string(),
    };
    let first = shop.call(redeem.clone()).await.unwrap();
    assert_eq!((first.points, &first), (100, &shop.call(redeem.clone()).await.unwrap()), "burnt once");

    let again = CreateRedemptionRequest { request_id: String::new(), ..redeem };
    let short = shop.call(again).await.unwrap_err();
    assert!(matches!(short, Error::Refused(_)), "{short:?}");
    assert_eq!(short.reason(), Some(ErrorReason::PointsShort));
    let detail = short.detail().unwrap();
    assert_eq!(detail.metadata["points_missing"], "80");
    assert!(detail.request_id.is_some(), "it was given one");

    let query = ListActivitiesRequest { member, page_size: 50, ..ListActivitiesRequest::default() };
    let mut activities = shop.list(query.clone());
    let newest = activities.next().await.unwrap().unwrap();
    let rest = activities.all().await.unwrap();
    // Purchases, the redemption and its refusal.
    assert_eq!(rest.len() + 1, 122);
    let whole = ListActivitiesRequest { page_size: 1_000, ..query };
    let whole = shop.list(whole).all().await.unwrap();
    assert_eq!((&whole[0], &whole[1..]), (&newest, rest.as_slice()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_no() {
    let network = Network::start().await;
    let operator = network.operator().await;
    let shop = Client::connect(&network.settings(&network.partner_key().await)).await.unwrap();
    let stranger = Client::connect(&network.settings("ck_0123456789abcdef_wrong")).await.unwrap();

    let list = ListPartnersRequest::default();
    let denied = stranger.call(list.clone()).await.unwrap_err();
    assert!(matches!(denied, Error::Denied(_)) && denied.reason() == Some(ErrorReason::Unauthenticated));
    let denied = shop.call(list.clone()).await.unwrap_err();
    assert!(matches!(denied, Error::Denied(_)) && denied.reason() == Some(ErrorReason::PermissionDenied));

    let member = "members/718a7b8a-3ce7-5ce3-a2b4-a6ff562afd4b".to_owned();
    let balance =
        GetBalanceRequest { member, programme: "programmes/miles".to_owned(), ..Default::default() };
    let missing = operator.call(balance).await.unwrap_err();
    assert!(matches!(missing, Error::NotFound(_)) && missing.reason() == Some(ErrorReason::MemberNotFound));

    let invalid = operator.call(CreatePartnerRequest::default()).await.unwrap_err();
    assert!(matches!(invalid, Error::Invalid(_)), "{invalid:?}");
    assert_eq!(invalid.detail().unwrap().fields[0].field, "partner_id");

    let again = CreatePartnerRequest {
        partner_id: "shop".to_owned(),
        display_name: "Again".to_owned(),
        ..CreatePartnerRequest::default()
    };
    let refused = operator.call(again).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(_)) && refused.reason() == Some(ErrorReason::AlreadyExists));
}
