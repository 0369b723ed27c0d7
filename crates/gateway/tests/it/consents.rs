//! Consents that members and operators give and withdraw, and who is shown which.

use coalition_proto::account::v1::{ActivityType, ListActivitiesRequest};
use coalition_proto::member::v1::{Consent, GetConsentRequest, LookupMemberRequest, UpdateConsentRequest};
use coalition_proto::r#type::v1::{ErrorReason, EventState};
use tonic::Status;

use crate::client::{Client, consent_given, email, engaged, sign_up, why};
use crate::network::{Network, request_id};

async fn get(client: &Client, member: &str, purpose: &str) -> Result<Consent, Status> {
    let request = GetConsentRequest { name: format!("{member}/consents/{purpose}"), min_position: None };
    Ok(client.members().get_consent(request).await?.into_inner())
}

async fn update(client: &Client, member: &str, purpose: &str, given: bool) -> Result<Consent, Status> {
    update_as(client, member, purpose, given, request_id()).await
}

async fn update_as(
    client: &Client,
    member: &str,
    purpose: &str,
    given: bool,
    request_id: String,
) -> Result<Consent, Status> {
    let consent = Consent { name: format!("{member}/consents/{purpose}"), given, ..Consent::default() };
    let request = UpdateConsentRequest { consent: Some(consent), update_mask: None, request_id };
    Ok(client.members().update_consent(request).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_members_own_word_counts_at_once_and_decides_what_waits() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    let herself = network.with(&operator.member_key(&member).await).await;
    assert_eq!(operator.tell("shop", "a", "e1", engaged("survey")).await.state(), EventState::Waiting);
    let nothing = get(&herself, &member, "surveys").await.unwrap();
    assert_eq!((nothing.given, nothing.update_time), (false, None));

    let id = request_id();
    let given = update_as(&herself, &member, "surveys", true, id.clone()).await.unwrap();
    assert!(given.given && given.update_time.is_some());
    assert_eq!(
        (given.name.clone(), given.purpose.as_str()),
        (format!("{member}/consents/surveys"), "surveys")
    );
    assert_eq!(operator.balance(&member, given.position).await.unwrap().available, 20);
    let again = update_as(&herself, &member, "surveys", true, id.clone()).await.unwrap();
    assert_eq!(again.update_time, given.update_time);
    let other = update_as(&herself, &member, "surveys", false, id).await;
    assert_eq!(why(other), ErrorReason::IdReused);
    let read = get(&operator, &member, "surveys").await.unwrap();
    assert_eq!((read.given, read.update_time), (true, given.update_time));

    // An event of 1997 is no newer word.
    operator.tell("shop", "a", "e2", consent_given("letters")).await;
    let withdrawn = update(&operator, &member, "letters", false).await.unwrap();
    operator.tell("shop", "a", "e3", consent_given("letters")).await;
    assert_eq!(get(&herself, &member, "letters").await.unwrap().update_time, withdrawn.update_time);

    let request = ListActivitiesRequest { member, ..ListActivitiesRequest::default() };
    let history = herself.accounts().list_activities(request).await.unwrap().into_inner().activities;
    let consents = [ActivityType::ConsentGiven, ActivityType::ConsentWithdrawn];
    let applied = history.iter().filter(|it| it.state() == EventState::Applied);
    let kinds: Vec<_> = applied.map(|it| it.r#type()).filter(|it| consents.contains(it)).collect();
    assert_eq!(kinds, [consents[0], consents[1], consents[0], consents[0]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_is_shown_the_consents_that_it_needs_and_changes_none() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    operator.tell("shop", "a", "e1", sign_up(&["sign-in", "surveys", "share-balance", "letters"])).await;
    let shop = network.with(&operator.partner_key("shop").await).await;
    let airline = network.with(&operator.partner_key("airline").await).await;
    for (purpose, given) in [("surveys", true), ("share-balance", true), ("sign-in", false)] {
        assert_eq!(get(&airline, &member, purpose).await.unwrap().given, given, "{purpose}");
    }
    let sign_in = get(&shop, &member, "sign-in").await.unwrap();
    assert_eq!((sign_in.given, sign_in.update_time), (true, None));
    assert_eq!(why(get(&shop, &member, "letters").await), ErrorReason::PermissionDenied);
    assert_eq!(why(update(&shop, &member, "surveys", false).await), ErrorReason::PermissionDenied);
    // A look-up shows no more than that, and the operator all.
    for (client, shown) in [
        (&airline, vec!["share-balance", "surveys"]),
        (&operator, vec!["letters", "share-balance", "surveys"]),
    ] {
        let request = LookupMemberRequest { identifier: Some(email("a")), min_position: None };
        let found = client.members().lookup_member(request).await.unwrap().into_inner();
        let given = found.consents.iter().filter(|consent| consent.given && consent.purpose != "sign-in");
        assert_eq!(given.map(|consent| consent.purpose.as_str()).collect::<Vec<_>>(), shown);
    }

    // Whoever may sign in is taken back by the member, and given by the partner's own event alone.
    let token = shop.token(&member, None).await.unwrap().token;
    let herself = network.with(&token).await;
    assert_eq!(why(update(&herself, &member, "sign-in", true).await), ErrorReason::InvalidArgument);
    assert!(!update(&operator, &member, "sign-in", false).await.unwrap().given);
    assert!(!get(&shop, &member, "sign-in").await.unwrap().given);
    assert_eq!(why(update(&herself, &member, "surveys", false).await), ErrorReason::PermissionDenied);
    assert!(get(&operator, &member, "surveys").await.unwrap().given);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_of_nobody_or_by_no_name_is_refused() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let nobody = "members/00000000-0000-4000-8000-000000000000";
    assert_eq!(why(get(&operator, nobody, "surveys").await), ErrorReason::MemberNotFound);
    assert_eq!(why(update(&operator, nobody, "surveys", true).await), ErrorReason::MemberNotFound);
    let member = operator.enrol("a").await.unwrap();
    assert_eq!(why(get(&operator, &member, "Not A Slug").await), ErrorReason::InvalidArgument);
    let consent = Consent { name: format!("{member}/consents/surveys"), ..Consent::default() };
    for (consent, paths, reason) in [
        (None, ["given"], ErrorReason::FieldMissing),
        (Some(consent), ["purpose"], ErrorReason::InvalidArgument),
    ] {
        let update_mask = Some(prost_types::FieldMask { paths: paths.map(str::to_owned).into() });
        let request = UpdateConsentRequest { consent, update_mask, request_id: request_id() };
        assert_eq!(why(operator.members().update_consent(request).await), reason);
    }
}
