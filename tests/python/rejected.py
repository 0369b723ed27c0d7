"""Reads a partner's rejected topic until it has told of so many different records, or nothing came for a minute.

    rejected.py SERVERS TOPIC COUNT

Prints a line for each: partition and offset of the partner's record, the reason, and how often it is told.
"""

import sys

from confluent_kafka import Consumer, TopicPartition


def main():
    servers, topic, count = sys.argv[1:]
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "reads-all", "enable.auto.commit": False})
    numbers = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in numbers])
    told = {}
    while len(told) < int(count):
        messages = consumer.consume(1000, timeout=60)
        if not messages:
            break
        for message in messages:
            if message.error():
                sys.exit(str(message.error()))
            # The last of a name is ours.
            headers = dict(message.headers())
            place = (headers["__connect.errors.partition"].decode(), headers["__connect.errors.offset"].decode())
            reason = headers["coalition.errors.reason"].decode()
            told.setdefault(place, [reason, 0])[1] += 1
    for (partition, offset), (reason, times) in told.items():
        print(partition, offset, reason, times)
    consumer.close()


main()
