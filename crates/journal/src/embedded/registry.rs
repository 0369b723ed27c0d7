//! Which topics an embedded log has: a small text file, replaced whole.
//!
//! ```text
//! coalition log 1
//! <topic> <id> <partitions>       for each topic
//! crc <crc of the lines above, 8 hexadecimal digits>
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::database::Cause;
use crate::log::Topic;

const FILE: &str = "topics";
const HEAD: &str = "coalition log 1";
const SUFFIX: &str = "redb";

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the file is damaged")]
    Damaged,
    #[error("the file is missing, but there are partitions")]
    Missing,
}

/// The topics of a log in `folder`.
pub(super) struct Registry {
    folder: PathBuf,
    topics: BTreeMap<String, Topic>,
}

impl Registry {
    /// Reads the registry, or starts an empty one in a folder without partitions.
    pub(super) fn open(folder: &Path) -> Result<Self, Cause> {
        let topics = match fs::read_to_string(folder.join(FILE)) {
            Ok(text) => parse(&text).ok_or(Fault::Damaged)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Created before the first partition is: without it they would be lost without a word.
                for entry in fs::read_dir(folder)? {
                    if entry?.path().extension().is_some_and(|extension| extension == SUFFIX) {
                        return Err(Fault::Missing.into());
                    }
                }
                write(folder, &BTreeMap::new())?;
                BTreeMap::new()
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self { folder: folder.to_owned(), topics })
    }

    /// All topics by name.
    pub(super) fn topics(&self) -> &BTreeMap<String, Topic> {
        &self.topics
    }

    /// The file of a partition. A name has no second meaning: what follows the last `-` is the number.
    pub(super) fn path(&self, topic: &str, number: u32) -> PathBuf {
        self.folder.join(format!("{topic}-{number}.{SUFFIX}"))
    }

    /// Adds a topic, durably, whose partitions are there already, but for their names in the folder.
    pub(super) fn add(&mut self, name: &str, topic: Topic) -> Result<(), Cause> {
        let mut topics = self.topics.clone();
        topics.insert(name.to_owned(), topic);
        write(&self.folder, &topics)?;
        self.topics = topics;
        Ok(())
    }
}

fn write(folder: &Path, topics: &BTreeMap<String, Topic>) -> io::Result<()> {
    let sync_names = || File::open(folder)?.sync_all();
    let fresh = folder.join(format!("{FILE}.new"));
    let mut file = File::create(&fresh)?;
    file.write_all(render(topics).as_bytes())?;
    file.sync_all()?;
    // The partitions' names before the topic's.
    sync_names()?;
    fs::rename(fresh, folder.join(FILE))?;
    sync_names()
}

fn render(topics: &BTreeMap<String, Topic>) -> String {
    let mut text = format!("{HEAD}\n");
    for (name, topic) in topics {
        text += &format!("{name} {} {}\n", topic.id, topic.partitions);
    }
    let crc = crc32fast::hash(text.as_bytes());
    text + &format!("crc {crc:08x}\n")
}

fn parse(text: &str) -> Option<BTreeMap<String, Topic>> {
    let (lines, crc) = text.strip_suffix('\n')?.rsplit_once("crc ")?;
    if format!("{:08x}", crc32fast::hash(lines.as_bytes())) != crc {
        return None;
    }
    let lines = lines.strip_prefix(HEAD)?.strip_prefix('\n')?;
    lines
        .lines()
        .map(|line| {
            let mut words = line.split(' ');
            let name = words.next()?.to_owned();
            let id = Uuid::parse_str(words.next()?).ok()?;
            let partitions = words.next()?.parse().ok()?;
            words.next().is_none().then_some((name, Topic { id, partitions }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "coalition log 1\n\
        a 00000000-0000-0000-0000-000000000001 4\n\
        b-c.d_E 00000000-0000-0000-0000-000000000002 1\n\
        crc bff57cd1\n";

    #[test]
    fn reads_what_it_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let mut registry = Registry::open(folder.path()).unwrap();
        registry.add("b-c.d_E", Topic { id: Uuid::from_u128(2), partitions: 1 }).unwrap();
        registry.add("a", Topic { id: Uuid::from_u128(1), partitions: 4 }).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap(), SAMPLE);
        assert_eq!(Registry::open(folder.path()).unwrap().topics(), registry.topics());
    }

    #[test]
    fn any_damage_is_seen() {
        for at in 0..SAMPLE.len() {
            let mut damaged = SAMPLE.as_bytes().to_vec();
            damaged[at] ^= 1;
            assert_eq!(parse(std::str::from_utf8(&damaged).unwrap()), None, "a flipped bit at {at}");
            assert_eq!(parse(&SAMPLE[..at]), None, "{at} bytes of it");
        }
    }

    #[test]
    fn a_lost_registry_is_not_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        drop(Registry::open(folder.path()).unwrap());
        File::create(folder.path().join("a-0.redb")).unwrap();
        drop(Registry::open(folder.path()).unwrap());
        fs::remove_file(folder.path().join(FILE)).unwrap();
        assert!(Registry::open(folder.path()).is_err());
    }
}
