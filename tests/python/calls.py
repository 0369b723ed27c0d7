"""What programs without our code need to call the network: keys, request ids, and events that are sent and waited for."""

import datetime
import os
import time
import uuid

import grpc
from coalition.event.v1 import partner_event_pb2 as event_pb2, partner_event_pb2_grpc as event_pb2_grpc


def request_id():
    """A UUID of version 7: the time in milliseconds, then chance."""
    value = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    return str(uuid.UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62))


def key(path):
    """What each call with the key in this file takes along."""
    with open(path, encoding="ascii") as file:
        return {"metadata": [("authorization", f"Bearer {file.read().strip()}")], "timeout": 30}


def publish(channel, caller, event_id, identifier, **body):
    """Sends an event of the shop and waits for its decision."""
    events = event_pb2_grpc.PartnerEventServiceStub(channel)
    event = event_pb2.PartnerEvent(event_id=event_id, identifier=identifier, **body)
    event.event_time.FromDatetime(datetime.datetime.now(datetime.timezone.utc))
    events.PublishEvents(event_pb2.PublishEventsRequest(partner="partners/shop", events=[event]), **caller)
    asked = event_pb2.GetPartnerEventRequest(partner="partners/shop", event_id=event_id, identifier=identifier)
    end = time.monotonic() + 60
    while True:
        try:
            return events.GetPartnerEvent(asked, **caller)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.NOT_FOUND or time.monotonic() > end:
                raise
