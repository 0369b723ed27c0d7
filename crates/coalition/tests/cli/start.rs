//! What a network makes of the folder that it is started in.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::network::{Network, refused, serve};

#[test]
fn the_operators_key_is_drawn_or_taken_as_it_lies_there() {
    let network = Network::start();
    let path = network.data().join("operator.key");
    let key = std::fs::read_to_string(&path).unwrap();
    let parts: Vec<_> = key.trim().split('_').collect();
    // 64 bits name it, 256 make the secret.
    assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 16, 64]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(network.run("partner list").good().starts_with("no partners yet"));

    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/operator.key"), "ck_my_own_key_0123456789abcdef\n").unwrap();
    let network = Network::start_in(folder);
    assert!(network.run("partner list").good().starts_with("no partners yet"));
}

#[test]
fn an_operators_key_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/operator.key"), "ck_my_own_key_\n").unwrap();
    refused(serve(folder.path())).failed(1, "operator.key holds no key; remove it to have one made");
}

#[test]
fn settings_of_a_network_that_is_there_are_not_passed_over() {
    let mut network = Network::start();
    network.stop();
    let data = network.folder.path().to_owned();
    let configured = |mut serve: Command, lines: &str| {
        let path = data.join("c.toml");
        std::fs::write(&path, format!("[network]\n{lines}\n")).unwrap();
        serve.arg("--config").arg(path);
        serve
    };
    let asked = |lines: &str| refused(configured(serve(&data), lines));
    asked("shards = 5").failed(1, "has 4 shards, fixed when it was made; the configuration says 5");
    for (lines, name, has, wanted) in [
        ("max_event_age_days = 399", "max_event_age_days", 400, 399),
        ("max_event_age_days = 401", "max_event_age_days", 400, 401),
        ("max_event_age_days = 400\nmax_request_age_days = 8", "max_request_age_days", 7, 8),
        ("consent_wait_ms = 0", "consent_wait_ms", 86_400_000, 0),
        ("adjustment_limit = 9999", "adjustment_limit", 10_000, 9_999),
    ] {
        let words = format!(
            "its {name} is {has}, fixed when it was made, and {wanted} is asked for; set it to {has}"
        );
        asked(lines).failed(1, &words);
    }
    network.again(configured(serve(&data), "max_event_age_days = 400\nmax_request_age_days = 7"));
    network.stop();
    // What is left out is what the network has.
    network.again(configured(serve(&data), ""));
}

#[test]
#[cfg(feature = "kafka")]
fn settings_of_the_log_that_can_never_be_are_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("c.toml");
    for (lines, words) in [
        ("\"acks\" = \"1\"", "librdkafka's acks can't be set: "),
        ("\"fetch.wait\" = \"1\"", "No such configuration property"),
        ("\"security.protocol\" = \"sasl_plaintext\"", "set sasl.mechanism"),
    ] {
        // Nobody listens on the discard port, and nobody is asked.
        std::fs::write(&config, format!("[log]\nkafka = \"127.0.0.1:9\"\n[log.librdkafka]\n{lines}\n"))
            .unwrap();
        let mut serve = serve(folder.path());
        serve.arg("--config").arg(&config);
        let ended = refused(serve);
        assert!(!ended.err.contains("waiting for the log"), "{}", ended.err);
        assert!(
            ended.err.contains("\nwhat to do: correct the sections [log] and [log.librdkafka]"),
            "{}",
            ended.err
        );
        ended.failed(1, words);
    }
}
