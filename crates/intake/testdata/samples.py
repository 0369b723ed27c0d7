"""Writes samples.json: one purchase as partners' own libraries frame it for Kafka, by none of our code.

    python3 -m venv venv
    venv/bin/pip install grpcio-tools==1.85.1 protobuf==7.36.2 cloudevents==2.2.0 confluent-kafka==2.16.1 \
        attrs authlib cachetools googleapis-common-protos httpx
    venv/bin/python -m grpc_tools.protoc -I../../../proto --python_out=venv \
        $(cd ../../../proto && find coalition -name '*.proto')
    PYTHONPATH=venv venv/bin/python samples.py > samples.json

The samples are kept for ever: add to them, never make them anew.
"""

import base64
import json
import struct
from datetime import datetime, timezone

from cloudevents.core.bindings.kafka import to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import json_format

from coalition.event.v1.partner_event_pb2 import PartnerEvent

NAMES = {
    "event_id": "order-00012",
    "partner": "partners/cdnow",
    "programme": "programmes/web-miles",
    "identifier": {
        "scheme": "IDENTIFIER_SCHEME_EMAIL_HASH",
        "value": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    },
    "event_time": "1997-01-12T00:00:00.000250Z",
    "channel": "web",
    "purchase": {
        "order_id": "00012-1",
        "amount": {"currency_code": "USD", "units": "77", "nanos": 960000000},
    },
}
EVENT = json_format.ParseDict(NAMES, PartnerEvent())
BARE = EVENT.SerializeToString()
CAMEL = json_format.MessageToJson(EVENT).encode()
# By number what has a name, as a number what is a text, an hour off what is UTC, and null what is not set.
LOOSE = NAMES | {
    "identifier": NAMES["identifier"] | {"scheme": 1, "scope": None},
    "event_time": "1997-01-12T01:00:00.00025+01:00",
    "purchase": {"order_id": "00012-1", "amount": NAMES["purchase"]["amount"] | {"units": 77, "nanos": "960000000"}},
    "sign_up": None,
}
WITHOUT_ID_AND_TIME = {name: value for name, value in NAMES.items() if name not in ("event_id", "event_time")}
TIME = datetime(1997, 1, 12, 0, 0, 0, 250, tzinfo=timezone.utc)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

samples = []


def sample(name, value, headers=()):
    text = {}
    try:
        text["value"] = value.decode("ascii")
        assert text["value"].isprintable() or "{" in text["value"]
    except (UnicodeDecodeError, AssertionError):
        text = {"value_hex": value.hex()}
    headers = [[key, held.decode()] for key, held in headers]
    samples.append({"name": name, "headers": headers} | text)


def cloud_event(content_type, data, **more):
    attributes = {
        "id": "order-00012",
        "source": "https://shop.example/tills/4",
        "type": "example.shop.purchase",
        "time": TIME,
        "datacontenttype": content_type,
    }
    return CloudEvent(attributes | more, data)


def framed(message):
    return message.headers.items(), message.value


def registry_framed():
    client = SchemaRegistryClient.new_client({"url": "mock://samples"})
    serialize = ProtobufSerializer(PartnerEvent, client, {"use.deprecated.format": False})
    return serialize(EVENT, SerializationContext("events", MessageField.VALUE))


sample("bare protobuf", BARE)
sample("bare protobuf, declared", BARE, [("content-type", b"application/x-protobuf")])
sample("JSON, names in camel case", CAMEL)
sample("JSON, names as in the API", json.dumps(NAMES).encode(), [("content-type", b"application/json")])
sample("JSON, the other forms of values", json.dumps(LOOSE).encode(), [("content-type", b"application/json; charset=utf-8")])
sample("JSON behind a line feed, declared", b"\n" + CAMEL, [("Content-Type", b"Application/JSON")])

headers, value = framed(to_binary(cloud_event("application/protobuf", BARE), JSONFormat()))
sample("CloudEvent, binary, protobuf", value, headers)
headers, value = framed(to_binary(cloud_event("application/json", NAMES, traceparent=TRACE), JSONFormat()))
sample("CloudEvent, binary, JSON, traced", value, headers)
headers, value = framed(to_binary(cloud_event("application/json", WITHOUT_ID_AND_TIME), JSONFormat()))
sample("CloudEvent, binary, id and time in its headers alone", value, headers)
headers, value = framed(to_structured(cloud_event("application/json", NAMES), JSONFormat()))
sample("CloudEvent, structured, JSON", value, headers)
headers, value = framed(to_structured(cloud_event("application/json", WITHOUT_ID_AND_TIME, traceparent=TRACE), JSONFormat()))
sample("CloudEvent, structured, id and time outside of the data, traced", value, headers)
headers, value = framed(to_structured(cloud_event("application/protobuf", BARE), JSONFormat()))
sample("CloudEvent, structured, protobuf in base64", value, headers)

sample("schema registry", registry_framed())
# By hand from the documented layout, with the message's index written out: one index, 0, each as a zigzag varint.
sample("schema registry, index written out", struct.pack(">bI", 0, 70_000) + b"\x02\x00" + BARE)
headers, _ = framed(to_binary(cloud_event("application/protobuf", BARE), JSONFormat()))
sample("CloudEvent, binary, schema registry", registry_framed(), headers)

assert base64.b64encode(BARE).decode() in next(it for it in samples if "base64" in it["name"])["value"]
print(json.dumps(samples, indent=1))
