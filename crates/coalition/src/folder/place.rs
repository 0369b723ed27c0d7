//! Where the log of a network is: a start that looks for it elsewhere would find nothing, and begin another network.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Network;
use crate::client::failure::Trouble;

/// Where a log is. Its words are frozen: they stand in the network's file. Which brokers have it does not: brokers move.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    /// In the data folder.
    Embedded,
    /// On brokers of Apache Kafka.
    Kafka,
}

const NAME_BROKERS: &str = "name the brokers as before: --config FILE with `kafka` in its section [log]; `coalition demo` and \
                            `coalition journal` take --kafka HOST:PORT too";

impl Network {
    /// Refuses to look for the network's log at `sought` where it is not. Writes nothing.
    pub(crate) fn check_place(&self, data: &Path, sought: Place) -> Result<(), Trouble> {
        let (folder, log) = (data.display(), Self::log(data));
        // An embedded log is made before the first store.
        let has_log = log.exists();
        let log_gone = !has_log && data.join("store").exists();
        let (what, advice) = match (self.log, sought) {
            (Some(Place::Kafka), Place::Embedded) => (
                format!("the network in {folder} has its log on brokers of Apache Kafka, and none are named"),
                NAME_BROKERS.to_owned(),
            ),
            (Some(Place::Embedded), Place::Kafka) => (
                format!("the network in {folder} has its log in that folder, and brokers are named"),
                "leave the brokers out (`kafka` in the section [log] of the configuration, --kafka), or name another folder"
                    .to_owned(),
            ),
            (None, Place::Kafka) if has_log => (
                format!("the network in {folder} has its log in that folder, and brokers are named"),
                format!(
                    "leave the brokers out (`kafka` in the section [log] of the configuration, --kafka), or name another folder; \
                     only if {} came of a start that forgot to name them, move it away",
                    log.display()
                ),
            ),
            (Some(Place::Embedded), Place::Embedded) if log_gone => (
                format!("the network in {folder} has its log there, but {} is missing", log.display()),
                "restore it from a backup: it is the only truth, and the rest is derived from it".to_owned(),
            ),
            (None, Place::Embedded) if log_gone => (
                format!(
                    "the network in {folder} has no log there: it is on brokers of Apache Kafka, and none are named, or was lost"
                ),
                format!("{NAME_BROKERS}; a log that was lost has to be restored from a backup"),
            ),
            (Some(Place::Embedded) | None, Place::Embedded) | (Some(Place::Kafka) | None, Place::Kafka) => {
                return Ok(());
            }
        };
        Err(Trouble::advised(what, advice))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::NETWORK;
    use super::*;
    use Place::{Embedded, Kafka};

    /// What is said of a folder whose file has that line, with these folders in it.
    fn refusal(line: &str, folders: &[&str], sought: Place) -> Option<String> {
        let data = tempfile::tempdir().unwrap();
        let id = "718a7b8a-3ce7-4ce3-a2b4-a6ff562afd4b";
        fs::write(data.path().join(NETWORK), format!("id = \"{id}\"\nshards = 4\n{line}")).unwrap();
        for folder in folders {
            fs::create_dir(data.path().join(folder)).unwrap();
        }
        let checked = Network::read(data.path()).unwrap().check_place(data.path(), sought);
        checked.err().map(|refused| refused.to_string())
    }

    #[test]
    fn a_log_is_sought_where_the_networks_file_says_that_it_is() {
        for (line, folders, sought) in [
            ("log = \"embedded\"\n", &["log", "store"][..], Embedded),
            // A first start that did not come far.
            ("log = \"embedded\"\n", &[], Embedded),
            ("log = \"kafka\"\n", &["store"], Kafka),
            ("log = \"kafka\"\n", &[], Kafka),
        ] {
            assert_eq!(refusal(line, folders, sought), None, "{line} {folders:?}");
        }
        let on_brokers = refusal("log = \"kafka\"\n", &[], Embedded).unwrap();
        assert!(
            on_brokers.ends_with("has its log on brokers of Apache Kafka, and none are named"),
            "{on_brokers}"
        );
        let embedded = refusal("log = \"embedded\"\n", &[], Kafka).unwrap();
        assert!(embedded.ends_with("has its log in that folder, and brokers are named"), "{embedded}");
        let lost = refusal("log = \"embedded\"\n", &["store"], Embedded).unwrap();
        assert!(lost.ends_with("/log is missing"), "{lost}");
    }

    #[test]
    fn a_file_that_does_not_say_it_is_read_with_what_lies_beside_it() {
        assert_eq!(refusal("", &["log", "store"], Embedded), None);
        assert_eq!(refusal("", &[], Embedded), None);
        assert_eq!(refusal("", &["store"], Kafka), None);
        assert!(refusal("", &["log"], Kafka).unwrap().ends_with("and brokers are named"));
        let nowhere = refusal("", &["store"], Embedded).unwrap();
        assert!(
            nowhere.contains("it is on brokers of Apache Kafka, and none are named, or was lost"),
            "{nowhere}"
        );
    }
}
