//! The settings that a topic must have, or the log can't keep its promises.

use rdkafka::admin::NewTopic;

use super::settings::{FRAME_BYTES, Settings};

/// A setting of a topic and what it must be.
struct Wanted {
    name: &'static str,
    value: String,
    /// Whether more will do as well.
    or_more: bool,
    why: &'static str,
}

fn all(settings: &Settings) -> Vec<Wanted> {
    let exactly = |name, value: &str, why| Wanted { name, value: value.to_owned(), or_more: false, why };
    let or_more = |name, value: String, why| Wanted { name, value, or_more: true, why };
    vec![
        exactly("cleanup.policy", "delete", "compaction would leave out records"),
        exactly("retention.ms", "-1", "records would be deleted by age"),
        exactly("retention.bytes", "-1", "records would be deleted by size"),
        exactly("message.timestamp.type", "LogAppendTime", "records would carry their writer's clock"),
        exactly("unclean.leader.election.enable", "false", "acknowledged records could be lost"),
        or_more(
            "min.insync.replicas",
            settings.min_insync_replicas.to_string(),
            "records would be acknowledged with too few copies",
        ),
        or_more(
            "max.message.bytes",
            (settings.record_bytes_max + FRAME_BYTES).to_string(),
            "records would be refused that are allowed here",
        ),
    ]
}

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
    topic: &str,
    replicas: usize,
    found: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let mut faults = Vec::new();
    let mut mends = Vec::new();
    for wanted in all(settings) {
        let found = found(wanted.name).unwrap_or_else(|| "not set".to_owned());
        let number = |text: &str| text.parse::<u64>().ok();
        let enough = wanted.or_more && number(&found) >= number(&wanted.value) && number(&found).is_some();
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
        let settings = Settings { record_bytes_max: 1000, ..Settings::at("b:1") };
        let found = |name: &str| match changed.iter().find(|(changed, _)| *changed == name) {
            Some((_, value)) => value.map(str::to_owned),
            None => all(&settings).into_iter().find(|wanted| wanted.name == name).map(|wanted| wanted.value),
        };
        assert_eq!(faults(&settings, "t", replicas, found).as_deref(), expected);
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
}
