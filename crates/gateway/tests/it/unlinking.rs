//! Identifiers that are unlinked: two sign-ups that became one member, and are two accounts again.

use coalition_proto::member::v1::{
    CreateIdentifierRequest, DeleteIdentifierRequest, GetMemberRequest, ListIdentifiersRequest,
    LookupMemberRequest, MemberIdentifier,
};
use coalition_proto::r#type::v1::{ErrorReason, EventState, Identifier, IdentifierScheme};
use tonic::Status;
use tonic_types::StatusExt;

use crate::client::{Client, email, read, reason, sign_up, why};
use crate::network::{Network, request_id};

async fn link(client: &Client, member: &str, identifier: Identifier) -> Result<MemberIdentifier, Status> {
    let request = CreateIdentifierRequest {
        parent: member.to_owned(),
        identifier: Some(identifier),
        request_id: request_id(),
    };
    Ok(client.members().create_identifier(request).await?.into_inner())
}

async fn unlink_as(client: &Client, name: &str, request_id: String) -> Result<MemberIdentifier, Status> {
    let request = DeleteIdentifierRequest { name: name.to_owned(), request_id };
    Ok(client.members().delete_identifier(request).await?.into_inner())
}

async fn unlink(client: &Client, member: &str, number: u32) -> Result<MemberIdentifier, Status> {
    unlink_as(client, &format!("{member}/identifiers/{number}"), request_id()).await
}

async fn list(client: &Client, member: &str) -> Vec<Identifier> {
    let request = ListIdentifiersRequest { parent: member.to_owned(), ..Default::default() };
    let listed = client.members().list_identifiers(request).await.unwrap().into_inner().identifiers;
    listed.into_iter().map(|one| one.identifier.unwrap()).collect()
}

/// Signs `who` up, for 150 points; the member's name.
async fn signed_up(operator: &Client, who: &str) -> String {
    let record = operator.tell("shop", who, "s1", sign_up(&[])).await;
    assert_eq!((record.state(), record.points), (EventState::Applied, 150));
    let request = LookupMemberRequest { identifier: Some(email(who)), min_position: record.position };
    operator.members().lookup_member(request).await.unwrap().into_inner().name
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sign_ups_become_one_member_and_two_accounts_again() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let (member, other) = (signed_up(&operator, "a").await, signed_up(&operator, "b").await);
    let linked = link(&operator, &member, email("b")).await.unwrap();
    // Joining is granted once: 150 + 150 - 150.
    assert_eq!(operator.balance(&member, linked.position).await.unwrap().available, 150);
    let request = GetMemberRequest { name: other.clone(), min_position: None };
    let moved = operator.members().get_member(request).await.unwrap_err();
    assert_eq!(reason(&moved), ErrorReason::AccountLinked);
    let told = moved.get_details_error_info().unwrap().metadata;
    assert_eq!(told["member"], member);
    let record = operator.tell("shop", "b", "e1", read("m1")).await;
    assert_eq!(operator.balance(&member, record.position).await.unwrap().available, 160);

    let id = request_id();
    let first = unlink_as(&operator, &linked.name, id.clone()).await.unwrap();
    let again = unlink_as(&operator, &linked.name, id).await.unwrap();
    assert_eq!((&first.name, &first.identifier), (&linked.name, &Some(email("b"))));
    assert_eq!((again.name, again.identifier), (first.name, first.identifier));
    assert_eq!(list(&operator, &member).await, [email("a")]);
    assert_eq!(why(unlink(&operator, &member, 1).await), ErrorReason::IdentifierNotLinked);
    // What it brought stays; what comes later is its own.
    let record = operator.tell("shop", "b", "e2", read("m2")).await;
    assert_eq!((record.state(), record.points), (EventState::Applied, 10));
    assert_eq!(operator.balance(&member, first.position).await.unwrap().available, 160);

    let relinked = link(&operator, &member, email("b")).await.unwrap();
    assert_eq!(operator.balance(&member, relinked.position).await.unwrap().available, 170);
    assert_eq!(list(&operator, &member).await, [email("a"), email("b")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_is_unlinked_only_where_it_is_and_by_whose_it_is() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let (anna, bob) = (operator.enrol("a").await.unwrap(), operator.enrol("b").await.unwrap());
    let number = Identifier {
        scheme: IdentifierScheme::CustomerNumber.into(),
        scope: "partners/airline".to_owned(),
        value: "1".to_owned(),
    };
    link(&operator, &anna, number.clone()).await.unwrap();
    link(&operator, &anna, email("c")).await.unwrap();

    assert_eq!(why(unlink(&operator, &anna, 0).await), ErrorReason::IdentifierEnrolled);
    assert_eq!(why(unlink(&operator, &anna, 3).await), ErrorReason::NotFound);
    let nobody = "members/00000000-0000-4000-8000-000000000000";
    assert_eq!(why(unlink(&operator, nobody, 1).await), ErrorReason::MemberNotFound);
    let unnamed = unlink_as(&operator, &format!("{anna}/identifiers/x"), request_id()).await;
    assert_eq!(why(unnamed), ErrorReason::InvalidArgument);
    // What a partner doesn't see of a member is not there for it.
    let shop = network.with(&operator.partner_key("shop").await).await;
    assert_eq!(why(unlink(&shop, &anna, 1).await), ErrorReason::NotFound);
    assert_eq!(why(unlink(&shop, &anna, 2).await), ErrorReason::NotFound);
    let another = network.with(&operator.member_key(&bob).await).await;
    assert_eq!(why(unlink(&another, &anna, 2).await), ErrorReason::PermissionDenied);
    assert_eq!(list(&operator, &anna).await, [email("a"), number, email("c")]);

    let airline = network.with(&operator.partner_key("airline").await).await;
    unlink(&airline, &anna, 1).await.unwrap();
    let herself = network.with(&operator.member_key(&anna).await).await;
    unlink(&herself, &anna, 2).await.unwrap();
    assert_eq!(list(&operator, &anna).await, [email("a")]);
}
