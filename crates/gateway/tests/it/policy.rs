//! Every method, called with no key, a wrong one, and those of others.

use std::collections::BTreeSet;

use coalition_proto::FILE_DESCRIPTOR_SET;
use coalition_proto::redemption::v1 as redemption;
use coalition_proto::r#type::v1::ErrorReason;
use prost::Message;
use prost_types::FileDescriptorSet;

use crate::client::{Client, purchase, reason};
use crate::network::{Network, request_id};
use crate::raw::call;
use crate::requests::Then::{self, Answer, Denied, NotFound, Nothing};
use crate::requests::{Case, cases};

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn check(client: &Client, (method, request, ..): &Case, who: &str, member: &str, then: Then) {
    let answer = call(client, method, request.clone()).await;
    let met = match (then, &answer) {
        (Denied, Err(status)) => reason(status) == ErrorReason::PermissionDenied,
        (NotFound, Err(status)) => reason(status) == ErrorReason::NotFound,
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
    let (member, stranger) = (operator.enrol("a").await.unwrap(), operator.enrol("b").await.unwrap());
    operator.tell("shop", "a", "e1", purchase("o1", "USD", 500)).await;
    let order = redemption::CreateRedemptionRequest {
        member: member.clone(),
        reward: "programmes/miles/rewards/upgrade".to_owned(),
        quantity: 1,
        request_id: request_id(),
    };
    let redeemed = operator.redemptions().create_redemption(order).await.unwrap().into_inner();
    assert_eq!(redeemed.name, format!("{member}/redemptions/3"));

    let partner_key = operator.partner_key("other").await;
    let partner = network.with(&partner_key).await;
    let stranger = network.with(&operator.member_key(&stranger).await).await;
    let keyless = Client::new(network.address, None).await;
    let end = partner_key.rfind('_').unwrap() + 1;
    let wrong = network.with(&format!("{}{}", &partner_key[..end], "0".repeat(64))).await;
    let cases = cases(&member);
    for case in &cases {
        for client in [&keyless, &wrong] {
            let status = call(client, case.0, case.1.clone()).await.unwrap_err();
            assert_eq!(status.code(), tonic::Code::Unauthenticated, "{}", case.0);
            assert_eq!(reason(&status), ErrorReason::Unauthenticated, "{}", case.0);
        }
        check(&partner, case, "another partner's key", &member, case.2).await;
        check(&stranger, case, "another member's key", &member, case.3).await;
    }
    let called: BTreeSet<_> = cases.iter().map(|case| case.0.to_owned()).collect();
    assert_eq!(called, served(), "every method that is served is called here");
}

/// The methods of the descriptors that reflection hands out.
fn served() -> BTreeSet<String> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let services = set.file.iter().flat_map(|file| file.service.iter().map(move |service| (file, service)));
    let methods = services.flat_map(|(file, service)| {
        let name = format!("{}.{}", file.package(), service.name());
        service.method.iter().map(move |method| format!("{name}/{}", method.name()))
    });
    methods.collect()
}
