"""Scans a recording's input records, on one process or on several; what comes back is the same, in the same order.

Scanning depends on nothing but the record, so it comes before the sorting: what leaves no trace needs no place.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import msgspec

from pipeline.detection.collector import spare_the_collector
from pipeline.kafka.recordings import Recorded
from pipeline.kafka.topics import Input
from pipeline.runners.scan import Outcome, Scan
from pipeline.runners.sorting import Placed

CHUNK_RECORDS = 1_000
WAITING_CHUNKS = 2
"""Of each process: enough to keep it busy, and no more in memory."""

Reached = dict[tuple[str, int], int]
"""Topic and partition -> how far its event time has come."""
Scanned = tuple[list[Placed], Reached]
"""What a chunk of records came to, placed as if nothing had come before, and how far its partitions came."""
_scans: list[Scan] = []
"""The one scan of a process of the pool."""
encode = msgspec.msgpack.Encoder().encode
decode_records = msgspec.msgpack.Decoder(list[Recorded]).decode
decode_scanned = msgspec.msgpack.Decoder(tuple[list[Placed], list[tuple[str, int, int]]]).decode


@dataclass(frozen=True, slots=True)
class ScanPool:
    """Processes that scan."""

    new_scan: Callable[[], Scan]
    """Can be pickled."""
    processes: int

    def chunks(self, records: Iterable[Recorded]) -> Iterator[Scanned]:
        """The records, chunk by chunk, in their order."""
        rest = iter(records)
        waiting: deque[Future[bytes]] = deque()
        with ProcessPoolExecutor(self.processes, initializer=begin, initargs=(self.new_scan,)) as pool:
            while chunk := list(islice(rest, CHUNK_RECORDS)):
                waiting.append(pool.submit(scan_encoded, encode(chunk)))
                if len(waiting) > self.processes * WAITING_CHUNKS:
                    yield received(waiting.popleft())
            while waiting:
                yield received(waiting.popleft())


def received(future: "Future[bytes]") -> Scanned:
    """What a process sent, once it is there."""
    found, reached = decode_scanned(future.result())
    return found, {(topic, partition): at_ms for topic, partition, at_ms in reached}


def begin(new_scan: Callable[[], Scan]) -> None:
    """Makes the process's scan: packs and policy are read once."""
    _scans.append(new_scan())
    spare_the_collector()


def scan_encoded(chunk: bytes) -> bytes:
    """What encoded records come to, encoded: ten times as fast as pickling."""
    found, reached = scan_chunk(_scans[0], decode_records(chunk))
    return encode((found, [(*place, at_ms) for place, at_ms in reached.items()]))


def scanned(records: Iterable[Recorded], scan: Scan | ScanPool) -> Iterator[Placed]:
    """Signals and dead letters of input records, placed by event time.

    A partition's never stand before an earlier one of the same partition: partitions interleave by event time, and each
    keeps its order, as on the way through the service. What has no usable time is placed by its Kafka timestamp.
    """
    if isinstance(scan, ScanPool):
        chunks = scan.chunks(records)
    else:
        rest = iter(records)
        chunks = (scan_chunk(scan, chunk) for chunk in iter(lambda: list(islice(rest, CHUNK_RECORDS)), []))
    reached: Reached = {}
    for found, there in chunks:
        for each in found:
            each.at_ms = max(each.at_ms, reached.get((each.topic, each.partition), 0))
            yield each
        for place, at_ms in there.items():
            reached[place] = max(at_ms, reached.get(place, 0))


def scan_chunk(scan: Scan, records: Sequence[Recorded]) -> Scanned:
    """What records come to."""
    found: list[Placed] = []
    reached: Reached = {}
    for record, outcome in zip(records, scan.outcomes(records, Counter()), strict=True):
        told_ms = outcome.at_ms
        at_ms: int = time_of_unusable(record, scan.limits.max_lead_ms) if told_ms is None else told_ms
        place = record.topic, record.partition
        at_ms = reached[place] = max(at_ms, reached.get(place, 0))
        if (placed := placed_outcome(record, at_ms, outcome)) is not None:
            found.append(placed)
    return found, reached


def placed_outcome(record: Recorded, at_ms: int, outcome: Outcome) -> Placed | None:
    """The one signal or dead letter of a record; headers tell which: only a dead letter has any."""
    key, value = None, None
    headers: list[tuple[str, bytes]] = []
    if outcome.signal is not None:
        key, value = outcome.signal
    elif outcome.broadcast is not None:
        value = outcome.broadcast
    elif outcome.dead_letter is not None:
        key, value, ours = outcome.dead_letter
        headers = list(ours)
    else:
        return None
    return Placed(at_ms, record.topic, record.partition, record.offset, record.timestamp, key, value, headers)


class Times(msgspec.Struct):
    """What of an event says when it happened."""

    sent_at: datetime | None = None
    at: datetime | None = None


decode_times = msgspec.json.Decoder(Times).decode


def time_of_unusable(record: Recorded, max_lead_ms: int) -> int:
    """When the event says that it happened, if that can be read and believed; else when the broker had it."""
    try:
        times = decode_times(record.value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return record.timestamp
    moment = times.sent_at if record.topic.endswith(Input.MESSAGES) else times.at
    if moment is None or moment.tzinfo is None:
        return record.timestamp
    at_ms = round(moment.timestamp() * 1000)
    return at_ms if 0 <= at_ms <= record.timestamp + max_lead_ms else record.timestamp
