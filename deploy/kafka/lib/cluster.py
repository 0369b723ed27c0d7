"""A cluster of 1 or 3 nodes in a folder: planned once, then started and stopped any number of times."""

import base64
import fcntl
import json
import shutil
import signal
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

import artifacts
import stop
import tls
import users
import wire
from fail import BROKER, STATE, Failure, say
from node import POLL_S, Node
from ports import Held

LEADER_REPLICAS = "eligible.leader.replicas.version"


class Cluster:
    """The nodes that `folder`/cluster.json plans."""

    def __init__(self, folder):
        self.dir = Path(folder).resolve()
        self.file = self.dir / "cluster.json"
        self.plan = json.loads(self.file.read_text()) if self.file.exists() else None

    @contextmanager
    def locked(self):
        """Keeps other commands that change this cluster waiting."""
        self.dir.mkdir(parents=True, exist_ok=True)
        with open(self.dir / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.__init__(self.dir)  # another command may have planned meanwhile
            yield

    def nodes(self):
        if self.plan is None:
            raise Failure(STATE, f"no cluster in {self.dir}: `start` makes one there, --dir names another folder")
        return [Node(self.plan, entry, self.dir) for entry in self.plan["nodes"]]

    def node(self, number):
        for one in self.nodes():
            if one.id == number:
                return one
        raise Failure(STATE, f"no node {number}: there are 1 to {len(self.nodes())}")

    def running(self):
        return [one for one in self.nodes() if one.state() != "stopped"]

    def serving(self):
        """Numbers of the nodes that the controllers give partitions to, as the first broker that answers knows them."""
        for one in self.nodes():
            if one.state() == "running":
                with suppress(OSError):
                    return wire.alive(one.port)[0]
        return set()

    def bootstrap(self, listener="port"):
        """The addresses that a client is given: of the listener for all, of `sasl`, or of `tls`."""
        self.nodes()
        if any(listener not in entry for entry in self.plan["nodes"]):
            option = "--authorizer" if listener == "sasl" else "--tls"
            raise Failure(STATE, f"the cluster in {self.dir} has no {listener.upper()} listener: start a new one with {option}")
        return ",".join(f"127.0.0.1:{entry[listener]}" for entry in self.plan["nodes"])

    def make(self, wanted, users_file, base_port, held):
        """Plans a new cluster, or checks that the one that is there is what is `wanted` (None: as it is)."""
        if self.plan is not None:
            for key, value in wanted.items():
                if value is not None and value != self.plan_value(key):
                    raise Failure(STATE, f"the cluster in {self.dir} has {key} {self.plan_value(key)}, not {value}: `delete` "
                                         "it with all its data, or name another folder with --dir")
            if base_port not in (0, self.plan["nodes"][0]["port"]):
                raise Failure(STATE, f"the cluster in {self.dir} keeps its ports, {self.bootstrap()}: leave out --port")
            held.take([port for entry in self.plan["nodes"] for key, port in entry.items() if key != "id"], again=True)
            return
        count = wanted["brokers"] or 1
        authorizer = bool(wanted["authorizer"] or wanted["tls"])
        kinds = ["port", "controller"] + (["sasl"] if authorizer else []) + (["tls"] if wanted["tls"] else [])
        proxied = wanted.get("proxied") or []
        if any(len(ports) != count for ports in proxied):
            raise Failure(STATE, f"--proxied names {count} port(s), one for each broker")
        kinds += [f"proxied{number}" for number in range(len(proxied))]
        ports = held.free(count * len(kinds), base_port)
        nodes = [dict(id=i + 1, **{kind: ports[k * count + i] for k, kind in enumerate(kinds)}) for i in range(count)]
        if authorizer:
            users.write_clients(users.read(users_file), self.dir / "clients")
            shutil.copyfile(users_file, self.dir / "users")
        if wanted["tls"]:
            tls.make(self.dir)
        self.plan = {"kafka": artifacts.version(), "cluster_id": cluster_id(), "authorizer": authorizer,
                     "tls": bool(wanted["tls"]), "heap_mib": wanted["heap_mib"] or 512, "set": wanted["set"] or {},
                     "proxied": proxied, "nodes": nodes}
        self.file.write_text(json.dumps(self.plan, indent=2) + "\n")

    def plan_value(self, key):
        return len(self.plan["nodes"]) if key == "brokers" else self.plan.get(key)

    def start(self, wanted, users_file, base_port, timeout_s):
        """Starts all nodes and waits until they take requests; on any failure none is left."""
        artifacts.java()
        artifacts.libs()
        began = time.monotonic()
        with self.locked():
            new = self.plan is None
            if self.plan is not None and self.running():
                raise Failure(STATE, f"the cluster in {self.dir} runs already ({self.bootstrap()}): stop it first, or name "
                                     "another folder with --dir")
            held = Held()
            try:
                self.make(wanted, users_file, base_port, held)
                self.format()
                processes = {one.id: one.start() for one in self.nodes()}
                self.ready(processes, timeout_s)
                level = self.leader_replicas()
            except BaseException:
                for one in self.running() if self.plan else []:
                    with suppress(Failure):  # it died by itself
                        one.kill()
                if new:
                    self.forget()
                raise
            finally:
                held.release()
        say(f"{len(self.plan['nodes'])} broker(s) of Kafka {self.plan['kafka']} up in {time.monotonic() - began:.1f} s, "
            f"{LEADER_REPLICAS}={level}, files in {self.dir}")

    def forget(self):
        """Undoes the plan, perhaps of a first start that failed for its settings; the logs stay."""
        for one in self.nodes() if self.plan else []:
            shutil.rmtree(one.dir / "data", ignore_errors=True)
        self.file.unlink(missing_ok=True)

    def format(self):
        """Gives nodes without storage theirs, all at once: each takes a JVM's start."""
        nodes = self.nodes()
        for one in nodes:
            one.configure()
        for one, process in [(one, one.formatting()) for one in nodes]:
            one.formatted(process)

    def ready(self, processes, timeout_s):
        """Waits until each running node knows of all running ones and of a controller, which is when it serves them."""
        up = {one.id: one for one in self.nodes() if one.id in processes or one.state() == "running"}
        waiting = dict(up)
        deadline = time.monotonic() + timeout_s
        while waiting:
            for number, one in list(waiting.items()):
                process = processes.get(number)
                if process is not None and process.poll() is not None:
                    raise Failure(BROKER, f"node {number} died with exit code {process.returncode}: see {one.log}"
                                          f"{one.last_words()}")
                if answers(one.port, set(up)):
                    del waiting[number]
            if waiting and time.monotonic() > deadline:
                logs = ", ".join(str(one.log) for one in waiting.values())
                raise Failure(BROKER, f"node(s) {list(waiting)} not ready within {timeout_s} s: see {logs}")
            if waiting:
                time.sleep(POLL_S)

    def leader_replicas(self):
        """The level of the feature that the journal's safety on acks=all needs; at least 1."""
        try:
            level = next(wire.features(one.port) for one in self.nodes() if one.state() == "running").get(LEADER_REPLICAS, 0)
        except (OSError, StopIteration) as error:
            raise Failure(BROKER, f"no broker tells the level of {LEADER_REPLICAS}: {error}") from None
        if level < 1:
            raise Failure(BROKER, f"{LEADER_REPLICAS} is {level} in {self.dir}: delete the folder and start anew")
        return level

    def stop(self, now=False):
        """Stops all nodes, or kills them `now`. A node that had to be killed because it didn't stop is a failure."""
        with self.locked():
            running = self.running()
            if now:
                for one in running:
                    one.kill()
            else:
                stop.gracefully(self.nodes(), running)
        say(f"{'killed' if now else 'stopped'} {len(running)} broker(s) in {self.dir}")

    def delete(self):
        """Kills the nodes and deletes what they hold, and the plan: the next start makes a new cluster. The logs stay."""
        with self.locked():
            for one in self.running():
                one.kill()
            self.forget()
        say(f"deleted the cluster in {self.dir}; `start` makes a new one")

    def restart(self, number, timeout_s):
        """Stops a node if it runs, starts it, and waits until it serves with the others."""
        with self.locked():
            one = self.node(number)
            if one.state() != "stopped":
                stop.gracefully(self.nodes(), [one])
            one.configure()
            self.ready({number: one.start()}, timeout_s)
        say(f"node {number} is back")

    def to_state(self, number, signal_number, state):
        """Pauses or resumes a node."""
        with self.locked():
            one = self.node(number)
            one.signal(signal_number)
            if not one.become(state, timeout_s=5):
                raise Failure(BROKER, f"node {number} is not {state} but {one.state()}")

    def pause(self, number):
        self.to_state(number, signal.SIGSTOP, "paused")

    def resume(self, number):
        self.to_state(number, signal.SIGCONT, "running")

    def kill(self, number):
        with self.locked():
            self.node(number).kill()


def answers(port, expected):
    """The broker at this port serves, and knows all the expected ones and a controller."""
    try:
        ids, controller = wire.alive(port)
    except OSError:
        return False
    return expected <= ids and controller >= 0


def cluster_id():
    """16 random bytes as Kafka writes them; one that starts with a dash would be taken for an option."""
    text = "-"
    while text.startswith("-"):
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return text
