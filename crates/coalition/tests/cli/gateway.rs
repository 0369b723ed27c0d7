//! The gateway's certificate and its limits, as an operator sets them.

use std::io::Read;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

use crate::network::{Ended, Network, refused, serve};

/// Adds a configuration to the command `serve`.
fn configured(mut serve: Command, folder: &Path, lines: &str) -> Command {
    let path = folder.join("c.toml");
    std::fs::write(&path, lines).unwrap();
    serve.arg("--config").arg(path);
    serve
}

/// Makes an authority and a certificate for this machine that is good until the year; gives the authority's file.
fn certify(folder: &Path, until: i32) -> PathBuf {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, authority.self_signed(&authority_key).unwrap().pem()).unwrap();
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    let signed = params.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
    std::fs::write(folder.join("tls.crt"), signed.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
    ca
}

fn tls(folder: &Path) -> String {
    let (cert, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    format!("[gateway]\ntls_cert = \"{}\"\ntls_key = \"{}\"\n", cert.display(), key.display())
}

#[test]
fn commands_believe_the_certificate_that_they_are_told_to() {
    let mut network = Network::start();
    network.stop();
    let folder = network.folder.path().to_owned();
    let ca = certify(&folder, 2120);
    network.again(configured(serve(&folder), &folder, &tls(&folder)));
    assert!(network.server.starts_with("https://"), "{}", network.server);
    let list =
        |network: &Network, options: &str| -> Ended { network.run(&format!("partner list {options}")) };
    let believing = format!("--tls-ca {}", ca.display());
    assert!(list(&network, &believing).good().starts_with("no partners yet"));
    list(&network, "").failed(5, "nobody who is trusted here vouches for its certificate");
    list(&network, "").failed(5, "what to do: with --tls-ca FILE name");
    let plain = network.server.replace("https", "http");
    list(&network, &format!("--server {plain}")).failed(3, "this port speaks TLS: connect with https://");

    // Renewed, by another authority too; what is no certificate changes nothing.
    std::fs::write(folder.join("tls.crt"), "").unwrap();
    network.signal("HUP");
    assert!(list(&network, &believing).good().starts_with("no partners yet"));
    certify(&folder, 2120);
    network.signal("HUP");
    let begin = Instant::now();
    while list(&network, &believing).code != 0 {
        assert!(begin.elapsed() < Duration::from_secs(30), "the new certificate is not served");
    }
    certify(&folder, 2021);
    network.stop();
    network.again(configured(serve(&folder), &folder, &tls(&folder)));
    list(&network, &believing).failed(5, "its certificate has expired");
}

#[test]
fn a_server_without_tls_is_told_apart_from_none() {
    let network = Network::start();
    let secure = network.server.replace("http", "https");
    network.run(&format!("partner list --server {secure}")).failed(5, "what to do: connect with http://");
}

/// The command, in a process that may open this many files.
fn with_files(files: u32, serve: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit -n {files}; exec \"$0\" \"$@\""));
    shell.arg(serve.get_program()).args(serve.get_args());
    shell
}

#[test]
fn files_are_left_to_log_and_store() {
    let folder = tempfile::tempdir().unwrap();
    let words = "may open 150 files (ulimit -n), of which gateway.files_reserved leaves 256 to log and store";
    refused(with_files(150, &serve(folder.path()))).failed(1, words);
}

#[test]
fn connections_that_say_nothing_stop_nothing() {
    let mut network = Network::start();
    network.stop();
    let folder = network.folder.path().to_owned();
    let lines = "[gateway]\nfiles_reserved = 100\nhandshake_timeout_ms = 100\n";
    network.again(with_files(150, &configured(serve(&folder), &folder, lines)));
    let address = network.server.strip_prefix("http://").unwrap().to_owned();
    let idle: Vec<_> = (0..200).map(|_| TcpStream::connect(&address).unwrap()).collect();
    // There were seats for 50, until those had said nothing for too long.
    for mut stream in &idle {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        assert!(!stream.read(&mut [0]).is_ok_and(|read| read > 0), "nothing is said to them");
    }
    network.run("partner create shop --name Shop").good();
    assert!(network.run("partner list").good().contains("shop"));
}
