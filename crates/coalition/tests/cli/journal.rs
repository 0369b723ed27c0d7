//! The journal of a network that was stopped.

use std::path::Path;

use coalition_store::{Checkpoint, Folder, Identity, Settings, Store};

use crate::everyday::{coalition, purchase};
use crate::network::Network;

fn stopped() -> Network {
    let mut network = coalition();
    network.run("member enrol --customer cdnow:00001").good();
    purchase(&network, "e1", 100, 0, "USD");
    network.offline("journal tail").failed(1, "is running");
    network.stop();
    network
}

#[test]
fn records_are_told_in_words() {
    let network = stopped();
    let tail = network.offline("journal tail --limit 1000").good();
    for words in ["genesis of shard 3 of 4", "term 1 started by", "registry: register partner cdnow: done"] {
        assert!(tail.contains(words), "\"{words}\" is not in:\n{tail}");
    }
    let told = "purchase of order-e1 at cdnow, event e1: 100 points by rule purchase (mypoints v1)\n";
    assert!(tail.contains(told), "{tail}");
    assert!(!tail.contains("00001"), "an identifier is shown:\n{tail}");

    let document = network.offline("journal tail --shard 2 --from 1 --limit 2 --json").json();
    let records = document["records"].as_array().unwrap();
    assert_eq!(records.iter().map(|record| record["seq"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(records[0]["kind"], "genesis");
    let beyond = network.offline("journal tail --shard 2 --from 999999");
    assert!(beyond.err.starts_with("shard 2 has no record 999999; the last is "), "{}", beyond.err);
    assert_eq!(beyond.good(), "shard 2\n");
    network.offline("journal tail --shard 4").failed(2, "the network has shards 0 to 3");
}

#[test]
fn a_projection_that_is_not_the_journals_is_found_and_rebuilt() {
    let network = stopped();
    let verified = network.offline("journal verify --json").json();
    let verdicts = verified["shards"].as_array().unwrap().iter().map(|shard| &shard["verdict"]);
    assert_eq!(verdicts.collect::<Vec<_>>(), ["equal"; 4]);

    let store = network.data().join("store").join("1");
    forge(&network.data(), &store);
    let before = files(&store);
    let found = network.offline("journal verify");
    assert_eq!(found.code, 1, "{}", found.err);
    assert!(
        found.out.contains("DIFFERENT: a page of an account's history is there and should not be: key 68"),
        "{}",
        found.out
    );
    assert!(files(&store) == before, "verifying changed the projection");

    // Written over, it can't be read at all.
    let forged = store.join("db");
    let bytes = std::fs::read(&forged).unwrap();
    std::fs::write(&forged, vec![b'x'; bytes.len()]).unwrap();
    let before = files(&store);
    let found = network.offline("journal verify --shard 1");
    assert_eq!(found.code, 1, "{}", found.err);
    assert!(found.out.contains("DIFFERENT: "), "{}", found.out);
    assert!(files(&store) == before, "verifying changed the projection");

    assert!(found.out.contains("its files can't be read"), "{}", found.out);
    assert!(found.out.ends_with("makes its projection anew from the journal\n"), "{}", found.out);
    let rebuild = format!("coalition journal rebuild --data {} --shard", network.data().display());
    assert!(found.out.contains(&format!("shard 1: run `{rebuild} 1`, ")), "{}", found.out);

    let kept = network.data().join("store").join("1.damaged-1");
    let rebuilt = network.offline("journal rebuild --shard 1").good();
    assert!(kept.exists() && rebuilt.contains(&kept.display().to_string()), "{rebuilt}");
    // A projection that is good is set aside too, and said to be.
    let rebuilt = network.offline("journal rebuild --shard 2 --json").json();
    let kept = network.data().join("store").join("2.damaged-1");
    assert_eq!(rebuilt["shards"][0]["kept"], kept.display().to_string());
    assert_eq!(network.offline("journal verify").good().matches(" equal\n").count(), 4);
    assert!(std::fs::read_dir(network.data()).unwrap().all(|entry| !is_scratch(&entry.unwrap().path())));
}

#[test]
fn a_projection_that_is_missing_is_no_good_end() {
    let network = stopped();
    let store = network.data().join("store").join("2");
    std::fs::remove_dir_all(&store).unwrap();
    let found = network.offline("journal verify");
    assert_eq!((found.code, found.out.matches(" equal\n").count()), (1, 3), "{}{}", found.out, found.err);
    let rebuild = format!("coalition journal rebuild --data {} --shard 2", network.data().display());
    let way_out = format!("shard 2: start the network, or run `{rebuild}`, to have");
    assert!(found.out.contains("  MISSING\n") && found.out.contains(&way_out), "{}", found.out);
    // An empty folder is no projection either.
    std::fs::create_dir(&store).unwrap();
    let found = network.offline("journal verify --shard 2 --json");
    assert_eq!(found.code, 1, "{}{}", found.out, found.err);
    let document: serde_json::Value = serde_json::from_str(&found.out).unwrap();
    assert_eq!(document["shards"][0]["verdict"], "missing");

    network.offline("journal rebuild --shard 2").good();
    assert_eq!(network.offline("journal verify").good().matches(" equal\n").count(), 4);

    // Without a journal nothing can be said of the projections.
    std::fs::remove_dir_all(network.data().join("log")).unwrap();
    network.offline("journal verify").failed(1, "/log is missing\nwhat to do: restore it from a backup");
    std::fs::remove_dir_all(network.data().join("store")).unwrap();
    network.offline("journal verify").failed(1, "has no journal yet: start it first");
}

/// Adds a row that no record of the journal led to.
fn forge(data: &Path, store: &Path) {
    let text = std::fs::read_to_string(data.join("network.toml")).unwrap();
    let id = text.lines().find_map(|line| line.strip_prefix("id = ")).unwrap().trim_matches('"');
    let identity =
        Identity { network: id.parse().unwrap(), shard: 1, format: coalition_ledger::rows::FORMAT };
    let mut opened = Folder::new(store, Settings::default()).open(&identity).unwrap();
    let mut checkpoint = Checkpoint::new(opened.reader.mark().unwrap().unwrap());
    checkpoint.put(*b"h forged", *b"row");
    opened.writer.apply(&checkpoint).unwrap();
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

fn is_scratch(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("verify-"))
}

#[test]
fn a_projection_is_brought_to_another_folder() {
    let network = stopped();
    let store = network.data().join("store").join("2");
    let file = network.data().with_extension("checkpoint");
    let (export, import) = (
        format!("journal export --shard 2 --out {}", file.display()),
        format!("journal import --shard 2 {}", file.display()),
    );
    network.offline("journal export --out /nowhere").failed(1, "say which with --shard");
    let said = network.offline(&export).good();
    assert!(said.starts_with("exported shard 2 at "), "{said}");
    network.offline(&export).failed(1, "has to be a new file");
    network.offline(&import).failed(1, "holds a projection of shard 2 already");

    std::fs::remove_dir_all(&store).unwrap();
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    network.offline(&import).failed(1, "it ends too early");
    assert!(!store.exists(), "nothing of it is left");
    std::fs::write(&file, &whole).unwrap();
    network.offline(&format!("journal import --shard 1 {}", file.display())).failed(1, "holds a projection");
    let taken = network.offline(&import).good();
    assert_eq!(taken.strip_prefix("imported"), said.strip_prefix("exported"));
    network.offline("journal verify").good();
}
