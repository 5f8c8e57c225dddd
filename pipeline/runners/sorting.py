"""Sorts more records than memory holds: sorted runs in temporary files, merged while they are read."""

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from operator import attrgetter
from typing import IO, Self

import msgspec

from pipeline.kafka.recordings import Recorded
from pipeline.runners.blocks import PREFIX, read_blocks, write_blocks

RUN_RECORDS = 50_000
"""Sorted in memory at once; about 60 MB of the longest usual messages."""
MOST_RUNS = 32
"""Of a level; so many become one of the next, so that neither memory nor open files grow with the recording."""


class Placed(msgspec.Struct, array_like=True, gc=False):
    """A record with its place in the order; no two share one."""

    at_ms: int
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]] = []

    def record(self) -> Recorded:
        """The record without its place."""
        return Recorded(self.topic, self.partition, self.offset, self.timestamp, self.key, self.value, self.headers)


def placed(record: Recorded, at_ms: int) -> Placed:
    """The record with its place."""
    return Placed(
        at_ms,
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        list(record.headers),
    )


decode_placed = msgspec.msgpack.Decoder(list[Placed]).decode
place = attrgetter("at_ms", "topic", "partition", "offset")


class Sorter:
    """Takes records in any order and gives them by (time, topic, partition, offset), in memory that does not grow."""

    def __init__(self, run_records: int = RUN_RECORDS, most_runs: int = MOST_RUNS) -> None:
        self._run_records = run_records
        self._most_runs = most_runs
        self._run: list[Placed] = []
        self._levels: list[list[IO[bytes]]] = []
        """Sorted runs: those of a level hold as many records each, those of the next `most_runs` times as many."""
        self._opened = ExitStack()
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def add(self, record: Placed) -> None:
        """One more record."""
        self._count += 1
        self._run.append(record)
        if len(self._run) >= self._run_records:
            self._run.sort(key=place)
            self._spill(self._run, 0)
            self._run = []

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Placed]:
        """All of them, in order; once."""
        self._run.sort(key=place)
        runs = [run for level in self._levels for run in level]
        return heapq.merge(merged(runs), self._run, key=place) if runs else iter(self._run)

    def _spill(self, run: Iterable[Placed], level: int) -> None:
        if level == len(self._levels):
            self._levels.append([])
        file = self._opened.enter_context(tempfile.TemporaryFile(prefix=PREFIX))  # noqa: SIM115 - it is closed by that
        write_blocks(file, run)
        self._levels[level].append(file)
        if len(self._levels[level]) >= self._most_runs:
            runs, self._levels[level] = self._levels[level], []
            self._spill(merged(runs), level + 1)
            for each in runs:
                each.close()


def merged(runs: list[IO[bytes]]) -> Iterator[Placed]:
    """Sorted runs as one."""
    return heapq.merge(*(read_blocks(each, decode_placed) for each in runs), key=place)
