"""aiokafka alone: fetch and decode JSON."""

import asyncio
import sys

import orjson
from aiokafka import AIOKafkaConsumer
from measure import Measure

broker, topic_name, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])


async def main() -> None:
    """Reads batches until the measure has enough."""
    measure = Measure(wanted)
    consumer = AIOKafkaConsumer(
        topic_name, bootstrap_servers=broker, group_id=f"bench-aiokafka-{topic_name}", auto_offset_reset="earliest"
    )
    await consumer.start()
    while True:
        for records in (await consumer.getmany(timeout_ms=1000, max_records=2000)).values():
            for record in records:
                orjson.loads(record.value)
            measure.count(len(records))


asyncio.run(main())
