"""A partner's publisher: purchases of customers 0 to 99 in batches as it is told, and a record of what was acknowledged.

    publish.py SERVERS TOPIC RECORD

A number on a line of standard input has so many more published; "acked N" on standard output says how many brokers have
acknowledged so far. RECORD gets a line for each of them: event id, customer, whole dollars. Ends when its input does.
"""

import datetime
import json
import sys

from confluent_kafka import Producer


def main():
    servers, topic, path = sys.argv[1:]
    producer = Producer({"bootstrap.servers": servers, "acks": "all", "enable.idempotence": True})
    published = acked = 0
    with open(path, "w", encoding="ascii", buffering=1) as record:

        def delivered(line, error):
            nonlocal acked
            if error is not None:
                sys.exit(f"{line}: {error}")
            record.write(line + "\n")
            acked += 1
            if acked % 50 == 0:
                print(f"acked {acked}", flush=True)

        for wish in sys.stdin:
            for number in range(published, published + int(wish)):
                customer, dollars = number % 100, 1 + number % 53
                event = {
                    "event_id": f"e{number}",
                    "event_time": datetime.datetime.now(datetime.timezone.utc).isoformat(),
                    "identifier": {"scheme": "IDENTIFIER_SCHEME_CUSTOMER_NUMBER", "value": str(customer)},
                    "purchase": {
                        "order_id": f"o{number}",
                        "amount": {"currency_code": "USD", "units": dollars},
                    },
                }
                line = f"e{number} {customer} {dollars}"
                # Some are sent twice, as by one who didn't hear the first answer.
                for _ in range(2 if number % 10 == 0 else 1):
                    producer.produce(
                        topic,
                        key=str(customer),
                        value=json.dumps(event),
                        headers={"content-type": "application/json"},
                        on_delivery=lambda error, _, line=line: delivered(line, error),
                    )
                producer.poll(0)
            published += int(wish)
            if producer.flush(120) > 0:
                sys.exit("not everything was acknowledged within two minutes")
            print(f"acked {acked}", flush=True)


main()
