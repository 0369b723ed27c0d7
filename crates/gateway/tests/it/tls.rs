//! TLS: who is believed, who is not, and how a certificate is renewed.

use std::error::Error as _;
use std::path::{Path, PathBuf};

use coalition_gateway::tls::Tls;
use coalition_gateway::{Settings, serve};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tonic::Code;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::faulty::port;
use crate::network::Network;
use crate::wire::Wire;

/// An authority, whose word its certificate proves.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Files with a certificate for `name` and its key.
    fn certify(&self, folder: &Path, name: &str, until: i32) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let (cert_file, key_file) = (folder.join("cert.pem"), folder.join("key.pem"));
        std::fs::write(&cert_file, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        (cert_file, key_file)
    }
}

/// A gateway with a certificate of an authority.
struct Guarded {
    network: Network,
    authority: Authority,
    tls: Tls,
    folder: TempDir,
}

impl Guarded {
    async fn start(name: &str, until: i32) -> Self {
        let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
        let (cert, key) = authority.certify(folder.path(), name, until);
        let tls = Tls::open(&cert, &key).unwrap();
        let network = Network::start_with(Settings { tls: Some(tls.clone()), ..Settings::default() }).await;
        Self { network, authority, tls, folder }
    }

    /// Connects as somebody who believes `authority`, or the error with all its causes.
    async fn connect(&self, authority: &Authority) -> Result<Channel, String> {
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&authority.pem));
        let server = format!("https://{}", self.network.address);
        let endpoint = Endpoint::from_shared(server).unwrap().tls_config(tls).unwrap();
        endpoint.connect().await.map_err(|error| {
            let (mut text, mut cause) = (error.to_string(), error.source());
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            text
        })
    }
}

async fn check(channel: Channel) {
    HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_believes_the_authority_is_served_and_nobody_else() {
    let guarded = Guarded::start("127.0.0.1", 2120).await;
    check(guarded.connect(&guarded.authority).await.unwrap()).await;
    let error = guarded.connect(&Authority::new()).await.unwrap_err();
    assert!(error.contains("invalid peer certificate: "), "{error}");
    let error = Guarded::start("127.0.0.1", 2021).await;
    let error = error.connect(&error.authority).await.unwrap_err();
    assert!(error.contains("certificate expired"), "{error}");
    let other = Guarded::start("gateway.example", 2120).await;
    let error = other.connect(&other.authority).await.unwrap_err();
    assert!(error.contains("not valid for name"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_is_told_that_this_port_speaks_tls() {
    let guarded = Guarded::start("127.0.0.1", 2120).await;
    let words = "this port speaks TLS: connect with https://";

    let mut wire = Wire::connect(guarded.network.address).await;
    wire.send(b"POST /a.B/C HTTP/1.1\r\nhost: gateway\r\n\r\n").await;
    wire.hang_up().await;
    let told = String::from_utf8(wire.rest().await).unwrap();
    assert!(told.starts_with("HTTP/1.1 400 Bad Request\r\n") && told.ends_with(words), "{told}");

    let plain = Endpoint::from_shared(format!("http://{}", guarded.network.address)).unwrap();
    let plain = plain.connect().await.unwrap();
    let status = HealthClient::new(plain).check(HealthCheckRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, words));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_does_not_shake_hands_in_time_is_closed() {
    let guarded = Guarded::start("127.0.0.1", 2120).await;
    let handshake_max = std::time::Duration::from_millis(100);
    let settings = Settings { tls: Some(guarded.tls.clone()), handshake_max, ..Settings::default() };
    let network = Network::start_with(settings).await;
    // Nothing, and the beginning of a record of TLS.
    for said in [&[][..], &[22, 3, 1]] {
        let mut wire = Wire::connect(network.address).await;
        wire.send(said).await;
        wire.rest().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_served_to_new_connections() {
    let guarded = Guarded::start("127.0.0.1", 2120).await;
    let before = guarded.connect(&guarded.authority).await.unwrap();
    let next = Authority::new();
    next.certify(guarded.folder.path(), "127.0.0.1", 2120);
    assert!(guarded.connect(&next).await.is_err(), "nobody was told yet");
    guarded.tls.reload().unwrap();
    check(guarded.connect(&next).await.unwrap()).await;
    assert!(guarded.connect(&guarded.authority).await.is_err());
    check(before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_certificate_it_serves_beyond_this_machine() {
    let guarded = Guarded::start("127.0.0.1", 2120).await;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let settings = Settings { tls: Some(guarded.tls.clone()), ..Settings::default() };
    let (ledger, log) = (guarded.network.ledger.clone(), port(&guarded.network.log));
    serve(listener, ledger, log, settings, async {}).await.unwrap();
}
