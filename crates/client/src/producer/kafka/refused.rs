//! The settings of librdkafka that are no caller's to make, each with its reason.

const OWN: &str = "the transport makes it itself";
const WHOLE: &str = "events would be lost or lose their order";
const OTHER_NAME: &str = "it is another name of delivery.timeout.ms";
const CONFIRMED: &str = "confirmations would stay out, and be waited for";
const TOGETHER: &str = "the events of one customer go to one partition";
const BATCH: &str = "what is published at once has to fit, 1,000 events or a mebibyte";
const LONGEST: &str = "every event has to fit, of up to 64 KiB";
const FOR_EVER: &str =
    "it is a number of milliseconds from 1 on: an event that nobody confirms would be waited for without end";

/// Names of settings, aliases too, and the reason why they are fixed.
const FIXED: &[(&str, &str)] = &[
    ("bootstrap.servers", OWN),
    ("metadata.broker.list", OWN),
    ("acks", WHOLE),
    ("request.required.acks", WHOLE),
    ("enable.idempotence", WHOLE),
    ("enable.gapless.guarantee", WHOLE),
    ("queuing.strategy", WHOLE),
    ("transactional.id", WHOLE),
    ("message.timeout.ms", OTHER_NAME),
    ("delivery.report.only.error", CONFIRMED),
    ("partitioner", TOGETHER),
    ("sticky.partitioning.linger.ms", TOGETHER),
    ("queue.buffering.max.messages", BATCH),
    ("queue.buffering.max.kbytes", BATCH),
    ("message.max.bytes", LONGEST),
];

/// Why a setting can't be chosen; `None` if it can.
pub(super) fn reason(name: &str, value: &str) -> Option<&'static str> {
    if name == "delivery.timeout.ms" {
        return (!value.parse::<u32>().is_ok_and(|ms| ms > 0)).then_some(FOR_EVER);
    }
    FIXED.iter().find(|(fixed, _)| *fixed == name).map(|(_, reason)| *reason)
}
