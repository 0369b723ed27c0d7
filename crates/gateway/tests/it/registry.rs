//! Partners, contracts and keys.

use coalition_proto::partner::v1::create_api_key_request::Holder;
use coalition_proto::partner::v1::{
    CreateApiKeyRequest, CreatePartnerContractRequest, CreatePartnerRequest, GetPartnerRequest,
    ListPartnerContractsRequest, ListPartnersRequest, OperatorHolder, RevokeApiKeyRequest,
};
use coalition_proto::r#type::v1::{ErrorReason, UnitPrice};
use uuid::Uuid;

use crate::client::{Client, reason, why};
use crate::network::{Network, now, request_id};

#[tokio::test(flavor = "multi_thread")]
async fn partners_are_registered_and_listed_by_name() {
    let network = Network::start().await;
    let operator = network.operator().await;
    for id in ["c", "a", "b"] {
        let created = operator.create_partner(id, "").await.unwrap();
        assert_eq!((created.name, created.display_name), (format!("partners/{id}"), id.to_uppercase()));
        assert_eq!(created.position.unwrap().shard, 0);
    }
    let list = |page_size, page_token: String| {
        let mut partners = operator.partners();
        let request = ListPartnersRequest { page_size, page_token, min_position: None };
        async move { partners.list_partners(request).await.map(tonic::Response::into_inner) }
    };
    let first = list(2, String::new()).await.unwrap();
    let second = list(2, first.next_page_token.clone()).await.unwrap();
    let names: Vec<_> = first.partners.iter().chain(&second.partners).map(|it| it.name.as_str()).collect();
    assert_eq!(
        (names, second.next_page_token.as_str()),
        (vec!["partners/a", "partners/b", "partners/c"], "")
    );
    assert_eq!(why(list(2, "AAAA".to_owned()).await), ErrorReason::InvalidPageToken);
    assert_eq!(why(list(-1, String::new()).await), ErrorReason::InvalidArgument);
    assert_eq!(why(operator.create_partner("a", "").await), ErrorReason::AlreadyExists);
    assert_eq!(why(operator.create_partner("A", "").await), ErrorReason::InvalidArgument);
    assert_eq!(why(operator.create_partner(&"x".repeat(32), "").await), ErrorReason::FieldTooLong);
    assert_eq!(why(operator.create_partner("", "").await), ErrorReason::FieldMissing);
    let get = GetPartnerRequest { name: "partners/x".to_owned(), min_position: None };
    assert_eq!(why(operator.partners().get_partner(get).await), ErrorReason::UnknownPartner);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_is_called_is_judged_at_the_gateway() {
    let network = Network::start().await;
    let operator = network.operator().await;
    let named = async |name: &str| {
        let request = CreatePartnerRequest {
            partner_id: "shop".to_owned(),
            display_name: name.to_owned(),
            default_programme: String::new(),
            request_id: request_id(),
        };
        operator.partners().create_partner(request).await.map(tonic::Response::into_inner)
    };
    let long = "é".repeat(101);
    for (name, expected) in [
        ("", ErrorReason::FieldMissing),
        ("  ", ErrorReason::InvalidArgument),
        ("a\u{7}", ErrorReason::InvalidArgument),
        ("shop\u{202e}pohs", ErrorReason::InvalidArgument),
        (long.as_str(), ErrorReason::FieldTooLong),
        (&"x".repeat(3_000_000), ErrorReason::FieldTooLong),
    ] {
        let status = named(name).await.unwrap_err();
        assert_eq!(reason(&status), expected, "{status}");
        assert!(status.message().starts_with("display_name "), "{status}");
    }
    assert_eq!(named(&long[2..]).await.unwrap().display_name, "é".repeat(100));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_stands_for_one_request() {
    let network = Network::start().await;
    let create = async |client: &Client, id: &str, request_id: &str| {
        let request = CreatePartnerRequest {
            partner_id: id.to_owned(),
            display_name: "X".to_owned(),
            default_programme: String::new(),
            request_id: request_id.to_owned(),
        };
        client.partners().create_partner(request).await.map(tonic::Response::into_inner)
    };
    let (operator, request) = (network.operator().await, request_id());
    let first = create(&operator, "a", &request).await.unwrap();
    assert_eq!(create(&operator, "a", &request).await.unwrap(), first);
    assert_eq!(why(create(&operator, "b", &request).await), ErrorReason::IdReused);
    let at = |millis: i64| {
        let millis = u64::try_from(now().as_millis() + millis).unwrap();
        let time = uuid::Timestamp::from_unix_time(millis / 1_000, 0, 0, 0);
        Uuid::new_v7(time).to_string()
    };
    assert_eq!(why(create(&operator, "b", &at(600_000)).await), ErrorReason::RequestInFuture);
    assert_eq!(why(create(&operator, "b", &at(-90_000_000)).await), ErrorReason::RequestTooOld);
    assert_eq!(why(create(&operator, "b", &Uuid::new_v4().to_string()).await), ErrorReason::InvalidArgument);
    assert_eq!(why(create(&operator, "b", "").await), ErrorReason::FieldMissing);
}

#[tokio::test(flavor = "multi_thread")]
async fn contracts_are_dated_and_numbered() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let agree = async |partner: &str, seconds: i64, price: Option<UnitPrice>| {
        let request = CreatePartnerContractRequest {
            partner: format!("partners/{partner}"),
            programme: "programmes/miles".to_owned(),
            accrual_unit_price: price,
            redemption_unit_price: None,
            start_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            request_id: request_id(),
        };
        operator.partners().create_partner_contract(request).await.map(tonic::Response::into_inner)
    };
    let price = |currency: &str, micros| Some(UnitPrice { currency_code: currency.to_owned(), micros });
    let later = now().as_millis() / 1_000 + 3_600;
    let second = agree("shop", later, price("USD", 8_000)).await.unwrap();
    assert_eq!(second.name, "partners/shop/contracts/miles.2");
    let request = ListPartnerContractsRequest { partner: "partners/shop".to_owned(), ..Default::default() };
    let listed = operator.partners().list_partner_contracts(request).await.unwrap().into_inner().contracts;
    let shown: Vec<_> = listed
        .iter()
        .map(|it| (it.name.as_str(), it.accrual_unit_price.as_ref().map(|price| price.micros)))
        .collect();
    let expected =
        [("partners/shop/contracts/miles.1", Some(9_000)), ("partners/shop/contracts/miles.2", Some(8_000))];
    assert_eq!(shown, expected);
    assert_eq!(why(agree("shop", later, price("USD", 1)).await), ErrorReason::EffectiveTooEarly);
    assert_eq!(why(agree("nobody", later, price("USD", 1)).await), ErrorReason::UnknownPartner);
    assert_eq!(why(agree("shop", later, price("usd", 1)).await), ErrorReason::CurrencyUnknown);
    assert_eq!(why(agree("shop", later, price("USD", -1)).await), ErrorReason::AmountNegative);
    assert_eq!(why(agree("shop", later, None).await), ErrorReason::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_until_it_is_revoked_and_shows_its_secret_once() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let request = CreateApiKeyRequest {
        holder: Some(Holder::Partner("partners/shop".to_owned())),
        request_id: request_id(),
    };
    let key = operator.partners().create_api_key(request.clone()).await.unwrap().into_inner();
    assert!(key.secret.starts_with("ck_") && key.secret.len() == 84, "a key of {} bytes", key.secret.len());
    let repeat = operator.partners().create_api_key(request).await.unwrap().into_inner();
    assert_eq!((repeat.name.as_str(), repeat.secret.as_str()), (key.name.as_str(), ""));

    let shop = network.with(&key.secret).await;
    let get = || GetPartnerRequest { name: "partners/shop".to_owned(), min_position: None };
    shop.partners().get_partner(get()).await.unwrap();
    let revoke = |name: &str| RevokeApiKeyRequest { name: name.to_owned(), request_id: request_id() };
    let revoked = operator.partners().revoke_api_key(revoke(&key.name)).await.unwrap().into_inner();
    assert!(revoked.revoke_time.is_some() && revoked.secret.is_empty());
    assert_eq!(why(shop.partners().get_partner(get()).await), ErrorReason::KeyRevoked);
    let again = operator.partners().revoke_api_key(revoke(&key.name)).await.unwrap().into_inner();
    assert_eq!(again.revoke_time, revoked.revoke_time);
    let unknown = operator.partners().revoke_api_key(revoke("apiKeys/0000")).await;
    assert_eq!(why(unknown), ErrorReason::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_a_holder_who_is_there() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let create = async |holder: Holder| operator.create_key(holder).await;
    assert!(create(Holder::Operator(OperatorHolder {})).await.is_ok());
    let nobody = format!("members/{}", Uuid::from_u128(7));
    assert_eq!(why(create(Holder::Member(nobody)).await), ErrorReason::MemberNotFound);
    assert_eq!(why(create(Holder::Partner("partners/x".to_owned())).await), ErrorReason::UnknownPartner);
    let none = CreateApiKeyRequest { holder: None, request_id: request_id() };
    assert_eq!(why(operator.partners().create_api_key(none).await), ErrorReason::FieldMissing);
}
