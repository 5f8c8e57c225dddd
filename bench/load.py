"""Puts prepared records on a topic as fast as a broker takes them."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from aiokafka import AIOKafkaProducer

BATCH_BYTES = 512 * 1024
IN_FLIGHT = 8


async def _publish(
    broker: str, topic: str, partition: int, values: Sequence[tuple[bytes | None, bytes]], now_ms: int | None
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker, max_request_size=2 * BATCH_BYTES, max_batch_size=BATCH_BYTES)
    await producer.start()
    try:
        acknowledgements = []
        remaining = iter(values)
        pair = next(remaining, None)
        while pair is not None:
            batch = producer.create_batch()
            while pair is not None and batch.append(key=pair[0], value=pair[1], timestamp=now_ms) is not None:
                pair = next(remaining, None)
            acknowledgements.append(await producer.send_batch(batch, topic, partition=partition))
            if len(acknowledgements) >= IN_FLIGHT:
                await acknowledgements.pop(0)
        for acknowledgement in acknowledgements:
            await acknowledgement
    finally:
        await producer.stop()


def publish(
    broker: str, topic: str, records: Iterable[tuple[int, bytes | None, bytes]], now_ms: int | None = None
) -> int:
    """Publishes (partition, key, value) records; how many comes back. Order is kept within a partition."""
    published = 0
    for chunk in chunks(iter(records), 50_000):
        by_partition: dict[int, list[tuple[bytes | None, bytes]]] = {}
        for partition, key, value in chunk:
            by_partition.setdefault(partition, []).append((key, value))
        for partition, values in by_partition.items():
            asyncio.run(_publish(broker, topic, partition, values, now_ms))
        published += len(chunk)
    return published


def chunks(
    records: Iterator[tuple[int, bytes | None, bytes]], size: int
) -> Iterator[list[tuple[int, bytes | None, bytes]]]:
    """The records in lists of up to `size`."""
    while chunk := list(islice(records, size)):
        yield chunk
