//! Putting the services up, and taking them down.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use coalition_journal::log::Log;
use coalition_ledger::runtime::Ledger;
use coalition_proto::FILE_DESCRIPTOR_SET;
use coalition_proto::account::v1::account_service_server::AccountServiceServer;
use coalition_proto::auth::v1::token_service_server::TokenServiceServer;
use coalition_proto::catalogue::v1::catalogue_service_server::CatalogueServiceServer;
use coalition_proto::event::v1::partner_event_service_server::PartnerEventServiceServer;
use coalition_proto::member::v1::member_service_server::MemberServiceServer;
use coalition_proto::operator::v1::operator_service_server::OperatorServiceServer;
use coalition_proto::partner::v1::partner_service_server::PartnerServiceServer;
use coalition_proto::programme::v1::programme_service_server::ProgrammeServiceServer;
use coalition_proto::redemption::v1::redemption_service_server::RedemptionServiceServer;
use coalition_proto::settlement::v1::settlement_service_server::SettlementServiceServer;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_stream::wrappers::ReceiverStream;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_web::GrpcWebLayer;
use tower::util::option_layer;

use crate::door::Door;
use crate::guard::Guard;
use crate::health;
use crate::service::Gateway;
use crate::settings::Settings;
use crate::web;

/// Why the gateway could not serve, or went on no longer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Keys would cross a network in plain text.
    #[error(
        "refuse to serve {0} in plain text: give it a certificate, listen on a loopback address, or allow it in the settings"
    )]
    PlaintextBeyondLoopback(SocketAddr),
    /// The listener has no address.
    #[error("ask the listener for its address")]
    Listener(#[source] std::io::Error),
    /// The descriptors of the API can't be read.
    #[error("prepare reflection")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// A fault of ours ended the taking of connections.
    #[error("take connections")]
    Door(#[source] tokio::task::JoinError),
    /// The transport failed.
    #[error("serve")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves until `shutdown` comes true: then says that it serves no longer, takes no further connections, and lets what
/// is under way finish, for a bounded time.
///
/// # Errors
/// See [`Error`].
pub async fn serve(
    listener: TcpListener,
    ledger: Ledger,
    log: Arc<dyn Log>,
    settings: Settings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let address = listener.local_addr().map_err(Error::Listener)?;
    if settings.tls.is_none() && !address.ip().is_loopback() && !settings.plaintext_beyond_loopback {
        return Err(Error::PlaintextBeyondLoopback(address));
    }
    let (drain_max, unowned_max) = (settings.drain_max, settings.unowned_max);
    let server = Server::builder()
        .accept_http1(true)
        .max_concurrent_streams(settings.streams_max)
        .http2_keepalive_interval(Some(settings.keepalive_interval))
        .http2_keepalive_timeout(Some(settings.keepalive_timeout))
        .layer(option_layer(web::cors(&settings.web_origins)))
        .layer(GrpcWebLayer::new());
    let (door, connections) = Door::new(listener, &settings);
    let gateway = Gateway::new(ledger.clone(), log, settings);
    let (routes, names) = routes(&gateway);
    let names: Arc<[&'static str]> = names.into();
    let (reporter, health_service) = tonic_health::server::health_reporter();
    health::set(&reporter, &names, ServingStatus::NotServing).await;
    let following = tokio::spawn(health::follow(ledger, unowned_max, reporter.clone(), Arc::clone(&names)));

    let (told, end) = oneshot::channel();
    let signal = async move {
        shutdown.await;
        following.abort();
        health::set(&reporter, &names, ServingStatus::NotServing).await;
        told.send(()).ok(); // nobody waits for it once the server has ended by itself
    };
    let serving = { server }
        .add_routes(routes.add_service(health_service))
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .serve_with_incoming_shutdown(ReceiverStream::new(connections), signal);
    let keeping = tokio::spawn(door.keep());
    tracing::info!(%address, "the gateway serves");
    let overdue = async {
        if end.await.is_ok() {
            tokio::time::sleep(drain_max).await;
        } else {
            std::future::pending().await
        }
    };
    let served = tokio::select! {
        ended = serving => ended,
        () = overdue => {
            tracing::warn!("calls that were under way at the end took too long; they are cut off");
            Ok(())
        }
    };
    // It ends as soon as the server has let go of it; after that nobody listens.
    keeping.await.map_err(Error::Door)?;
    Ok(served?)
}

/// All services of the network behind their guard, and their names.
fn routes(gateway: &Gateway) -> (Routes, Vec<&'static str>) {
    let mut routes = Routes::default();
    let mut names = Vec::new();
    macro_rules! put_up {
        ($($server:ident)*) => {$(
            let service = $server::new(gateway.clone()).max_decoding_message_size(gateway.settings.message_bytes_max);
            names.push($server::<Gateway>::NAME);
            routes = routes.add_service(Guard::new(gateway, service));
        )*};
    }
    put_up! {
        AccountServiceServer
        CatalogueServiceServer
        MemberServiceServer
        OperatorServiceServer
        PartnerEventServiceServer
        PartnerServiceServer
        ProgrammeServiceServer
        RedemptionServiceServer
        SettlementServiceServer
        TokenServiceServer
    }
    (routes, names)
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        // No message of the API names what stands in the details of an error: they are `Any`.
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
}
