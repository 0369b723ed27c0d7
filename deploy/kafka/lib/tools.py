"""Kafka's own command line tools, by the names of its distribution."""

import os

import artifacts
from fail import Failure, STATE

# Main class, and the option that names the cluster where the tool has one.
SERVER = "--bootstrap-server"
TOOLS = {
    "kafka-acls": ("org.apache.kafka.tools.AclCommand", SERVER),
    "kafka-broker-api-versions": ("org.apache.kafka.tools.BrokerApiVersionsCommand", SERVER),
    "kafka-configs": ("kafka.admin.ConfigCommand", SERVER),
    "kafka-console-consumer": ("org.apache.kafka.tools.consumer.ConsoleConsumer", SERVER),
    "kafka-console-producer": ("org.apache.kafka.tools.ConsoleProducer", SERVER),
    "kafka-consumer-groups": ("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", SERVER),
    "kafka-delete-records": ("org.apache.kafka.tools.DeleteRecordsCommand", SERVER),
    "kafka-dump-log": ("org.apache.kafka.tools.DumpLogSegments", None),
    "kafka-features": ("org.apache.kafka.tools.FeatureCommand", SERVER),
    "kafka-get-offsets": ("org.apache.kafka.tools.GetOffsetShell", SERVER),
    "kafka-leader-election": ("org.apache.kafka.tools.LeaderElectionCommand", SERVER),
    "kafka-metadata-quorum": ("org.apache.kafka.tools.MetadataQuorumCommand", SERVER),
    "kafka-producer-perf-test": ("org.apache.kafka.tools.ProducerPerformance", SERVER),
    "kafka-storage": ("kafka.tools.StorageTool", None),
    "kafka-topics": ("org.apache.kafka.tools.TopicCommand", SERVER),
}


def run(cluster, name, args):
    """Becomes the tool, so that its exit code and signals are its own."""
    if name not in TOOLS:
        raise Failure(STATE, f"no tool {name}; there are {', '.join(TOOLS)}")
    main_class, option = TOOLS[name]
    named = any(arg.startswith(("--bootstrap-server", "--bootstrap-controller")) for arg in args)
    if option and not named and "--help" not in args and "--version" not in args:
        if not cluster.running():
            raise Failure(STATE, f"no broker runs in {cluster.dir}: start the cluster, or name its folder with --dir")
        # First, since the arguments may have sub-commands with options of their own.
        args = [option, cluster.bootstrap(), *args]
    command = artifacts.command(main_class, args, ["-Xmx256m"])
    os.execv(command[0], command)
