"""Sorts more records than memory holds: sorted runs in temporary files, merged while they are read."""

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import IO

import msgspec

from pipeline.kafka.recordings import Recorded

RUN_RECORDS = 100_000
"""Sorted in memory at once; about 150 MB of the longest usual messages."""
BLOCK_RECORDS = 500


class Placed(msgspec.Struct, array_like=True, order=True):
    """A record with its place in the order; no two share one, so the record itself is never compared."""

    at_ms: int
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]

    def record(self) -> Recorded:
        """The record without its place."""
        return Recorded(self.topic, self.partition, self.offset, self.timestamp, self.key, self.value, self.headers)


decode_block = msgspec.msgpack.Decoder(list[Placed]).decode
encode_block = msgspec.msgpack.Encoder().encode
place = attrgetter("at_ms", "topic", "partition", "offset")


def in_order(records: Iterable[Placed], run_records: int = RUN_RECORDS) -> Iterator[Placed]:
    """The records by (time, topic, partition, offset), in memory that does not grow with their number."""
    runs: list[IO[bytes]] = []
    try:
        run: list[Placed] = []
        for record in records:
            run.append(record)
            if len(run) >= run_records:
                runs.append(spilled(run))
                run = []
        run.sort(key=place)
        yield from heapq.merge(*(read(each) for each in runs), run, key=place) if runs else run
    finally:
        for each in runs:
            each.close()


def spilled(run: list[Placed]) -> IO[bytes]:
    """A sorted run in a file that vanishes when it is closed."""
    run.sort(key=place)
    file = tempfile.TemporaryFile(prefix="ringfence-replay-")  # noqa: SIM115 - closed when the merge ends
    for start in range(0, len(run), BLOCK_RECORDS):
        block = encode_block(run[start : start + BLOCK_RECORDS])
        file.write(len(block).to_bytes(8) + block)
    file.seek(0)
    return file


def read(run: IO[bytes]) -> Iterator[Placed]:
    """A run, block by block."""
    while size := run.read(8):
        yield from decode_block(run.read(int.from_bytes(size)))
