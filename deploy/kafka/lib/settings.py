"""A node's server.properties: what the network's design asks of its log, and what makes small clusters quick to test on."""

import tls
import users

# Value of 1 MiB, with room for its key, headers and the frame of a batch; Kafka's own default has none.
MESSAGE_BYTES_MAX = 1024 * 1024 + 64 * 1024


def node(plan, one, folder, roles):
    """All settings of one of the plan's nodes, whose files are in `folder`, for `broker,controller` or `controller`."""
    count = len(plan["nodes"])
    copies, in_sync = (3, 2) if count >= 3 else (1, 1)
    settings = {
        "node.id": one["id"],
        "process.roles": roles,
        "controller.quorum.voters": ",".join(f"{n['id']}@127.0.0.1:{n['controller']}" for n in plan["nodes"]),
        "controller.listener.names": "CONTROLLER",
        "listeners": f"CONTROLLER://127.0.0.1:{one['controller']}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SASL_SSL",
        "log.dirs": folder / "data",
        # The journal's demands: an acknowledged record is on two brokers, and only one of those can lead after.
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "unclean.leader.election.enable": "false",
        # A mistyped topic is an error, and no topic is made with settings that nobody chose.
        "auto.create.topics.enable": "false",
        "message.max.bytes": MESSAGE_BYTES_MAX,
        # Kafka's own topics: as safe as the others, with as few partitions as tests need.
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": 2,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": 2,
        # How long the leaders of a killed broker are missed, and how long it must wait until it may come back: 9 s by
        # default. Not less than this: two busy cores keep a broker from telling that it lives for seconds.
        "broker.session.timeout.ms": 5000,
        "broker.heartbeat.interval.ms": 1000,
        # Tests join groups all the time: don't wait 3 s for more members.
        "group.initial.rebalance.delay.ms": 0,
        # 128 MiB by default, a quarter of the heap, for keys of compacted topics; these are small here.
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
    }
    broker = roles != "controller"
    if broker:
        settings["inter.broker.listener.name"] = "PLAINTEXT"
        settings["listeners"] += f",PLAINTEXT://127.0.0.1:{one['port']}"
    if plan["authorizer"]:
        settings.update(authorizer(users.read(folder.parent / "users")))
        settings["listeners"] += f",SASL://127.0.0.1:{one['sasl']}" if broker else ""
    if plan.get("tls"):
        settings.update(tls.broker(folder.parent))
        settings["listeners"] += f",TLS://127.0.0.1:{one['tls']}" if broker else ""
    proxied = plan.get("proxied", [])
    if broker and proxied:
        # What stands between clients and brokers has their addresses; among themselves brokers have no such thing.
        names = [f"PROXIED{number}" for number in range(len(proxied))]
        direct = [listener for listener in settings["listeners"].split(",") if not listener.startswith("CONTROLLER")]
        settings["listeners"] += "".join(f",{name}://127.0.0.1:{one[name.lower()]}" for name in names)
        settings["listener.security.protocol.map"] += "".join(f",{name}:PLAINTEXT" for name in names)
        told = [f"{name}://127.0.0.1:{ports[one['id'] - 1]}" for name, ports in zip(names, proxied)]
        settings["advertised.listeners"] = ",".join([*direct, *told])
    settings.update(plan["set"])
    return settings


def authorizer(names):
    """ACLs in force on the SASL listener. The other one, for brokers and the operator's tools, stays open to all."""
    plain, scram = users.plain_jaas(names), "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:ANONYMOUS;User:{users.OPERATOR}",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        **{f"listener.name.{name}.plain.sasl.jaas.config": plain for name in ("sasl", "tls")},
        **{f"listener.name.{name}.scram-sha-512.sasl.jaas.config": scram for name in ("sasl", "tls")},
    }


def text(settings):
    """As a properties file."""
    return "".join(f"{key}={value}\n" for key, value in settings.items())
