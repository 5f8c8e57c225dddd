"""Topics to a recording folder, resumable after a kill without a gap or a repeat; and a recording back to a cluster.

Each flush appends one complete zstd frame a topic and then replaces the manifest, which says how long every file is and
where each partition goes on. A start after a kill cuts the files back to what the manifest knows.
"""

import asyncio
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import InvalidTimestampError, KafkaConnectionError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from pipeline.errors import RecordingError, SettingsError, UnreachableError
from pipeline.kafka.batched import RawRecord
from pipeline.kafka.client import Connection, connect_admin
from pipeline.kafka.recordings import (
    COMPRESSED,
    COMPRESSION_LEVEL,
    FORMAT,
    MANIFEST,
    Recorded,
    Recording,
    encoded_line,
)
from pipeline.kafka.topics import partition_counts
from pipeline.runners.sorting import Placed, Sorter, placed

FLUSH_BYTES = 8 * 1024 * 1024
FLUSH_SECONDS = 2.0
CONNECT_SECONDS = 30.0
POLL_MS = 500
POLL_RECORDS = 5_000
FETCH_BYTES = 4 * 1024 * 1024
UNACKNOWLEDGED = 20_000
"""Records on their way at once while publishing."""
TOLD_SECONDS = 0.5
"""Between two words on how far publishing has come."""

Progress = Callable[[int, int], None]
"""Hears how many records there are now, and how many are still to come as far as is known."""


PLACE = re.compile(r"(?P<topic>[\w.-]+)\[(?P<partition>\d+)\]@(?P<offset>\d+)", re.ASCII)


def place_of(text: str) -> tuple[tuple[str, int], int]:
    """`topic[partition]@offset` as ((topic, partition), offset).

    Raises:
        SettingsError: it is none.
    """
    found = PLACE.fullmatch(text)
    if found is None:
        raise SettingsError("an offset is told as topic[partition]@offset, as in marketplace.messages.v1[3]@18204")
    return (found["topic"], int(found["partition"])), int(found["offset"])


@dataclass(frozen=True, slots=True)
class Span:
    """What to record."""

    topics: Sequence[str]
    begin_ms: int | None = None
    """Arrival time of the first records; `None` for the earliest there are."""
    begin_offsets: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """Of (topic, partition), where they matter more than a time."""
    end_ms: int | None = None
    """Arrival time at which it ends, which may lie ahead; `None` for what is there at the start."""
    end_offsets: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """Of (topic, partition), the first that is left out, where they matter more than a time."""


@dataclass(slots=True)
class Part:
    """One topic's file."""

    topic: str
    starts: dict[int, int]
    next_offsets: dict[int, int]
    ends: dict[int, int] | None
    """Where each partition ends; `None` while that time lies ahead."""
    records: int = 0
    size_bytes: int = 0
    pending: bytearray = field(default_factory=bytearray)

    @property
    def file(self) -> str:
        """Name of its file."""
        return f"{self.topic}{COMPRESSED}"

    def entry(self) -> dict[str, Any]:
        """As the manifest tells it."""
        return {
            "file": self.file,
            "records": self.records,
            "bytes": self.size_bytes,
            "starts": texts(self.starts),
            "next_offsets": texts(self.next_offsets),
            "ends": None if self.ends is None else texts(self.ends),
        }

    @classmethod
    def of(cls, topic: str, entry: Mapping[str, Any]) -> "Part":
        """As the manifest told it."""
        return cls(
            topic,
            numbers(entry["starts"]),
            numbers(entry["next_offsets"]),
            None if entry["ends"] is None else numbers(entry["ends"]),
            entry["records"],
            entry["bytes"],
        )


def texts(offsets: Mapping[int, int]) -> dict[str, int]:
    """Offsets by partition, as JSON has keys."""
    return {str(partition): offsets[partition] for partition in sorted(offsets)}


def numbers(offsets: Mapping[str, int]) -> dict[int, int]:
    """The same, back."""
    return {int(partition): offset for partition, offset in offsets.items()}


@dataclass(slots=True)
class Draft:
    """A recording while it is made."""

    folder: Path
    end_ms: int | None
    parts: dict[str, Part]
    encode: Callable[[RawRecord], bytes] = encoded_line
    """The line of a record; empty for one to be left out."""
    flushed_at: float = field(default_factory=time.monotonic)

    @classmethod
    def resumed(cls, folder: Path) -> "Draft | None":
        """The draft that a killed recording left; `None` in an empty folder.

        Raises:
            RecordingError: the folder holds something else, or a recording that is complete.
        """
        path = folder / MANIFEST
        if not folder.exists() or not any(folder.iterdir()):
            return None
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            is_complete, end_ms = content["is_complete"], content["end_ms"]
            parts = {topic: Part.of(topic, entry) for topic, entry in content["topics"].items()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RecordingError(f"{folder} holds no recording that could go on; name a new folder") from error
        if is_complete:
            raise RecordingError(f"{folder} is complete; name a new folder")
        draft = cls(folder, end_ms, parts)
        draft.cut_back()
        return draft

    def cut_back(self) -> None:
        """Removes what was written after the manifest: it is read again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for part in self.parts.values():
            with (self.folder / part.file).open("ab") as file:
                file.truncate(part.size_bytes)

    def add(self, record: RawRecord) -> None:
        """One more record; what lies at or behind its partition's end is left out."""
        part = self.parts[record.topic]
        end = part.ends[record.partition] if part.ends is not None else None
        if end is not None and record.offset >= end:
            return
        line = self.encode(record)
        part.pending += line
        part.records += bool(line)
        part.next_offsets[record.partition] = record.offset + 1

    def is_flush_due(self) -> bool:
        """Whether enough has gathered, or waited for long enough."""
        gathered = sum(len(part.pending) for part in self.parts.values())
        return gathered >= FLUSH_BYTES or time.monotonic() - self.flushed_at >= FLUSH_SECONDS

    def flush(self, *, is_complete: bool = False) -> None:
        """Makes everything so far durable: frames first, then the manifest."""
        for part in self.parts.values():
            if part.pending:
                frame = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).compress(bytes(part.pending))
                with (self.folder / part.file).open("ab") as file:
                    part.size_bytes += file.write(frame)
                    file.flush()
                    os.fsync(file.fileno())
                part.pending = bytearray()
        content = {
            "format": FORMAT,
            "is_complete": is_complete,
            "end_ms": self.end_ms,
            "topics": {topic: part.entry() for topic, part in sorted(self.parts.items())},
        }
        draft = self.folder / f".{MANIFEST}"
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        draft.replace(self.folder / MANIFEST)
        self.flushed_at = time.monotonic()


async def record(
    connection: Connection,
    folder: Path,
    span: Span,
    progress: Progress = lambda *_: None,
    encode: Callable[[RawRecord], bytes] = encoded_line,
) -> int:
    """Records until the span's end; how many records the recording has then. A folder of a killed run is gone on with.

    `encode` gives a record's line, disguised perhaps, or nothing for one to be left out.

    Raises:
        SettingsError: a topic does not exist, or an offset is of another one.
        RecordingError: the folder holds something else.
    """
    check_places(span)
    draft = Draft.resumed(folder)
    consumer = AIOKafkaConsumer(
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=FETCH_BYTES,
        **connection.for_aiokafka(),
    )
    try:
        await consumer.start()
        if draft is None:
            draft = await begun(
                consumer, folder, span, await asyncio.to_thread(found_partitions, connection, span.topics)
            )
        draft.encode = encode
        await gather(consumer, draft, progress)
    except OffsetOutOfRangeError as error:
        raise RecordingError(
            "the records to go on from are no longer on the broker (retention); begin a new recording"
        ) from error
    except KafkaConnectionError as error:
        raise UnreachableError(
            f"no Kafka broker answered at {connection.brokers}; what was recorded is kept"
        ) from error
    finally:
        await consumer.stop()
    return sum(part.records for part in draft.parts.values())


def check_places(span: Span) -> None:
    """Lets offsets of recorded topics pass.

    Raises:
        SettingsError: one names a topic that is not recorded.
    """
    others = {topic for topic, _ in (*span.begin_offsets, *span.end_offsets)} - set(span.topics)
    if others:
        raise SettingsError(f"an offset is told of {', '.join(sorted(others))}, which is not recorded; add --topic")


def found_partitions(connection: Connection, topics: Sequence[str]) -> dict[str, int]:
    """Number of partitions of each topic.

    Raises:
        SettingsError: one does not exist.
    """
    admin = connect_admin(connection, CONNECT_SECONDS)
    try:
        counts = partition_counts(admin, list(topics))
    finally:
        admin.close()
    missing = sorted(set(topics) - set(counts))
    if missing:
        raise SettingsError(f"no such topic: {', '.join(missing)}; `ringfence topics` lists them")
    return counts


async def begun(consumer: AIOKafkaConsumer, folder: Path, span: Span, counts: Mapping[str, int]) -> Draft:
    """A new draft: where each partition begins, and ends if that is known."""
    parts = {}
    for topic in sorted(span.topics):
        places = [TopicPartition(topic, number) for number in range(counts[topic])]
        starts = await start_offsets(consumer, places, span)
        ends = None if span.end_ms is not None else await end_offsets(consumer, places, span, starts)
        parts[topic] = Part(topic, starts, dict(starts), ends)
    draft = Draft(folder, span.end_ms, parts)
    draft.cut_back()
    draft.flush()
    return draft


async def start_offsets(consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], span: Span) -> dict[int, int]:
    """Where the partitions of one topic begin."""
    first = await consumer.beginning_offsets(places)
    if span.begin_ms is not None:
        later = await consumer.offsets_for_times(dict.fromkeys(places, span.begin_ms))
        ends = await consumer.end_offsets(places)
        first = {place: later[place].offset if later[place] is not None else ends[place] for place in places}
    chosen = {place: span.begin_offsets.get((place.topic, place.partition), first[place]) for place in places}
    return by_partition(chosen)


async def end_offsets(
    consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], span: Span, starts: Mapping[int, int]
) -> dict[int, int]:
    """Where the partitions of one topic end: as told, but not behind what is there, nor before they begin."""
    ends = by_partition(await consumer.end_offsets(places))
    told = {place.partition: span.end_offsets.get((place.topic, place.partition)) for place in places}
    return {
        number: end if told[number] is None else max(min(end, told[number] or 0), starts[number])
        for number, end in ends.items()
    }


def by_partition(offsets: Mapping[TopicPartition, int]) -> dict[int, int]:
    """Offsets of one topic."""
    return {place.partition: offset for place, offset in offsets.items()}


async def gather(consumer: AIOKafkaConsumer, draft: Draft, progress: Progress) -> None:
    """Reads every partition to its end."""
    places = [TopicPartition(part.topic, number) for part in draft.parts.values() for number in part.starts]
    consumer.assign(places)
    for place in places:
        consumer.seek(place, draft.parts[place.topic].next_offsets[place.partition])
    while True:
        await settle_ends(consumer, draft)
        left = await left_to_read(consumer, draft)
        progress(sum(part.records for part in draft.parts.values()), left)
        if left == 0 and all(part.ends is not None for part in draft.parts.values()):
            break
        for records in (await consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)).values():
            for each in records:
                draft.add(each)
        if draft.is_flush_due():
            draft.flush()
    draft.flush(is_complete=True)


async def settle_ends(consumer: AIOKafkaConsumer, draft: Draft) -> None:
    """Fixes where the partitions end, once the time at which they end has come."""
    if draft.end_ms is None or time.time() * 1000 < draft.end_ms:
        return
    for part in draft.parts.values():
        if part.ends is None:
            places = [TopicPartition(part.topic, number) for number in part.starts]
            later = await consumer.offsets_for_times(dict.fromkeys(places, draft.end_ms))
            ends = await consumer.end_offsets(places)
            found = {place: later[place].offset if later[place] is not None else ends[place] for place in places}
            # What was read past an end before it was known stays: the recording says where each partition goes on.
            part.ends = {number: max(end, part.next_offsets[number]) for number, end in by_partition(found).items()}


async def left_to_read(consumer: AIOKafkaConsumer, draft: Draft) -> int:
    """Offsets between the positions and the ends; positions also pass what no reader sees, like markers."""
    left = 0
    for part in draft.parts.values():
        for number, end in (part.ends or {}).items():
            place = TopicPartition(part.topic, number)
            left += max(end - await consumer.position(place), 0)
    return left


# The way back


async def publish(
    recording: Recording,
    connection: Connection,
    *,
    speed: float | None = None,
    prefix: str = "",
    progress: Progress = lambda *_: None,
) -> int:
    """Plays a recording into a cluster in the order of its timestamps; how many records were acknowledged.

    `speed` 1 is the pace at which it was recorded, 10 ten times that, `None` as fast as it goes. Topics are named as
    recorded, after `prefix`; keys, values, headers, timestamps and partition numbers are kept, so each topic wants at
    least as many partitions as it had.

    Raises:
        SettingsError: a topic does not take them.
    """
    producer = AIOKafkaProducer(acks="all", linger_ms=20, max_batch_size=256 * 1024, **connection.for_aiokafka())
    await producer.start()
    try:
        with Sorter() as sorter:
            for each in by_timestamp(recording.records()):
                sorter.add(each)
            return await send_all(producer, sorter, Pace(speed), prefix, progress)
    except InvalidTimestampError as error:
        raise SettingsError(
            "a topic refuses timestamps that lie ahead of the broker's clock; raise its "
            "message.timestamp.after.max.ms, or publish a recording of the past"
        ) from error
    finally:
        await producer.stop()


async def send_all(producer: AIOKafkaProducer, records: Sorter, pace: "Pace", prefix: str, progress: Progress) -> int:
    """Sends the records, each when it is due; how many were acknowledged, which is all of them."""
    waiting: list[asyncio.Future[Any]] = []
    published, told_at = 0, time.monotonic()
    for each in records:
        await pace.wait(each.timestamp)
        waiting.append(await send(producer, f"{prefix}{each.topic}", each))
        published += 1
        if len(waiting) >= UNACKNOWLEDGED or time.monotonic() - told_at >= TOLD_SECONDS:
            await producer.flush()
            await asyncio.gather(*waiting)
            waiting, told_at = [], time.monotonic()
            progress(published, len(records) - published)
    await producer.flush()
    await asyncio.gather(*waiting)
    progress(published, 0)
    return published


async def send(producer: AIOKafkaProducer, topic: str, record: Placed) -> "asyncio.Future[Any]":
    """Hands one record over; the future is its acknowledgement."""
    partitions = await producer.partitions_for(topic)
    if record.partition not in partitions:
        raise SettingsError(
            f"{topic} has {len(partitions)} partitions, the recording has records of partition {record.partition}; "
            "publish to topics with at least as many"
        )
    acknowledgement: asyncio.Future[Any] = await producer.send(
        topic,
        key=record.key,
        value=record.value,
        partition=record.partition,
        timestamp_ms=record.timestamp,
        headers=list(record.headers),
    )
    return acknowledgement


def by_timestamp(records: Iterable[Recorded]) -> Iterable[Placed]:
    """Records placed by arrival, a partition's in their order."""
    latest: dict[tuple[str, int], int] = {}
    for each in records:
        place = each.topic, each.partition
        latest[place] = at_ms = max(each.timestamp, latest.get(place, 0))
        yield placed(each, at_ms)


class Pace:
    """Holds records back until their time has come."""

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._first_ms: int | None = None
        self._started = time.monotonic()

    async def wait(self, timestamp_ms: int) -> None:
        """Returns when a record of that timestamp is due."""
        if self._speed is None:
            return
        if self._first_ms is None:
            self._first_ms, self._started = timestamp_ms, time.monotonic()
        due = self._started + (timestamp_ms - self._first_ms) / 1000 / self._speed
        pause = due - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
