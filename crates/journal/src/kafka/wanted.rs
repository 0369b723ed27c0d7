//! The settings that a topic must have, or the log can't keep its promises.

use rdkafka::admin::NewTopic;

use super::settings::{FRAME_BYTES, Settings};

/// Whose topic it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Whose {
    /// The network's own: what is there is the truth.
    Networks,
    /// A partner's, which others may have made: events pass through it, and refusals back.
    Partners,
}

/// A setting of a topic and what it must be.
struct Wanted {
    name: &'static str,
    value: String,
    /// A number that will do as well, and so does any above it.
    least: Option<u64>,
    why: &'static str,
}

/// What each topic gets that is created here, and the network's own must have.
fn all(settings: &Settings) -> Vec<Wanted> {
    let exactly = |name, value: &str, why| Wanted { name, value: value.to_owned(), least: None, why };
    let or_more = |name, value: u64, why| Wanted { name, value: value.to_string(), least: Some(value), why };
    vec![
        exactly("cleanup.policy", "delete", "compaction would leave out records"),
        exactly("retention.ms", "-1", "records would be deleted by age"),
        exactly("retention.bytes", "-1", "records would be deleted by size"),
        exactly("message.timestamp.type", "LogAppendTime", "records would carry their writer's clock"),
        exactly("unclean.leader.election.enable", "false", "acknowledged records could be lost"),
        or_more(
            "min.insync.replicas",
            settings.min_insync_replicas.into(),
            "records would be acknowledged with too few copies",
        ),
        or_more(
            "max.message.bytes",
            (settings.record_bytes_max + FRAME_BYTES) as u64,
            "records would be refused that are allowed here",
        ),
    ]
}

/// What a topic must have. A partner's may be kept for days only, carry its writer's clock, and take no more than Kafka's
/// default: it is read at once, and nothing larger is written there.
fn wanted_of(settings: &Settings, whose: Whose) -> Vec<Wanted> {
    let mut all = all(settings);
    if whose == Whose::Partners {
        all.retain(|wanted| wanted.name != "message.timestamp.type");
        for wanted in &mut all {
            match wanted.name {
                "retention.ms" => (wanted.least, wanted.why) = (Some(DAY_MS), UNREAD),
                "retention.bytes" => wanted.why = UNREAD,
                "max.message.bytes" => {
                    let least = wanted.least.map(|least| least.min(PARTNERS_BYTES));
                    (wanted.value, wanted.least) = (PARTNERS_BYTES.to_string(), least);
                }
                _ => {}
            }
        }
    }
    all
}

/// How long what a partner wrote stays at least: nothing is read of it while the network is away.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const UNREAD: &str = "records could be deleted before they are read";

/// Kafka's default. The largest record that goes back to a partner has less.
const PARTNERS_BYTES: u64 = 1_048_588;

/// Gives a topic that is to be created the settings that it must have.
pub(super) fn give<'a>(
    settings: &Settings,
    topic: NewTopic<'a>,
    place: &'a mut Vec<(&'static str, String)>,
) -> NewTopic<'a> {
    place.extend(all(settings).into_iter().map(|wanted| (wanted.name, wanted.value)));
    place.iter().fold(topic, |topic, (name, value)| topic.set(name, value))
}

/// What is wrong with a topic whose settings are `found`, and what mends it; nothing if it has what it must have.
pub(super) fn faults(
    settings: &Settings,
    (topic, whose): (&str, Whose),
    replicas: usize,
    found: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let mut faults = Vec::new();
    let mut mends = Vec::new();
    for wanted in wanted_of(settings, whose) {
        let found = found(wanted.name).unwrap_or_else(|| "not set".to_owned());
        let enough = wanted.least.is_some_and(|least| found.parse::<u64>().is_ok_and(|found| found >= least));
        if found != wanted.value && !enough {
            let Wanted { name, value, why, .. } = wanted;
            faults.push(format!("{name} is {found}, not {value} ({why})"));
            mends.push(format!("{name}={value}"));
        }
    }
    let mut said = faults.join(", ");
    if !mends.is_empty() {
        said += &format!(
            "; mend it with: kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {topic} \
             --add-config {}",
            settings.bootstrap_servers,
            mends.join(",")
        );
    }
    if replicas < usize::from(settings.replication_factor) {
        let wanted = settings.replication_factor;
        let also = if said.is_empty() { "" } else { "; and " };
        said += &format!(
            "{also}its partitions have {replicas} copies, not {wanted}; mend it with kafka-reassign-partitions.sh"
        );
    }
    (!said.is_empty()).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(replicas: usize, changed: &[(&str, Option<&str>)], expected: Option<&str>) {
        check_of(Whose::Networks, replicas, changed, expected);
    }

    fn check_of(whose: Whose, replicas: usize, changed: &[(&str, Option<&str>)], expected: Option<&str>) {
        let record_bytes_max = if whose == Whose::Networks { 1000 } else { 2 << 20 };
        let settings = Settings { record_bytes_max, ..Settings::at("b:1") };
        let found = |name: &str| match changed.iter().find(|(changed, _)| *changed == name) {
            Some((_, value)) => value.map(str::to_owned),
            None => all(&settings).into_iter().find(|wanted| wanted.name == name).map(|wanted| wanted.value),
        };
        assert_eq!(faults(&settings, ("t", whose), replicas, found).as_deref(), expected);
    }

    #[test]
    fn a_topic_as_wanted_has_no_fault() {
        check(3, &[], None);
        check(5, &[("min.insync.replicas", Some("3")), ("max.message.bytes", Some("2025"))], None);
    }

    #[test]
    fn what_differs_is_named_with_what_mends_it() {
        let mend = "mend it with: kafka-configs.sh --bootstrap-server b:1 --alter --entity-type topics --entity-name t --add-config";
        check(
            3,
            &[("retention.ms", Some("604800000")), ("min.insync.replicas", Some("1"))],
            Some(&format!(
                "retention.ms is 604800000, not -1 (records would be deleted by age), min.insync.replicas is 1, not 2 \
                 (records would be acknowledged with too few copies); {mend} retention.ms=-1,min.insync.replicas=2"
            )),
        );
        check(
            3,
            &[("max.message.bytes", Some("2023"))],
            Some(&format!(
                "max.message.bytes is 2023, not 2024 (records would be refused that are allowed here); {mend} \
                 max.message.bytes=2024"
            )),
        );
        check(
            3,
            &[("cleanup.policy", None)],
            Some(&format!(
                "cleanup.policy is not set, not delete (compaction would leave out records); {mend} cleanup.policy=delete"
            )),
        );
    }

    #[test]
    fn too_few_copies_are_a_fault() {
        check(2, &[], Some("its partitions have 2 copies, not 3; mend it with kafka-reassign-partitions.sh"));
    }

    #[test]
    fn a_partners_topic_may_be_kept_for_days_and_made_with_kafkas_defaults() {
        let defaults = [
            ("retention.ms", Some("604800000")),
            ("message.timestamp.type", Some("CreateTime")),
            ("max.message.bytes", Some("1048588")),
        ];
        check_of(Whose::Partners, 3, &defaults, None);
        check_of(Whose::Partners, 3, &[("retention.ms", Some("86400000"))], None);
        for (name, found, wanted, why) in [
            ("cleanup.policy", "compact,delete", "delete", "compaction would leave out records"),
            ("retention.ms", "86399999", "-1", "records could be deleted before they are read"),
            ("retention.bytes", "1000000000", "-1", "records could be deleted before they are read"),
            ("unclean.leader.election.enable", "true", "false", "acknowledged records could be lost"),
            ("min.insync.replicas", "1", "2", "records would be acknowledged with too few copies"),
            ("max.message.bytes", "1048587", "1048588", "records would be refused that are allowed here"),
        ] {
            let settings = [("max.message.bytes", Some("1048588")), (name, Some(found))];
            let changed = if name == "max.message.bytes" { &settings[1..] } else { &settings[..] };
            let expected = format!(
                "{name} is {found}, not {wanted} ({why}); mend it with: kafka-configs.sh --bootstrap-server b:1 --alter \
                 --entity-type topics --entity-name t --add-config {name}={wanted}"
            );
            check_of(Whose::Partners, 3, changed, Some(&expected));
        }
    }
}
