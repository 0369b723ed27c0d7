//! Over TLS: whom the client believes.

use std::path::Path;

use coalition_client::proto::partner::v1::ListPartnersRequest;
use coalition_client::{Client, Error, Settings};
use coalition_gateway::tls::Tls;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::network::Network;

/// An authority: its certificate, and files with one for `localhost` that it vouches for.
fn authority(folder: &Path) -> (String, Tls) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let own = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
    let (cert_file, key_file) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&cert_file, certificate.pem()).unwrap();
    std::fs::write(&key_file, own.serialize_pem()).unwrap();
    (pem, Tls::open(&cert_file, &key_file).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_believed_by_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (ca, tls) = authority(folder.path());
    let served = coalition_gateway::Settings { tls: Some(tls), ..coalition_gateway::Settings::default() };
    let network = Network::start_with(served).await;
    let at = |server: String, ca_pem: Option<&str>| Settings {
        ca_pem: ca_pem.map(str::to_owned),
        ..Settings::new(server.parse().unwrap(), network.operator.parse().unwrap())
    };
    let port = network.address.port();
    let localhost = || format!("https://localhost:{port}");

    let client = Client::connect(&at(localhost(), Some(&ca))).await.unwrap();
    assert_eq!(client.list(ListPartnersRequest::default()).all().await.unwrap(), []);

    let (other, _) = authority(folder.path());
    for (server, ca) in [
        (localhost(), Some(other.as_str())),
        (localhost(), Some("no certificate")),
        (localhost(), None),
        (format!("https://127.0.0.1:{port}"), Some(ca.as_str())),
    ] {
        let refused = Client::connect(&at(server, ca)).await.err();
        let Some(Error::NoServer { why, .. }) = refused else { panic!("{refused:?}") };
        assert!(!why.is_empty(), "{why}");
    }
}
