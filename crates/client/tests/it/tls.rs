//! Over TLS: whom the client believes.

use std::path::Path;

use coalition_client::proto::partner::v1::ListPartnersRequest;
use coalition_client::{Client, Distrust, Error, Settings};
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
    for (server, ca, expected) in [
        (localhost(), Some(other.as_str()), Distrust::UnknownIssuer),
        (localhost(), Some("no certificate"), Distrust::UnknownIssuer),
        (localhost(), None, Distrust::UnknownIssuer),
        (format!("https://127.0.0.1:{port}"), Some(ca.as_str()), Distrust::OtherName),
    ] {
        let refused = Client::connect(&at(server, ca)).await.err();
        let Some(Error::Distrusted { why, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(why, expected);
    }
}

/// What `openssl req -x509` makes unless it is told otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_says_it_is_an_authoritys_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    for (is_ca, believed) in [
        (IsCa::Ca(BasicConstraints::Unconstrained), false),
        // It vouches for itself.
        (IsCa::ExplicitNoCa, true),
    ] {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.is_ca = is_ca;
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let (cert_file, key_file) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&cert_file, &pem).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        let tls = Some(Tls::open(&cert_file, &key_file).unwrap());
        let served = coalition_gateway::Settings { tls, ..coalition_gateway::Settings::default() };
        let network = Network::start_with(served).await;
        let server = format!("https://localhost:{}", network.address.port()).parse().unwrap();
        let settings =
            Settings { ca_pem: Some(pem), ..Settings::new(server, network.operator.parse().unwrap()) };
        let refused = Client::connect(&settings).await.err();
        let authority = matches!(&refused, Some(Error::Distrusted { why: Distrust::Authority, .. }));
        assert_eq!((refused.is_none(), authority), (believed, !believed), "{refused:?}");
    }
}
