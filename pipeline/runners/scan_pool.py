"""Scans on several processes, in order: what comes back is what one process would give."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice

from pipeline.kafka.recordings import Recorded
from pipeline.runners.scan import Scan
from pipeline.runners.sorting import Placed
from pipeline.runners.steps import ScanResult

CHUNK_RECORDS = 1_000
WAITING_CHUNKS = 2
"""Of each process: enough to keep it busy, and no more in memory."""

Found = list[tuple[int, ScanResult]]
"""Index within the chunk, and what the record says; records that say nothing are left out."""
NOTHING = ScanResult()
_scans: list[Scan] = []
"""The one scan of a process of the pool."""


@dataclass(frozen=True, slots=True)
class ScanPool:
    """Processes that scan. Detection is most of a replay's time, and depends on nothing but the record."""

    new_scan: Callable[[], Scan]
    """Can be pickled."""
    processes: int

    def results(self, records: Iterable[Placed]) -> Iterator[tuple[Placed, ScanResult]]:
        """Each record with what it says, in the order of the records."""
        rest = iter(records)
        waiting: deque[tuple[list[Placed], Future[Found]]] = deque()
        with ProcessPoolExecutor(self.processes, initializer=begin, initargs=(self.new_scan,)) as pool:
            while chunk := list(islice(rest, CHUNK_RECORDS)):
                waiting.append((chunk, pool.submit(scan_chunk, [each.record() for each in chunk])))
                if len(waiting) > self.processes * WAITING_CHUNKS:
                    yield from put_together(*waiting.popleft())
            while waiting:
                yield from put_together(*waiting.popleft())


def put_together(chunk: list[Placed], future: "Future[Found]") -> Iterator[tuple[Placed, ScanResult]]:
    """The records of a chunk with their results, once they are there."""
    found = dict(future.result())
    for index, each in enumerate(chunk):
        yield each, found.get(index, NOTHING)


def begin(new_scan: Callable[[], Scan]) -> None:
    """Makes the process's scan: packs and policy are read once."""
    _scans.append(new_scan())


def scan_chunk(records: list[Recorded]) -> Found:
    """What the records say."""
    found: Found = []
    result = ScanResult()
    for index, record in enumerate(records):
        _scans[0].add(record, result)
        if result.signals or result.broadcast or result.dead_letters:
            found.append((index, result))
            result = ScanResult()
    return found
