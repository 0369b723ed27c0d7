//! Who may do what with which topics and groups, and how much of the brokers a partner may use.
//!
//! A prefix ends with a dot, which no name of a partner holds: what is granted to `cd` never fits `cdnow`.

use coalition_domain::PartnerId;
use coalition_intake::{events_topic, rejected_topic};
use coalition_ledger::group::GROUP;
use coalition_ledger::runtime::INBOX;

/// What all topics of a network begin with.
const TOPICS: &str = "coalition.";

/// Whom a broker takes a client for: the name alone, without the `User:` before it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Principal(String);

impl Principal {
    /// `NAME` or `User:NAME`.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix("User:").unwrap_or(text);
        // Kafka reads `*` as everybody, and its tools a dash as an option.
        if name.is_empty() || name == "*" || name.starts_with('-') || name.chars().any(char::is_control) {
            return Err("write the name of one principal, such as cdnow or User:CN=cdnow".to_owned());
        }
        Ok(Self(name.to_owned()))
    }

    /// Of a partner for whom none is named.
    pub(super) fn of(partner: &PartnerId) -> Self {
        Self(partner.to_string())
    }

    pub(super) fn name(&self) -> &str {
        &self.0
    }
}

/// How names are matched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pattern {
    /// The very name.
    Literal,
    /// All that begin with it.
    Prefixed,
}

/// Operations that a principal may do.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Grant {
    pub(super) to: Principal,
    /// As Kafka's tools call them.
    pub(super) operations: Vec<&'static str>,
    pub(super) pattern: Pattern,
    pub(super) topics: Vec<String>,
    pub(super) groups: Vec<String>,
}

/// How much each broker does for a partner before it makes it wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Quota {
    /// Bytes per second that it may write.
    pub(super) producer_byte_rate: u64,
    /// Bytes per second that it may read.
    pub(super) consumer_byte_rate: u64,
    /// Share of the time of one of the broker's threads, in per cent.
    pub(super) request_percentage: u32,
}

/// What the network's own principal needs.
pub(super) fn network(to: &Principal, may_create: bool) -> Vec<Grant> {
    let mut operations = vec!["Read", "Write", "Describe", "DescribeConfigs"];
    if may_create {
        operations.push("Create");
    }
    vec![
        Grant {
            to: to.clone(),
            operations,
            pattern: Pattern::Prefixed,
            topics: vec![TOPICS.to_owned()],
            groups: Vec::new(),
        },
        // Decided records are deleted from the inbox, and from the group's topic what an assignment replaces. From nothing else: the right would let it delete whole topics.
        Grant {
            to: to.clone(),
            operations: vec!["Delete"],
            pattern: Pattern::Literal,
            topics: vec![INBOX.to_owned(), GROUP.to_owned()],
            groups: Vec::new(),
        },
        Grant {
            to: to.clone(),
            operations: vec!["Read", "Describe"],
            pattern: Pattern::Literal,
            topics: Vec::new(),
            groups: vec![coalition_intake::GROUP.to_owned(), READER_GROUP.to_owned()],
        },
    ]
}

#[cfg(feature = "kafka")]
use coalition_journal::kafka::READER_GROUP;
#[cfg(not(feature = "kafka"))]
const READER_GROUP: &str = "coalition-reader";

/// What a partner needs: to write its events, to read what was rejected of them, in groups of its own. Nothing else.
pub(super) fn partner(to: &Principal, partner: &PartnerId) -> Vec<Grant> {
    let grant = |operations, topic: &str, groups| Grant {
        to: to.clone(),
        operations,
        pattern: Pattern::Prefixed,
        topics: vec![without_version(topic)],
        groups,
    };
    vec![
        grant(vec!["Write", "Describe"], &events_topic(partner), Vec::new()),
        grant(
            vec!["Read", "Describe"],
            &rejected_topic(partner),
            vec![format!("{TOPICS}partner.{partner}.")],
        ),
    ]
}

/// `coalition.partner.cdnow.events.v1` as `coalition.partner.cdnow.events.`: a later version of the topic is the partner's too.
fn without_version(topic: &str) -> String {
    topic.rsplit_once('.').map_or_else(|| topic.to_owned(), |(before, _)| format!("{before}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_prefix_of_one_partner_fits_another() {
        let ids = ["cd", "cdnow", "cd-now", "cd_now", "c", "partner", "events"];
        let ids = ids.map(|id| PartnerId::new(id).unwrap());
        for id in &ids {
            let granted = partner(&Principal::of(id), id);
            assert!(granted.iter().all(|grant| grant.pattern == Pattern::Prefixed));
            for other in ids.iter().filter(|other| *other != id) {
                for topic in [events_topic(other), rejected_topic(other)] {
                    let fits = granted.iter().flat_map(|grant| &grant.topics).any(|it| topic.starts_with(it));
                    assert!(!fits, "{id} gets {topic}");
                }
            }
        }
    }

    #[test]
    fn a_partner_writes_its_events_and_reads_what_was_rejected() {
        let cdnow = PartnerId::new("cdnow").unwrap();
        let granted = partner(&Principal::of(&cdnow), &cdnow);
        let may = |operation: &str, topic: &str| {
            granted.iter().any(|grant| {
                grant.operations.contains(&operation) && grant.topics.iter().any(|it| topic.starts_with(it))
            })
        };
        let (events, rejected) = ("coalition.partner.cdnow.events.v1", "coalition.partner.cdnow.rejected.v1");
        assert_eq!((may("Write", events), may("Read", events)), (true, false));
        assert_eq!((may("Write", rejected), may("Read", rejected)), (false, true));
        for topic in ["coalition.inbox.v1", "coalition.journal.v1"] {
            assert!(!may("Write", topic) && !may("Read", topic) && !may("Describe", topic));
        }
    }

    #[test]
    fn a_principal_is_one() {
        for (text, name) in [("cdnow", "cdnow"), ("User:CN=cdnow,O=CD Now", "CN=cdnow,O=CD Now")] {
            assert_eq!(Principal::new(text).unwrap().name(), name);
        }
        for text in ["", "*", "User:", "User:*", "-x", "a\nb"] {
            assert!(Principal::new(text).is_err(), "{text:?}");
        }
    }
}
