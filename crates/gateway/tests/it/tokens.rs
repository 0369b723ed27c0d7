//! Tokens of members: who signs them, what they open, and for how long.

use coalition_domain::{AccountId, Span, Timestamp};
use coalition_gateway::auth::{MemberToken, Secret};
use coalition_proto::event::v1::ConsentWithdrawn;
use coalition_proto::event::v1::partner_event::Body;
use coalition_proto::partner::v1::RevokeApiKeyRequest;
use coalition_proto::redemption::v1::CreateRedemptionRequest;
use coalition_proto::r#type::v1::ErrorReason;
use tonic_types::StatusExt;

use crate::client::{consent_given, purchase, why};
use crate::network::{Network, now, request_id};

/// A token of `member` as the holder of `key` signs it, good until this instant.
pub(crate) fn signed(key: &str, member: &str, expires_at: Timestamp) -> String {
    let (id, secret) = Secret::parse(key).unwrap();
    let member = AccountId(member.strip_prefix("members/").unwrap().parse().unwrap());
    MemberToken { key: id, member, expires_at }.sign(&secret)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_signs_members_in_who_consented_through_it() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    let key = operator.partner_key("shop").await;
    let (shop, airline) =
        (network.with(&key).await, network.with(&operator.partner_key("airline").await).await);

    let denied = shop.token(&member, None).await.unwrap_err();
    assert_eq!(denied.get_error_details().error_info().unwrap().metadata["purpose"], "sign-in");
    operator.tell("airline", "a", "c1", consent_given("share-balance")).await;
    operator.tell("shop", "a", "c1", consent_given("sign-in")).await;
    assert_eq!(why(airline.token(&member, None).await), ErrorReason::PermissionDenied);

    let before = now();
    let token = shop.token(&member, None).await.unwrap();
    let good = Span::from_millis(token.expire_time.unwrap().seconds * 1_000 - before.as_millis());
    assert!((Span::from_secs(899)..=Span::from_secs(930)).contains(&good), "{good:?}");
    let signed_in = network.with(&token.token).await;
    assert_eq!(signed_in.balance(&member, None).await.unwrap().available, 0);
    // What a token opens is what a member's key opens: no other member's things, and no further tokens.
    let other = operator.enrol("b").await.unwrap();
    assert_eq!(why(signed_in.balance(&other, None).await), ErrorReason::PermissionDenied);
    assert_eq!(why(signed_in.token(&member, None).await), ErrorReason::PermissionDenied);

    let withdrawn = Body::ConsentWithdrawn(ConsentWithdrawn { purpose: "sign-in".to_owned() });
    operator.tell("airline", "a", "c2", withdrawn).await;
    assert_eq!(why(signed_in.balance(&member, None).await), ErrorReason::PermissionDenied);
    assert_eq!(why(shop.token(&member, None).await), ErrorReason::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_redeems_with_a_token_until_its_signers_key_is_revoked() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    operator.tell("shop", "a", "e1", purchase("o1", "USD", 1_000)).await;
    operator.tell("shop", "a", "c1", consent_given("sign-in")).await;
    let key = operator.partner_key("shop").await;
    let token = network.with(&key).await.token(&member, Some(60)).await.unwrap();
    let signed_in = network.with(&token.token).await;
    let order = || CreateRedemptionRequest {
        member: member.clone(),
        reward: "programmes/miles/rewards/upgrade".to_owned(),
        quantity: 1,
        request_id: request_id(),
    };
    signed_in.redemptions().create_redemption(order()).await.unwrap();

    let name = format!("apiKeys/{}", Secret::parse(&key).unwrap().0);
    let revoke = RevokeApiKeyRequest { name, request_id: request_id() };
    operator.partners().revoke_api_key(revoke).await.unwrap();
    assert_eq!(why(signed_in.redemptions().create_redemption(order()).await), ErrorReason::KeyRevoked);
    assert_eq!(why(signed_in.balance(&member, None).await), ErrorReason::KeyRevoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_signs_anybody_in_for_a_bounded_time() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let member = operator.enrol("a").await.unwrap();
    for seconds in [60, 86_400] {
        let token = operator.token(&member, Some(seconds)).await.unwrap();
        network.with(&token.token).await.balance(&member, None).await.unwrap();
    }
    for seconds in [-1, 0, 59, 86_401, i64::MAX] {
        assert_eq!(why(operator.token(&member, Some(seconds)).await), ErrorReason::InvalidArgument);
    }
    let nobody = format!("members/{}", uuid::Uuid::nil());
    assert_eq!(why(operator.token(&nobody, None).await), ErrorReason::MemberNotFound);

    let over = network.with(&signed(&network.operator, &member, now())).await;
    assert_eq!(why(over.balance(&member, None).await), ErrorReason::TokenExpired);
}
