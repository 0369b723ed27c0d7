"""One node, broker and controller in one process: its folder, its process, its log."""

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import artifacts
import settings
import users
from fail import BROKER, STATE, UNCLEAN, Failure, say

POLL_S = 0.02
KILL_TIMEOUT_S = 10


class Node:
    """Node of a plan. Its pid file counts only while that process runs with this node's settings file."""

    def __init__(self, plan, entry, cluster_dir):
        self.plan, self.entry, self.id, self.port = plan, entry, entry["id"], entry["port"]
        self.dir = Path(cluster_dir) / str(self.id)
        self.properties = self.dir / "server.properties"
        self.log = self.dir / "broker.log"
        self.pid_file = self.dir / "pid"

    def pid(self):
        """Its process, or None. A number that the system gave to another process meanwhile is not taken for it."""
        try:
            pid = int(self.pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(self.properties) in command else None

    def state(self):
        """`running`, `paused` or `stopped`."""
        pid = self.pid()
        try:
            stat = Path(f"/proc/{pid}/stat").read_text() if pid else ""
        except OSError:
            return "stopped"
        letter = stat.rpartition(")")[2].strip()[:1]
        return "stopped" if letter in ("", "Z", "X") else "paused" if letter == "T" else "running"

    def memory_mib(self):
        """Resident memory of its process."""
        try:
            status = Path(f"/proc/{self.pid()}/status").read_text()
        except OSError:
            return 0
        rss = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(rss.group(1)) // 1024 if rss else 0

    def configure(self, roles="broker,controller"):
        """Writes server.properties anew, so that a change of the cluster's users is taken up by a restart."""
        self.dir.mkdir(parents=True, exist_ok=True)
        (self.dir / "tmp").mkdir(exist_ok=True)
        self.properties.write_text(settings.text(settings.node(self.plan, self.entry, self.dir, roles)))

    def formatting(self):
        """A started process that formats the storage, or None if it is formatted."""
        if (self.dir / "data" / "meta.properties").exists():
            return None
        args = ["format", "--cluster-id", self.plan["cluster_id"], "--config", str(self.properties),
                # The default since Kafka 4.1; the journal relies on it, so it is not left to a default.
                "--feature", "eligible.leader.replicas.version=1"]
        if self.plan["authorizer"]:
            args += users.scram_args(users.read(self.dir.parent / "users"))
        with open(self.log, "ab") as log:
            command = artifacts.command("kafka.tools.StorageTool", args)
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def formatted(self, process):
        """Waits for what `formatting` gave."""
        if process is not None and process.wait() != 0:
            raise Failure(BROKER, f"the storage of node {self.id} can't be formatted: see {self.log}{self.last_words()}")

    def start(self):
        """Starts its process, which outlives this command. It has no terminal: Ctrl-C does not reach it."""
        jvm = [f"-Xmx{self.plan['heap_mib']}m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
               f"-Djava.io.tmpdir={self.dir / 'tmp'}", "-Dkafka.log.level=INFO"]
        with open(self.log, "ab") as log:
            command = artifacts.command("kafka.Kafka", [str(self.properties)], jvm)
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.pid_file.write_text(f"{process.pid}\n")
        # Its command line is empty for a moment; nobody shall look at it and think that it doesn't run.
        while self.pid() is None and process.poll() is None:
            time.sleep(POLL_S)
        return process

    def signal(self, *numbers):
        """Sends signals; says no if it doesn't run."""
        pid = self.pid()
        if pid is None:
            raise Failure(STATE, f"node {self.id} doesn't run: start it with `restart {self.id}`")
        with suppress(ProcessLookupError):
            for number in numbers:
                os.kill(pid, number)

    def become(self, state, timeout_s):
        """Waits until it is in this state; False if it isn't within the time."""
        deadline = time.monotonic() + timeout_s
        while self.state() != state:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def ask_to_stop(self):
        """SIGTERM; a paused process must go on to hear it."""
        self.signal(signal.SIGTERM, signal.SIGCONT)

    def kill(self):
        """SIGKILL, and waits for the end."""
        self.signal(signal.SIGKILL)
        if not self.become("stopped", KILL_TIMEOUT_S):
            raise Failure(UNCLEAN, f"node {self.id} (pid {self.pid()}) survives being killed")
        self.pid_file.unlink(missing_ok=True)

    def last_words(self):
        """Why it may have died: the last errors of its log, else its end."""
        lines = self.log.read_text(errors="replace").splitlines()[-400:] if self.log.exists() else []
        words = [line for line in lines if re.search(r" (ERROR|FATAL) |Exception|OutOfMemory", line)][-4:] or lines[-4:]
        return "".join(f"\n  {line}" for line in words)
