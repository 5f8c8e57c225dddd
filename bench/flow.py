"""A steady flow of messages with a probe ten times a second, each stamped when it is sent.

python -m bench.flow BROKER TOPIC MESSAGES_PER_SECOND SECONDS
"""

import asyncio
import sys
import time
from datetime import UTC, datetime
from itertools import islice

from aiokafka import AIOKafkaProducer

from bench.traffic import messages, probe

PARTITIONS = 4
SLICES_PER_SECOND = 10


async def flow(broker: str, topic: str, rate: int, seconds: int) -> None:
    """Sends a slice of messages and one probe ten times a second, to all partitions in turn."""
    values = list(messages(rate * seconds, seed=7))
    source = iter(values)
    producer = AIOKafkaProducer(bootstrap_servers=broker, max_batch_size=1024 * 1024, max_request_size=2 * 1024 * 1024)
    await producer.start()
    started = time.monotonic()
    for number in range(seconds * SLICES_PER_SECOND):
        await asyncio.sleep(max(started + number / SLICES_PER_SECOND - time.monotonic(), 0))
        chunk = list(islice(source, rate // SLICES_PER_SECOND))
        for partition in range(PARTITIONS):
            batch = producer.create_batch()
            now = datetime.now(UTC)
            now_ms = int(now.timestamp() * 1000)
            if partition == number % PARTITIONS:
                batch.append(key=None, value=probe(number, now), timestamp=now_ms)
            for value in chunk[partition::PARTITIONS]:
                batch.append(key=None, value=value, timestamp=now_ms)
            await producer.send_batch(batch, topic, partition=partition)
    await producer.stop()


if __name__ == "__main__":
    asyncio.run(flow(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
