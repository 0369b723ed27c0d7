"""A partner gone mad: random bytes and mutated events, protobuf and JSON, drawn by a seed.

    junk.py SERVERS TOPIC SEED TIME COUNT

TIME is when all events happened, in seconds since 1970: with one seed and one time all bytes are the same again. Needs the
modules of proto/ on the PYTHONPATH. Prints the number of records that brokers acknowledged.
"""

import random
import sys

from confluent_kafka import Producer
from google.protobuf import json_format

from coalition.event.v1 import partner_event_pb2
from coalition.type.v1 import identifier_pb2


def event(chance, number, time):
    """A good event with an id of its own."""
    good = partner_event_pb2.PartnerEvent(
        event_id=f"j{number:07}",
        identifier=identifier_pb2.Identifier(
            scheme=identifier_pb2.IDENTIFIER_SCHEME_CUSTOMER_NUMBER, value=str(chance.randrange(1000))
        ),
    )
    good.event_time.FromSeconds(time)
    good.purchase.order_id = f"o{number}"
    good.purchase.amount.currency_code = "USD"
    good.purchase.amount.units = 1 + number % 50
    return good


def mutated(chance, value):
    """Up to three bytes are changed, left out or put in, or the end is cut off."""
    value = bytearray(value)
    for _ in range(chance.randint(0, 3)):
        place = chance.randrange(len(value) + 1)
        kind = chance.randrange(4)
        if kind == 0 and place < len(value):
            value[place] ^= 1 << chance.randrange(8)
        elif kind == 1 and place < len(value):
            del value[place]
        elif kind == 2:
            value.insert(place, chance.randrange(256))
        elif chance.randrange(4) == 0:
            del value[place:]
    return bytes(value)


def main():
    servers, topic, seed, time, count = sys.argv[1:]
    time = int(time)
    chance = random.Random(int(seed))
    producer = Producer(
        {"bootstrap.servers": servers, "acks": "all", "enable.idempotence": True, "linger.ms": 20}
    )
    acked = 0

    def delivered(error, _):
        nonlocal acked
        if error is not None:
            sys.exit(str(error))
        acked += 1

    types = [None, "application/json", "application/protobuf", "application/cloudevents+json", "text/plain", "\udc80"]
    for number in range(int(count)):
        kind = chance.randrange(3)
        if kind == 0:
            value = chance.randbytes(chance.randrange(300))
        elif kind == 1:
            value = mutated(chance, event(chance, number, time).SerializeToString())
        else:
            value = mutated(chance, json_format.MessageToJson(event(chance, number, time), indent=None).encode())
        headers = {}
        if chance.randrange(8) == 0:
            declared = chance.choice(types)
            if declared is not None:
                headers["content-type"] = declared.encode(errors="surrogateescape")
        if chance.randrange(50) == 0:
            headers["ce_specversion"] = chance.randbytes(3)
        while True:
            try:
                producer.produce(topic, value=value, headers=headers, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(1)
        producer.poll(0)
    # What is not acknowledged within the producer's own five minutes is an error.
    producer.flush()
    print(acked)


main()
