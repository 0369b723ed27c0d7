//! What `coalition topics` says before it reaches any broker.

use crate::network::{command, end};

#[test]
fn brokers_have_to_be_named() {
    for args in ["topics create", "topics acls --partner cdnow"] {
        end(command(args)).failed(2, "no brokers: give --kafka HOST:PORT, or a --config FILE");
    }
    end(command("topics create --kafka b:1 --shards 0")).failed(1, "network.shards lies between 1 and 1024");
}

#[test]
fn a_line_for_each_right_and_quota() {
    let printed = end(command(
        "topics acls --kafka b1:9092,b2:9092 --partner partners/cdnow --partner cd --principal cdnow=CN=cdnow,O=CDNow;x \
         --producer-byte-rate 1000 --tools /opt/{}",
    ))
    .good();
    let acls = "/opt/kafka-acls --bootstrap-server b1:9092,b2:9092 --add --allow-principal";
    let configs =
        "/opt/kafka-configs --bootstrap-server b1:9092,b2:9092 --alter --entity-type users --entity-name";
    let expected = [
        format!(
            "{acls} User:cd --operation Write --operation Describe --topic coalition.partner.cd.events. \
             --resource-pattern-type prefixed </dev/null"
        ),
        format!(
            "{acls} User:cd --operation Read --operation Describe --topic coalition.partner.cd.rejected. --group \
             coalition.partner.cd. --resource-pattern-type prefixed </dev/null"
        ),
        format!(
            "{configs} cd --add-config producer_byte_rate=1000,consumer_byte_rate=5242880,request_percentage=100 </dev/null"
        ),
        format!(
            "{acls} 'User:CN=cdnow,O=CDNow;x' --operation Write --operation Describe --topic \
             coalition.partner.cdnow.events. --resource-pattern-type prefixed </dev/null"
        ),
        format!(
            "{acls} 'User:CN=cdnow,O=CDNow;x' --operation Read --operation Describe --topic \
             coalition.partner.cdnow.rejected. --group coalition.partner.cdnow. --resource-pattern-type prefixed </dev/null"
        ),
        format!(
            "{configs} 'CN=cdnow,O=CDNow;x' --add-config \
             producer_byte_rate=1000,consumer_byte_rate=5242880,request_percentage=100 </dev/null"
        ),
    ];
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);

    let printed = end(command("topics acls --kafka b1:9092,b2:9092 --tools /opt/{}")).good();
    let expected = [
        format!(
            "{acls} User:coalition --operation Read --operation Write --operation Describe --operation DescribeConfigs \
             --operation Create --topic coalition. --resource-pattern-type prefixed </dev/null"
        ),
        format!(
            "{acls} User:coalition --operation Delete --topic coalition.inbox.v1 --topic coalition.group.v1 \
             --resource-pattern-type literal </dev/null"
        ),
        format!(
            "{acls} User:coalition --operation Read --operation Describe --group coalition-intake --group \
             coalition-reader --resource-pattern-type literal </dev/null"
        ),
    ];
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected, "nobody else's rights beside the network's");
    let kept = end(command("topics acls --kafka b:1 --no-create")).good();
    assert_eq!((kept.lines().count(), kept.contains("Create")), (3, false));
}

#[test]
fn a_principal_is_one_partys() {
    for (args, words) in [
        ("--partner a --partner b --principal a=b", "b can't have the principal b, which is another's too"),
        ("--partner coalition", "coalition can't have the principal coalition"),
        ("--partner a --principal b=c", "--principal names b, which is no --partner"),
        ("--partner a --principal a=c --principal a=d", "--principal names a twice"),
        ("--partner a --principal a=*", "write the name of one principal"),
        ("--partner a --principal a", "write it as PARTNER=NAME"),
        ("--partner a --tools kafka-acls", "write {} where the tool's name stands"),
    ] {
        end(command(&format!("topics acls --kafka b:1 {args}"))).failed(2, words);
    }
}

#[test]
#[cfg(feature = "kafka")]
fn brokers_that_nobody_answers_at_are_no_failure_of_the_command() {
    // Nobody listens on the discard port.
    let ended = end(command("topics create --kafka 127.0.0.1:9 --replication-factor 1"));
    assert!(ended.err.matches("brokers are down").count() <= 1, "{}", ended.err);
    ended.failed(5, "`deploy/kafka/kafka start` starts one to try things on");
}
