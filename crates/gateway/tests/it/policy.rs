//! Every method, called with no key, with wrong, revoked and expired ones, and with those of others.

use std::collections::BTreeSet;

use coalition_domain::Timestamp;
use coalition_gateway::auth::Secret;
use coalition_proto::partner::v1::RevokeApiKeyRequest;
use coalition_proto::redemption::v1 as redemption;
use coalition_proto::r#type::v1::ErrorReason;
use prost::Message;
use prost_types::{FileDescriptorProto, ServiceDescriptorProto};
use tonic::transport::Endpoint;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::client::{Client, purchase, reason};
use crate::network::{Network, now, request_id};
use crate::raw::call;
use crate::requests::Then::{self, Answer, Denied, NotFound, Nothing};
use crate::requests::{Case, cases};
use crate::tokens::signed;

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn check(client: &Client, (method, request, ..): &Case, who: &str, member: &str, then: Then) {
    let answer = call(client, method, request.clone()).await;
    let met = match (then, &answer) {
        (Denied, Err(status)) => reason(status) == ErrorReason::PermissionDenied,
        (NotFound, Err(status)) => status.code() == tonic::Code::NotFound,
        (Nothing, Ok(bytes)) => !contains(bytes, "shop") && !contains(bytes, member),
        (Answer, Ok(_)) => true,
        (Denied | NotFound, Ok(_)) | (Nothing | Answer, Err(_)) => false,
    };
    assert!(met, "{method} with {who} should come to {then:?}, not {answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_anything_of_anothers() {
    let network = Network::furnished().await;
    let operator = network.operator().await;
    operator.create_partner("other", "").await.unwrap();
    let (member, strangers_name) = (operator.enrol("a").await.unwrap(), operator.enrol("b").await.unwrap());
    operator.tell("shop", "a", "e1", purchase("o1", "USD", 500)).await;
    let order = redemption::CreateRedemptionRequest {
        member: member.clone(),
        reward: "programmes/miles/rewards/upgrade".to_owned(),
        quantity: 1,
        request_id: request_id(),
    };
    let redeemed = operator.redemptions().create_redemption(order).await.unwrap().into_inner();
    assert_eq!(redeemed.name, format!("{member}/redemptions/3"));
    let order = redemption::CreateHoldRequest {
        member: member.clone(),
        reward: "programmes/miles/rewards/upgrade".to_owned(),
        quantity: 1,
        ttl: None,
        request_id: request_id(),
    };
    let held = operator.redemptions().create_hold(order).await.unwrap().into_inner();
    assert_eq!(held.name, format!("{member}/holds/4"));

    let partner_key = operator.partner_key("other").await;
    let partner = network.with(&partner_key).await;
    let stranger = network.with(&operator.member_key(&strangers_name).await).await;
    let keyless = Client::new(network.address, None).await;
    let garbage = network.with("ct_garbage").await;
    let end = partner_key.rfind('_').unwrap() + 1;
    let wrong = network.with(&format!("{}{}", &partner_key[..end], "0".repeat(64))).await;
    let revoked_key = operator.partner_key("shop").await;
    let revoked = network.with(&revoked_key).await;
    let name = format!("apiKeys/{}", Secret::parse(&revoked_key).unwrap().0);
    operator.partners().revoke_api_key(RevokeApiKeyRequest { name, request_id: request_id() }).await.unwrap();
    let strangers_token = network.with(&operator.token(&strangers_name, None).await.unwrap().token).await;
    let expired = network.with(&signed(&network.operator, &member, now())).await;
    let forged = network.with(&signed(&partner_key, &member, Timestamp::MAX)).await;

    let cases = cases(&member);
    for case in &cases {
        for (client, who, why) in [
            (&keyless, "no key", ErrorReason::Unauthenticated),
            (&wrong, "a wrong secret", ErrorReason::Unauthenticated),
            (&garbage, "what is no key", ErrorReason::Unauthenticated),
            (&forged, "a token of a key that signs none", ErrorReason::Unauthenticated),
            (&revoked, "a revoked key", ErrorReason::KeyRevoked),
            (&expired, "a token whose time is over", ErrorReason::TokenExpired),
        ] {
            let status = call(client, case.0, case.1.clone()).await.unwrap_err();
            assert_eq!(status.code(), tonic::Code::Unauthenticated, "{} with {who}", case.0);
            assert_eq!(reason(&status), why, "{} with {who}", case.0);
        }
        check(&partner, case, "another partner's key", &member, case.2).await;
        check(&stranger, case, "another member's key", &member, case.3).await;
        check(&strangers_token, case, "another member's token", &member, case.3).await;
    }
    let called: BTreeSet<_> = cases.iter().map(|case| case.0.to_owned()).collect();
    assert_eq!(called, served(&network).await, "every method that is served is called here");
}

/// The methods of our services, as the gateway's own reflection tells them.
async fn served(network: &Network) -> BTreeSet<String> {
    let services = reflect(network, MessageRequest::ListServices(String::new())).await;
    let MessageResponse::ListServicesResponse(services) = services else { panic!("no list: {services:?}") };
    let ours = services.service.into_iter().map(|it| it.name).filter(|name| name.starts_with("coalition."));
    let mut methods = BTreeSet::new();
    for name in ours {
        let file = reflect(network, MessageRequest::FileContainingSymbol(name.clone())).await;
        let MessageResponse::FileDescriptorResponse(files) = file else { panic!("no file: {file:?}") };
        let files = files.file_descriptor_proto.iter();
        let files = files.map(|file| FileDescriptorProto::decode(file.as_slice()).unwrap());
        let is_it = |file: &FileDescriptorProto, service: &ServiceDescriptorProto| {
            format!("{}.{}", file.package(), service.name()) == name
        };
        for file in files {
            for service in file.service.iter().filter(|service| is_it(&file, service)) {
                methods.extend(service.method.iter().map(|method| format!("{name}/{}", method.name())));
            }
        }
    }
    methods
}

async fn reflect(network: &Network, question: MessageRequest) -> MessageResponse {
    let endpoint = Endpoint::from_shared(format!("http://{}", network.address)).unwrap();
    let mut client = ServerReflectionClient::new(endpoint.connect().await.unwrap());
    let question = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let answers = client.server_reflection_info(tokio_stream::once(question)).await.unwrap();
    answers.into_inner().message().await.unwrap().unwrap().message_response.unwrap()
}
