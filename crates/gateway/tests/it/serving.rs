//! Health, reflection, bounds and the end.

use std::time::Duration;

use coalition_gateway::{Error, Settings, serve};
use coalition_proto::partner::v1::ListPartnersRequest;
use coalition_proto::r#type::v1::ErrorReason;
use prost::Message;
use prost_types::FileDescriptorProto;
use tokio::net::TcpListener;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::client::{Client, reason};
use crate::faulty::{Fault, port};
use crate::network::{Network, until};

async fn health(client: &Client, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.to_owned() };
    HealthClient::new(client.channel()).check(request).await.unwrap().into_inner().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_reflection_need_no_key() {
    let mut network = Network::start().await;
    let keyless = Client::new(network.address, None).await;
    for service in ["", "coalition.account.v1.AccountService"] {
        until("health", async || health(&keyless, service).await == ServingStatus::Serving).await;
    }
    let message_request = Some(MessageRequest::ListServices(String::new()));
    let request = ServerReflectionRequest { host: String::new(), message_request };
    let asked = Request::new(tonic::codegen::tokio_stream::once(request));
    let mut said = ServerReflectionClient::new(keyless.channel())
        .server_reflection_info(asked)
        .await
        .unwrap()
        .into_inner();
    let answer = said.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(services) = answer else { panic!("{answer:?}") };
    let names: Vec<_> = services.service.iter().map(|service| service.name.as_str()).collect();
    for name in ["coalition.settlement.v1.SettlementService", "grpc.health.v1.Health"] {
        assert!(names.contains(&name), "{names:?}");
    }
    drop(said);

    network.stop_shards();
    until("ill health", async || health(&keyless, "").await == ServingStatus::NotServing).await;
    // One shard that has stopped is enough for that; partners are asked of the first.
    let operator = network.operator().await;
    let mut listed = Ok(());
    until("refused", async || {
        listed = operator.partners().list_partners(ListPartnersRequest::default()).await.map(drop);
        listed.is_err()
    })
    .await;
    let status = listed.unwrap_err();
    assert_eq!((reason(&status), status.code()), (ErrorReason::NotOwner, Code::Unavailable));
}

/// Clients such as grpcurl look up the type of each detail of an error, and show bytes if they don't find it.
#[tokio::test(flavor = "multi_thread")]
async fn reflection_tells_what_the_details_of_errors_are() {
    let network = Network::start().await;
    let keyless = Client::new(network.address, None).await;
    macro_rules! file {
        ($version:ident, $kind:ident, $name:expr) => {{
            use tonic_reflection::pb::$version::{
                ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
                server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
            };
            let message_request = Some(MessageRequest::$kind($name.to_owned()));
            let request = ServerReflectionRequest { host: String::new(), message_request };
            let asked = Request::new(tonic::codegen::tokio_stream::once(request));
            let said = ServerReflectionClient::new(keyless.channel()).server_reflection_info(asked).await;
            let answer = said.unwrap().into_inner().message().await.unwrap().unwrap();
            let Some(MessageResponse::FileDescriptorResponse(files)) = answer.message_response else {
                panic!("{}: {answer:?}", $name)
            };
            FileDescriptorProto::decode(&files.file_descriptor_proto[0][..]).unwrap()
        }};
    }
    for message in ["ErrorInfo", "BadRequest", "RetryInfo", "Status"] {
        let symbol = format!("google.rpc.{message}");
        let files = [file!(v1, FileContainingSymbol, symbol), file!(v1alpha, FileContainingSymbol, symbol)];
        for file in files {
            assert!(file.message_type.iter().any(|it| it.name() == message), "{symbol}: {file:?}");
            for needed in &file.dependency {
                assert_eq!(file!(v1, FileByFilename, needed).name(), needed);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_at_the_end_is_finished() {
    let mut network = Network::furnished().await;
    let operator = network.operator().await;
    network.log.fail("coalition.journal.", Fault::Hold);
    let before = network.ledger.registry().unwrap().partners().count();
    let creating = tokio::spawn({
        let operator = operator.clone();
        async move { operator.create_partner("late", "").await }
    });
    until("the append", async || network.log.held() > 0).await;
    let log = network.log.clone();
    let (ended, created) = tokio::join!(network.shut_down(), async {
        log.heal();
        creating.await.unwrap()
    });
    ended.unwrap();
    assert_eq!(created.unwrap().name, "partners/late");
    assert_eq!(network.ledger.registry().unwrap().partners().count(), before + 1);
    assert!(tokio::net::TcpStream::connect(network.address).await.is_err(), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_at_the_end_is_cut_off() {
    let settings = Settings { drain_max: Duration::from_millis(50), ..Settings::default() };
    let mut network = Network::start_with(settings).await;
    let operator = network.operator().await;
    network.log.fail("coalition.journal.", Fault::Hold);
    let creating = tokio::spawn(async move { operator.create_partner("late", "").await });
    until("the append", async || network.log.held() > 0).await;
    network.shut_down().await.unwrap();
    network.log.heal();
    creating.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_stays_on_this_machine_unless_it_is_allowed() {
    let network = Network::start().await;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused =
        serve(listener, network.ledger.clone(), port(&network.log), Settings::default(), async {}).await;
    assert!(matches!(refused, Err(Error::PlaintextBeyondLoopback(_))), "{refused:?}");
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let allowed = Settings { plaintext_beyond_loopback: true, ..Settings::default() };
    serve(listener, network.ledger.clone(), port(&network.log), allowed, async {}).await.unwrap();
}
