"""Two questions of Kafka's protocol, asked over a bare socket: a JVM tool would take a second for each.

Formats: https://kafka.apache.org/protocol, requests Metadata (3) version 1 and ApiVersions (18) version 3.
"""

import socket
import struct

TIMEOUT_S = 2
METADATA, API_VERSIONS = 3, 18


def alive(port):
    """What the broker at this port knows: (ids of the brokers that are up, id of the controller or -1).

    Raises OSError when it doesn't answer."""
    answer = Reader(ask(port, METADATA, 1, b"", struct.pack(">i", 0)))
    ids = set()
    for _ in range(answer.int(4)):
        ids.add(answer.int(4))
        answer.string()  # host
        answer.int(4)  # port
        answer.string()  # rack
    return ids, answer.int(4)


def features(port):
    """The feature levels in force in the cluster, by name. Raises OSError when the broker doesn't answer."""
    # The header's tags, then the client's name and version and the body's tags.
    answer = Reader(ask(port, API_VERSIONS, 3, b"\0", b"\x06check\x021\0"))
    if answer.int(2) != 0:
        raise OSError("the broker refuses to tell its versions")
    for _ in range(answer.varint() - 1):
        answer.take(6)  # api key, its lowest and highest version
        answer.skip_tags()
    answer.int(4)  # throttle time
    levels = {}
    for _ in range(answer.varint()):
        tag, size = answer.varint(), answer.varint()
        field = Reader(answer.take(size))
        if tag == 2:
            for _ in range(field.varint() - 1):
                name = field.take(field.varint() - 1).decode()
                levels[name] = field.int(2)
                field.int(2)  # lowest level
                field.skip_tags()
    return levels


def ask(port, api, version, header_tags, body):
    """One request, one answer without its correlation id."""
    client = b"check"
    request = struct.pack(">hhih", api, version, 1, len(client)) + client + header_tags + body
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as link:
        link.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", receive(link, 4))
        return receive(link, size)[4:]


def receive(link, size):
    """Exactly `size` bytes."""
    got = b""
    while len(got) < size:
        part = link.recv(size - len(got))
        if not part:
            raise OSError("the broker closed the connection")
        got += part
    return got


class Reader:
    """Takes an answer apart, front to back."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if size < 0 or self.at + size > len(self.data):
            raise OSError("the answer is cut short")
        self.at += size
        return self.data[self.at - size : self.at]

    def int(self, size):
        return int.from_bytes(self.take(size), "big", signed=True)

    def string(self):
        size = self.int(2)
        return self.take(size) if size >= 0 else None

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def skip_tags(self):
        for _ in range(self.varint()):
            self.varint()
            self.take(self.varint())
