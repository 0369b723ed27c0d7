//! How a network and the demo end: told to, unheard, or because they can't go on.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::network::{Network, command, refused, serve};

fn terminate(process: &Child) {
    assert!(Command::new("kill").arg(process.id().to_string()).status().unwrap().success());
}

#[test]
fn a_demo_that_is_stopped_takes_its_folder_along() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = command("demo --listen 127.0.0.1:0");
    demo.env("TMPDIR", folder.path()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = demo.spawn().unwrap();
    let mut told = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(told.by_ref().any(|line| line.starts_with("decided ")), "it ended before it decided anything");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    terminate(&process);
    assert!(told.any(|line| line == "stopped before everything was replayed"));
    assert_eq!(process.wait().unwrap().code(), Some(1));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_network_that_nobody_hears_serves_and_stops_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    // Where it listens is not told, so it has to be known.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut serve = command("serve --data");
    serve.arg(folder.path().join("data")).arg("--listen").arg(free.to_string());
    serve.env("RUST_LOG", "trace").stdout(full()).stderr(full());
    let mut process = serve.spawn().unwrap();
    while std::net::TcpStream::connect(free).is_err() {
        assert!(process.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    terminate(&process);
    assert_eq!(process.wait().unwrap().code(), Some(0));
    // The log can be read by somebody who goes away.
    let mut serve = crate::network::serve(folder.path());
    serve.env("RUST_LOG", "trace").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = serve.spawn().unwrap();
    drop(process.stderr.take());
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("listening on "), "{line}");
    terminate(&process);
    assert_eq!(process.wait().unwrap().code(), Some(0));
}

#[test]
fn log_lines_in_a_file_carry_no_colours() {
    let folder = tempfile::tempdir().unwrap();
    let mut serve = serve(folder.path());
    serve.env("RUST_LOG", "info").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = serve.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    terminate(&process);
    let ended = process.wait_with_output().unwrap();
    let logged = String::from_utf8(ended.stderr).unwrap();
    assert!(logged.contains("INFO") && !logged.contains('\x1b'), "{logged}");
}

/// Damages a journal of a network that was stopped, and takes its projections away.
fn damaged(flip: impl Fn(&[u8], &mut [u8])) -> Network {
    let mut network = Network::start();
    network.stop();
    let data = network.data();
    let text = fs::read_to_string(data.join("network.toml")).unwrap();
    let id = text.lines().find_map(|line| line.strip_prefix("id = ")).unwrap().trim_matches('"');
    let id: uuid::Uuid = id.parse().unwrap();
    let journal = data.join("log/coalition.journal.v1-2.redb");
    let mut bytes = fs::read(&journal).unwrap();
    flip(id.as_bytes(), &mut bytes);
    fs::write(&journal, bytes).unwrap();
    fs::remove_dir_all(data.join("store")).unwrap();
    network
}

#[test]
fn a_network_with_a_damaged_record_does_not_stay_half_up() {
    let network = damaged(|id, bytes| {
        // The genesis holds the network's id.
        let places: Vec<_> = (0..bytes.len() - id.len()).filter(|&at| bytes[at..].starts_with(id)).collect();
        assert!(!places.is_empty());
        places.into_iter().for_each(|at| bytes[at] ^= 0x10);
    });
    let verified = network.offline("journal verify");
    assert_eq!(verified.code, 1, "{}{}", verified.out, verified.err);
    assert!(verified.out.contains("coalition.journal.v1/2 is damaged"), "{}{}", verified.out, verified.err);
    assert_eq!(verified.out.matches("MISSING").count(), 3, "{}", verified.out);
    let ended = refused(serve(network.folder.path()));
    assert!(ended.err.contains("shard 2 has stopped: coalition.journal.v1/2 is damaged"), "{}", ended.err);
    ended.failed(1, "what to do: it can't go on by itself: restore a damaged file of the log from a backup");
}

#[test]
fn a_log_that_is_no_log_any_more_says_what_to_do() {
    let network = damaged(|_, bytes| bytes.iter_mut().skip(4_096).for_each(|byte| *byte ^= 0x10));
    for ended in [network.offline("journal verify"), refused(serve(network.folder.path()))] {
        assert!(ended.err.contains("error: open coalition.journal.v1/2"), "{}", ended.err);
        ended.failed(1, "has to be restored from a backup");
    }
}
