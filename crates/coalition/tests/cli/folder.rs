//! Which folders a network is made in, and which it leaves alone.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use crate::network::{Network, command, refused, serve};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn demo(data: &Path) -> std::process::Command {
    let mut demo = command("demo --exit --listen 127.0.0.1:0 --data");
    demo.arg(data);
    demo
}

#[test]
fn a_folder_of_other_things_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir_all(data.join(".git")).unwrap();
    let words = "is not empty and holds no network; name a new folder";
    refused(serve(folder.path())).failed(1, words);
    refused(demo(&data)).failed(1, words);
    assert_eq!(names(&data), [".git"]);
}

#[test]
fn the_demo_fills_no_other_network() {
    let mut network = Network::start();
    network.stop();
    let before = fs::read(network.data().join("network.toml")).unwrap();
    let ended = refused(demo(&network.data()));
    ended.failed(1, "holds a network that is not the demo's; choose another folder");
    assert_eq!(fs::read(network.data().join("network.toml")).unwrap(), before);
    assert!(!network.data().join("cdnow.key").exists());
}

#[test]
fn a_log_without_its_network_is_no_new_network() {
    let mut network = Network::start();
    network.stop();
    let (data, kept) = (network.data(), network.folder.path().join("kept"));
    fs::rename(data.join("network.toml"), &kept).unwrap();
    refused(serve(network.folder.path())).failed(1, "network.toml is missing");
    assert!(!data.join("network.toml").exists());
    fs::rename(&kept, data.join("network.toml")).unwrap();
    network.again(serve(network.folder.path()));
    network.run("partner list").good();
    assert!(names(&data.join("store")).iter().all(|name| !name.contains("damaged")));
}

#[test]
fn a_journal_of_another_network_is_told_in_words() {
    let mut network = Network::start();
    network.stop();
    let path = network.data().join("network.toml");
    let text = fs::read_to_string(&path).unwrap();
    let id = text.lines().find_map(|line| line.strip_prefix("id = ")).unwrap().trim_matches('"');
    fs::write(&path, text.replace(id, "718a7b8a-3ce7-4ce3-a2b4-a6ff562afd4b")).unwrap();
    let ended = refused(serve(network.folder.path()));
    assert!(ended.err.contains(&format!("of 4 in network {id}")), "{}", ended.err);
    assert!(!ended.err.contains("Genesis {"), "{}", ended.err);
    ended.failed(1, "what to do: ");
}

#[test]
fn one_process_at_a_time_uses_a_folder() {
    let network = Network::start();
    let words = "is running, and only one process may use its folder: stop it first";
    refused(serve(network.folder.path())).failed(1, words);
    network.offline("journal verify").failed(1, words);
}

#[test]
fn of_two_first_starts_one_makes_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let starts: Vec<_> = (0..8).map(|_| serve(folder.path())).collect();
    let ended = crate::network::race(starts);
    assert!(ended.iter().all(|ended| ended.err.contains("is running, and only one process")), "{ended:?}");
    assert_eq!(ended.len(), 7, "{ended:?}");
}

#[test]
fn an_address_that_is_taken_leaves_no_folder_behind() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut serve = command("serve --data");
    serve.arg(&data).arg("--listen").arg(taken.local_addr().unwrap().to_string());
    refused(serve).failed(1, "what to do: choose another address with --listen");
    assert!(!data.exists());
}

#[test]
fn plain_text_beyond_this_machine_is_refused_before_anything_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for start in ["serve", "demo"] {
        let mut command = command(&format!("{start} --listen 0.0.0.0:0 --data"));
        command.arg(&data);
        refused(command).failed(1, "set gateway.plaintext_beyond_loopback = true");
        assert!(!data.exists(), "{start}");
    }
    let config = folder.path().join("c.toml");
    fs::write(&config, "[ledger]\naccounts_max = 1\n").unwrap();
    let mut serve = serve(folder.path());
    serve.arg("--config").arg(&config);
    refused(serve).failed(1, &format!("check {}: ledger.accounts_max has to be", config.display()));
}

/// A folder with that file of a network, and the stores that every network has after its first start.
fn made_with(network: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("data/store/0")).unwrap();
    let id = "id = \"718a7b8a-3ce7-4ce3-a2b4-a6ff562afd4b\"\n";
    fs::write(folder.path().join("data/network.toml"), format!("{id}{network}")).unwrap();
    folder
}

#[test]
fn a_network_on_brokers_is_not_begun_anew_without_them() {
    for (network, words) in [
        (
            "shards = 4\ndemo = true\nlog = \"kafka\"\n",
            "has its log on brokers of Apache Kafka, and none are named",
        ),
        // Made by an earlier release.
        ("shards = 4\ndemo = true\n", "it is on brokers of Apache Kafka, and none are named, or was lost"),
    ] {
        let folder = made_with(network);
        let data = folder.path().join("data");
        for command in [
            "serve --listen 127.0.0.1:0",
            "demo --exit --listen 127.0.0.1:0",
            "journal verify",
            "journal rebuild",
            "journal tail",
        ] {
            let mut start = crate::network::command(&format!("{command} --data"));
            start.arg(&data);
            let ended = refused(start);
            assert!(
                ended.err.contains("\nwhat to do: name the brokers as before: --config FILE"),
                "{}",
                ended.err
            );
            ended.failed(1, words);
            assert_eq!(names(&data), ["network.toml", "store"], "{command}");
        }
        assert_eq!(names(&data.join("store")), ["0"], "none was set aside");
    }
}

#[test]
#[cfg(feature = "kafka")]
fn a_network_of_a_log_of_its_own_is_not_begun_anew_on_brokers() {
    let mut network = Network::start();
    network.stop();
    let (data, config) = (network.data(), network.folder.path().join("c.toml"));
    // Nobody listens on the discard port, and nobody is asked.
    fs::write(&config, "[log]\nkafka = \"127.0.0.1:9\"\n").unwrap();
    let mut start = serve(network.folder.path());
    start.arg("--config").arg(&config);
    let words = "has its log in that folder, and brokers are named\nwhat to do: leave the brokers out";
    refused(start).failed(1, words);
    network.offline("journal verify --kafka 127.0.0.1:9").failed(1, words);
    // As an earlier release made it.
    let path = data.join("network.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("log = \"embedded\"\n"), "{text}");
    fs::write(&path, text.replace("log = \"embedded\"\n", "")).unwrap();
    network.offline("journal verify --kafka 127.0.0.1:9").failed(1, words);
    network.again(serve(network.folder.path()));
    network.run("partner list").good();
}
