"""Stopping nodes so that each leaves its partitions in good order and closes its logs."""

import time
from contextlib import suppress

from fail import UNCLEAN, Failure, say
from node import POLL_S

TIMEOUT_S = 60
# The active controller, told to stop, waits 5 s for a successor before it ends without one.
ALONE_S = 6


def gracefully(nodes, stopping):
    """Asks the `stopping` ones of a cluster's `nodes` to stop and waits for their end. Kills what doesn't; then it fails.

    A broker leaves by agreement with the controllers, and waits for minutes when most of them are gone: killed before, or
    quicker to stop. Then one of the gone nodes is started again, as a controller only, until the rest has left."""
    for one in stopping:
        one.ask_to_stop()
    deadline = time.monotonic() + TIMEOUT_S
    alone_since = helper = None
    try:
        while left := [one for one in stopping if one.state() != "stopped"]:
            running = [one for one in nodes if one.state() == "running"]
            gone = [one for one in nodes if one.state() == "stopped"]
            if len(running) > len(nodes) // 2:
                alone_since = None
            elif alone_since is None:
                alone_since = time.monotonic()
            elif helper is None and gone and time.monotonic() > alone_since + ALONE_S:
                helper = gone[0]
                stuck = [one.id for one in left]
                say(f"node(s) {stuck} can't leave without the others' controllers: node {helper.id} helps")
                helper.configure(roles="controller")
                helper.start()
            if time.monotonic() > deadline:
                for one in left:
                    one.kill()
                logs = ", ".join(str(one.log) for one in left)
                raise Failure(UNCLEAN, f"did not stop within {TIMEOUT_S} s and were killed: see {logs}")
            time.sleep(POLL_S)
    finally:
        if helper is not None:
            with suppress(Failure):
                helper.kill()  # it holds no partitions, and the controllers' log is synced as it is written
        for one in stopping:
            if one.state() == "stopped":
                one.pid_file.unlink(missing_ok=True)
