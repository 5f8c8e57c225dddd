"""confluent-kafka (librdkafka): fetch and decode JSON."""

import sys

import orjson
from confluent_kafka import Consumer
from measure import Measure

broker, topic_name, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])
consumer = Consumer(
    {
        "bootstrap.servers": broker,
        "group.id": f"bench-confluent-{topic_name}",
        "auto.offset.reset": "earliest",
    }
)
consumer.subscribe([topic_name])
measure = Measure(wanted)
while True:
    records = consumer.consume(2000, timeout=1.0)
    for record in records:
        orjson.loads(record.value())
    if records:
        measure.count(len(records))
