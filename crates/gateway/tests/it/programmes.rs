//! Programmes, versions and the catalogue.

use coalition_proto::catalogue::v1::{GetRewardRequest, ListRewardsRequest, Reward};
use coalition_proto::event::v1::ConsentGiven;
use coalition_proto::event::v1::partner_event::Body;
use coalition_proto::programme::v1::{
    GetProgrammeRequest, GetProgrammeVersionRequest, ListProgrammeVersionsRequest, ListProgrammesRequest,
    ProgrammeVersionState, ValidateProgrammeRequest,
};
use coalition_proto::r#type::v1::ErrorReason;
use tonic_types::StatusExt;

use crate::client::{purchase, reason, why};
use crate::network::{DOCUMENT, Network, now};

const FAULTY: &str = "[programme]\nid = \"miles\"\nname = \"Miles\"\neffective_from = 1996-01-01T00:00:00Z\nx = 1\n\n\
    [[reward]]\nid = \"r\"\nname = \"R\"\nredeemer = \"shop\"\npoints = 0\n";

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_an_answer_to_who_asks_and_an_error_to_who_publishes() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let validate = async |document: &str| {
        let request = ValidateProgrammeRequest { document: document.to_owned() };
        operator.programmes().validate_programme(request).await.map(|it| it.into_inner().faults)
    };
    assert_eq!(validate(DOCUMENT).await.unwrap(), []);
    let faults = validate(FAULTY).await.unwrap();
    let places: Vec<_> = faults.iter().map(|fault| (fault.line, fault.path.as_str())).collect();
    assert_eq!(places, [(5, "programme"), (11, "reward.r.points")]);
    assert_eq!(why(validate(&"#".repeat(128 * 1024 + 1)).await), ErrorReason::FieldTooLong);

    let status = operator.publish(FAULTY).await.unwrap_err();
    assert_eq!(
        (reason(&status), status.code()),
        (ErrorReason::ProgrammeInvalid, tonic::Code::InvalidArgument)
    );
    let details = status.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    assert!(violations[0].description.starts_with("5:"), "{violations:?}");
    assert_eq!(violations.len(), 2);
    assert_eq!(why(operator.publish("").await), ErrorReason::FieldMissing);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_numbered_and_listed_newest_first() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    assert_eq!(why(operator.publish(DOCUMENT).await), ErrorReason::EffectiveTooEarly);
    let later = coalition_domain::Timestamp::from_millis((now().as_millis() / 1_000 + 3_600) * 1_000);
    let second = DOCUMENT.replace("1996-01-01T00:00:00Z", &later.to_string()).replace("Miles", "New Miles");
    let published = operator.publish(&second).await.unwrap();
    assert_eq!(
        (published.name.as_str(), published.state()),
        ("programmes/miles/versions/2", ProgrammeVersionState::InForce)
    );
    assert_eq!(published.document, second);

    let get = GetProgrammeRequest { name: "programmes/miles".to_owned(), min_position: published.position };
    let programme = operator.programmes().get_programme(get).await.unwrap().into_inner();
    assert_eq!((programme.display_name.as_str(), programme.version_in_force), ("Miles", 1));
    let request =
        ListProgrammeVersionsRequest { programme: "programmes/miles".to_owned(), ..Default::default() };
    let listed = operator.programmes().list_programme_versions(request).await.unwrap().into_inner().versions;
    let shown: Vec<_> = listed.iter().map(|it| (it.name.as_str(), it.document.as_str())).collect();
    assert_eq!(shown, [("programmes/miles/versions/2", ""), ("programmes/miles/versions/1", "")]);
    assert_eq!(listed[0].document_hash, published.document_hash);
    let get = async |name: &str| {
        let request = GetProgrammeVersionRequest { name: name.to_owned(), min_position: None };
        operator.programmes().get_programme_version(request).await.map(tonic::Response::into_inner)
    };
    assert_eq!(get("programmes/miles/versions/1").await.unwrap().document, DOCUMENT);
    assert_eq!(why(get("programmes/miles/versions/3").await), ErrorReason::NotFound);
    assert_eq!(why(get("programmes/x/versions/1").await), ErrorReason::UnknownProgramme);
    let listed = operator.programmes().list_programmes(ListProgrammesRequest::default()).await.unwrap();
    assert_eq!(listed.into_inner().programmes.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_comes_cheapest_first_and_says_what_a_member_lacks() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    let record = operator.tell("shop", "a", "e1", purchase("o1", "USD", 120)).await;
    let list = ListRewardsRequest {
        programme: "programmes/miles".to_owned(),
        member: member.clone(),
        min_position: record.position,
        ..ListRewardsRequest::default()
    };
    let airline = network.with(&operator.partner_key("airline").await).await;
    let rewards = airline.catalogue().list_rewards(list.clone()).await.unwrap().into_inner().rewards;
    let shown = |rewards: Vec<Reward>| -> Vec<_> {
        let id = |it: &Reward| it.name.rsplit('/').next().unwrap().to_owned();
        rewards.iter().map(|it| (id(it), it.points, it.affordable, it.points_missing)).collect()
    };
    let mug = |affordable, missing| ("mug".to_owned(), 100, affordable, missing);
    let upgrade = ("upgrade".to_owned(), 100, Some(true), Some(0));
    let paris = ("paris".to_owned(), 2_500, Some(false), Some(2_380));
    // The shop delivers the mug: what the member has is not the airline's to compare with it.
    assert_eq!(shown(rewards), [mug(None, None), upgrade.clone(), paris.clone()]);
    let get_mug = || GetRewardRequest {
        name: "programmes/miles/rewards/mug".to_owned(),
        member: member.clone(),
        ..GetRewardRequest::default()
    };
    assert_eq!(airline.catalogue().get_reward(get_mug()).await.unwrap().into_inner().affordable, None);
    let own = network.with(&operator.member_key(&member).await).await;
    assert_eq!(own.catalogue().get_reward(get_mug()).await.unwrap().into_inner().affordable, Some(true));
    let consent = ConsentGiven { purpose: "share-balance".to_owned() };
    let given = operator.tell("shop", "a", "e2", Body::ConsentGiven(consent)).await;
    let list = ListRewardsRequest { min_position: given.position, ..list };
    let rewards = airline.catalogue().list_rewards(list.clone()).await.unwrap().into_inner().rewards;
    assert_eq!(shown(rewards), [mug(Some(true), Some(0)), upgrade, paris]);
    let nobody = ListRewardsRequest { member: String::new(), page_size: 1, ..list };
    let page = airline.catalogue().list_rewards(nobody.clone()).await.unwrap().into_inner();
    assert_eq!((page.rewards[0].affordable, page.rewards.len()), (None, 1));
    let next = ListRewardsRequest { page_token: page.next_page_token, page_size: 5, ..nobody };
    assert_eq!(airline.catalogue().list_rewards(next).await.unwrap().into_inner().rewards.len(), 2);

    let get = async |name: &str| {
        let request = GetRewardRequest { name: name.to_owned(), ..GetRewardRequest::default() };
        operator.catalogue().get_reward(request).await.map(tonic::Response::into_inner)
    };
    let paris = get("programmes/miles/rewards/paris").await.unwrap();
    assert_eq!(
        (paris.display_name.as_str(), paris.redeemer.as_str()),
        ("Flight to Paris", "partners/airline")
    );
    assert_eq!(why(get("programmes/miles/rewards/x").await), ErrorReason::UnknownReward);
    assert_eq!(why(get("programmes/x/rewards/x").await), ErrorReason::UnknownProgramme);
}
