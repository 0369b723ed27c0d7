"""Ports on loopback: chosen, and held until the brokers have them, so that clusters started at once don't collide."""

import random
import socket

from fail import PORT, Failure

# Below the range from which the kernel takes the local ports of outgoing connections (32768 on Linux): a client that
# keeps trying a dead broker's port in that range can be given this very port, connect to itself, and block its restart.
LOW, HIGH = 15000, 32000


class Held:
    """Bound sockets. Other commands' `free` fails on them; a broker, which binds with SO_REUSEADDR, can still have them."""

    def __init__(self):
        self.sockets = []

    def free(self, count, base=0):
        """`count` ports in a row that nobody has: from `base`, or anywhere if it is 0."""
        if base:
            self.take(range(base, base + count))
            return list(range(base, base + count))
        for _ in range(1000):
            start = random.randrange(LOW, HIGH - count)
            try:
                self.take(range(start, start + count))
                return list(range(start, start + count))
            except Failure:
                continue
        raise Failure(PORT, f"no {count} free ports in a row between {LOW} and {HIGH} on 127.0.0.1")

    def take(self, ports, again=False):
        """Holds these ports or none. `again`: a cluster's own, on which closed connections of its last run may linger."""
        taken = []
        for port in ports:
            held = socket.socket()
            taken.append(held)
            try:
                held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(again))
                held.bind(("127.0.0.1", port))
                held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            except OSError as error:
                for one in taken:
                    one.close()
                raise Failure(PORT, f"port {port} on 127.0.0.1 can't be had ({error.strerror.lower()}): stop what uses it, "
                                    "or start in another folder or with another --port") from None
        self.sockets += taken

    def release(self):
        for held in self.sockets:
            held.close()
        self.sockets.clear()
