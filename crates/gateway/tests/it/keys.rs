//! Keys that are listed.

use coalition_proto::partner::v1::{ApiKey, ListApiKeysRequest, RevokeApiKeyRequest, api_key::Holder};
use coalition_proto::r#type::v1::ErrorReason;
use tonic::Status;

use crate::client::{Client, why};
use crate::network::{Network, request_id};

async fn list(client: &Client, partner: &str, page_size: i32) -> Result<Vec<ApiKey>, Status> {
    let mut request =
        ListApiKeysRequest { partner: partner.to_owned(), page_size, ..ListApiKeysRequest::default() };
    let mut keys = Vec::new();
    loop {
        let page = client.partners().list_api_keys(request.clone()).await?.into_inner();
        keys.extend(page.api_keys);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(keys);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_by_partner_and_without_their_secrets() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    let secrets = [operator.partner_key("shop").await, operator.partner_key("shop").await];
    operator.partner_key("airline").await;
    let shop = network.with(&secrets[0]).await;

    // The operator's own was made with the network.
    let all = list(&operator, "", 1).await.unwrap();
    assert_eq!(all.len(), 4);
    assert!(all.is_sorted_by_key(|key| key.name.clone()) && all.iter().all(|key| key.secret.is_empty()));
    let own = list(&shop, "", 0).await.unwrap();
    assert_eq!(own, list(&shop, "partners/shop", 1).await.unwrap());
    let holders: Vec<_> = own.iter().map(|key| key.holder.clone().unwrap()).collect();
    assert_eq!(holders, vec![Holder::Partner("partners/shop".to_owned()); 2]);
    assert_eq!(list(&operator, "partners/shop", 0).await.unwrap(), own);

    let revoke = RevokeApiKeyRequest { name: own[1].name.clone(), request_id: request_id() };
    let revoked = operator.partners().revoke_api_key(revoke).await.unwrap().into_inner();
    let listed = list(&operator, "partners/shop", 0).await.unwrap();
    assert_eq!((listed[0].revoke_time, listed[1].revoke_time), (None, revoked.revoke_time));
    assert!(revoked.revoke_time.is_some());

    assert_eq!(why(list(&operator, "partners/nobody", 0).await), ErrorReason::UnknownPartner);
    assert_eq!(why(list(&operator, "shop", 0).await), ErrorReason::InvalidArgument);
}
