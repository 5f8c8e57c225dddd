"""Records set aside: how they look on their topic, and the way back to where they came from."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from pipeline.errors import RecordError
from pipeline.judgement.state import content_id
from pipeline.kafka.batched import RawRecord
from pipeline.kafka.client import Connection
from pipeline.kafka.topics import Output, TopicNames
from schemas.outputs import DeadLetter

HEADER_PREFIX = "ringfence-"
REDRIVEN_HEADER = "ringfence-redriven-from"
"""Of a record that was sent back: the id of its dead letter."""
POLL_MS = 500
SEND_LIMIT_SECONDS = 60.0
MOST_WAITING = 1_000
"""Records on their way back that no broker has acknowledged yet."""

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class SetAside:
    """A dead letter with the record it is about, whole."""

    letter: DeadLetter
    key: bytes | None
    value: bytes | None
    headers: Headers
    """The record's own, without ours."""


def dead_letter(record: RawRecord, error: RecordError) -> DeadLetter:
    """What is known of a record that cannot be used."""
    return DeadLetter(
        dead_letter_id=dead_letter_id(record.topic, record.partition, record.offset),
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        reason=error.reason,
        error=str(error),
    )


def dead_letter_id(topic: str, partition: int, offset: int) -> str:
    """The same for the same place, so that a repeated scan names it alike."""
    return content_id("d", topic, partition, offset)


def outgoing(record: RawRecord, error: RecordError) -> tuple[bytes | None, bytes | None, Headers]:
    """Key, value and headers on the dead letters' topic: the record as it came, with our fields as headers."""
    fields = dead_letter(record, error).model_dump()
    ours = [(header_name(field), str(content).encode()) for field, content in fields.items()]
    return record.key, record.value, [*foreign(record.headers), *ours]


def header_name(field: str) -> str:
    """`timestamp_ms` is `ringfence-timestamp-ms`, and `dead_letter_id` is `ringfence-dead-letter-id`."""
    return HEADER_PREFIX + field.replace("_", "-")


def foreign(headers: Headers) -> list[tuple[str, bytes]]:
    """The headers that are not ours: those of an earlier round say nothing about this one."""
    return [(name, content) for name, content in headers or () if not name.startswith(HEADER_PREFIX)]


def read_back(key: bytes | None, value: bytes | None, headers: Headers) -> SetAside:
    """A record of the dead letters' topic, understood."""
    ours = {name: content.decode(errors="replace") for name, content in headers if name.startswith(HEADER_PREFIX)}
    fields = {field: ours.get(header_name(field), "") for field in DeadLetter.model_fields}
    return SetAside(DeadLetter.model_validate(fields), key, value, foreign(headers))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dead letters are asked for; all of them where nothing is said."""

    reason: str | None = None
    place: str | None = None
    """An id (`d_…`) or where the record came from (`topic[partition]@offset`)."""
    topic: str | None = None
    """The topic that the record came from."""
    since_ms: int = 0
    """Not older than this, by the record's own timestamp."""

    def includes(self, letter: DeadLetter) -> bool:
        """Whether this one is."""
        origin = f"{letter.topic}[{letter.partition}]@{letter.offset}"
        return (
            self.reason in {None, letter.reason}
            and self.place in {None, letter.dead_letter_id, origin}
            and self.topic in {None, letter.topic}
            and letter.timestamp_ms >= self.since_ms
        )


EVERYTHING = Wanted()


def listed(connection: Connection, names: TopicNames, wanted: Wanted = EVERYTHING) -> Iterator[SetAside]:
    """The dead letters there are now, by partition and offset."""
    for record in committed_records(connection, names.of(Output.DEAD_LETTERS)):
        found = read_back(record.key, record.value, record.headers)
        if wanted.includes(found.letter):
            yield found


def committed_records(connection: Connection, topic: str, only: int | None = None) -> Iterator[RawRecord]:
    """Everything on a topic, or on one partition of it, up to where it ends now, partition by partition."""
    consumer = KafkaConsumer(
        isolation_level="read_committed", enable_auto_commit=False, **connection.for_kafka_python()
    )
    try:
        partitions = sorted(consumer.partitions_for_topic(topic) or ()) if only is None else [only]
        for place in (TopicPartition(topic, number) for number in partitions):
            consumer.assign([place])
            consumer.seek_to_beginning(place)
            end = consumer.end_offsets([place])[place]
            while consumer.position(place) < end:
                for batch in consumer.poll(timeout_ms=POLL_MS).values():
                    yield from batch
    finally:
        consumer.close()


def redrive(
    connection: Connection,
    letters: Iterator[SetAside],
    fixed: Callable[[bytes | None], bytes | None] = lambda value: value,
    rate: float | None = None,
) -> int:
    """Sends records back to the topics they came from, their values through `fixed`; how many were acknowledged.

    A record that is still unusable comes back as a new dead letter; one sent back twice is judged once, by its event
    id. `rate` is records a second at most: a worker that has the marketplace to serve should not choke on old ones.
    """
    producer = KafkaProducer(acks="all", **connection.for_kafka_python())
    started = time.monotonic()
    waiting: deque[Any] = deque()
    count = 0
    try:
        for each in letters:
            if rate:
                time.sleep(max(started + count / rate - time.monotonic(), 0.0))
            headers = [*each.headers, (REDRIVEN_HEADER, each.letter.dead_letter_id.encode())]
            waiting.append(producer.send(each.letter.topic, key=each.key, value=fixed(each.value), headers=headers))
            count += 1
            if len(waiting) > MOST_WAITING:
                waiting.popleft().get(SEND_LIMIT_SECONDS)
        producer.flush(SEND_LIMIT_SECONDS)
        for future in waiting:
            future.get(SEND_LIMIT_SECONDS)
        return count
    finally:
        producer.close()


def line(letter: DeadLetter) -> bytes:
    """A dead letter as a replay writes it: where and why, without the record itself."""
    return orjson.dumps(letter.model_dump())
