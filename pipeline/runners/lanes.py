"""A partition's way through the worker: publish, then remember, then acknowledge.

Each partition has a lane with a producer of its own, so that one waits for its transaction while others compute. All
batches that wait in a lane are settled in one transaction.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

import orjson
from aiokafka.errors import KafkaError, ProducerFenced
from aiokafka.structs import TopicPartition
from faust.types import EventT
from prometheus_client import Counter as CounterMetric

from pipeline import metrics
from pipeline.errors import StateError
from pipeline.kafka.batched import OffsetGate, RawRecord
from pipeline.kafka.crash_points import crash_point
from pipeline.kafka.exits import ExitReason, leave
from pipeline.kafka.fenced import FencedProducer, Outgoing, UnknownCommitError
from pipeline.kafka.rows_db import RowsDb
from pipeline.kafka.topics import Output, TopicNames, partition_of
from pipeline.runners.precision import Precision
from pipeline.runners.steps import Counts, DeadLetterRecord, JudgeResult, JudgeStep, Keyed, ScanResult, ScanStep

WAITING_BATCHES = 4
"""Of one lane; more of them wait in Faust's queue and hold the fetching up."""
LARGEST_SETTLEMENT_RECORDS = 4_000
"""Batches are joined up to here: more would only make a transaction later, not cheaper."""
SCAN_SLICE_BYTES = 64 * 1024
"""The event loop gets a turn between slices: 5 ms of computing on ordinary messages (build machine)."""
WATERMARK_KEY = b"\x00watermarks"
"""Row that tells how far a signals partition, and each origin within it, was judged. No other key begins with 0."""


@dataclass(frozen=True, slots=True)
class Job:
    """One delivered batch, or a tick (no event) to be written."""

    event: EventT | None
    records: Sequence[RawRecord] = ()
    tick: bytes | None = None


@dataclass(frozen=True, slots=True)
class Signals:
    """Where signals go."""

    names: TopicNames
    partitions: int

    def outgoing(self, result: ScanResult, partition: int) -> list[Outgoing]:
        """The records of a scan, signals in source order."""
        topic = self.names.of(Output.SIGNALS)
        out = self.keyed(result.signals)
        out += [Outgoing(topic, each, None, value) for value in result.broadcast for each in range(self.partitions)]
        return out + dead_letters(self.names, result.dead_letters, partition)

    def keyed(self, signals: Iterable[Keyed]) -> list[Outgoing]:
        """The records of signals, each on the partition of its key."""
        topic = self.names.of(Output.SIGNALS)
        return [Outgoing(topic, partition_of(key or b"", self.partitions), key, value) for key, value in signals]


class Shared(NamedTuple):
    """What all lanes of a worker share."""

    signals: Signals
    gate: OffsetGate
    turn: asyncio.Lock
    """Whose turn it is to compute. One at a time, and the event loop in between: else all lanes would compute between
    any two steps of a fetch or a commit, and each of those takes many."""


class Position(NamedTuple):
    """How far a partition was settled."""

    next_offset: int
    timestamp_ms: int
    """Kafka's, of the last record."""


class Lane:
    """The batches of one partition, one transaction after the other."""

    place = "lane"

    def __init__(self, partition: int, producer: FencedProducer, shared: Shared) -> None:
        self.partition = partition
        self.producer = producer
        self.shared = shared
        self.positions: dict[TopicPartition, Position] = {}
        self._queue: asyncio.Queue[Job] = asyncio.Queue(WAITING_BATCHES)
        self._task = asyncio.create_task(self._run(), name=f"{self.place}-{partition}")

    async def put(self, job: Job) -> None:
        """Queues a batch; waits while too many are waiting."""
        await self._queue.put(job)

    def offer(self, job: Job) -> bool:
        """Queues it if there is room: a tick may be left out, the next one comes."""
        try:
            self._queue.put_nowait(job)
        except asyncio.QueueFull:
            return False
        return True

    async def close(self) -> None:
        """Ends the lane. What is not committed yet will be aborted by the next owner's fence."""
        self._task.cancel()
        await asyncio.wait([self._task])
        await self.producer.close()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """For one stretch of computing."""
        async with self.shared.turn:
            yield
            await asyncio.sleep(0)

    async def settle(self, jobs: Sequence[Job]) -> None:
        """Computes, publishes and remembers what the jobs bring; returns when all is safe to acknowledge."""
        raise NotImplementedError

    async def _run(self) -> None:
        try:
            while True:
                jobs = await self._next_jobs()
                started = time.perf_counter()
                await self.settle(jobs)
                for job in jobs:
                    if job.event is not None:
                        job.event.ack()
                crash_point(self.place, "after_ack")
                self._count(jobs, time.perf_counter() - started)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - nothing is lost: the batch is read again after the restart
            leave(exit_reason(error), error, lane=self.place, partition=self.partition)

    async def _next_jobs(self) -> list[Job]:
        jobs = [await self._queue.get()]
        size = len(jobs[0].records)
        while size < LARGEST_SETTLEMENT_RECORDS and not self._queue.empty():
            jobs.append(self._queue.get_nowait())
            size += len(jobs[-1].records)
        return jobs

    async def commit(
        self, records: Sequence[Outgoing], offsets: dict[TopicPartition, int], group_id: str
    ) -> dict[tuple[str, int], int]:
        """One transaction; the last offset by topic and partition comes back."""
        started = time.perf_counter()
        ends = await self.producer.commit(records, place=self.place, group_id=group_id, offsets=offsets)
        metrics.TRANSACTIONS.labels(self.place).inc()
        metrics.TRANSACTION_SECONDS.observe(time.perf_counter() - started)
        return ends

    def _count(self, jobs: Sequence[Job], seconds: float) -> None:
        for job in jobs:
            if job.records:
                last = job.records[-1]
                metrics.RECORDS.labels(last.topic).inc(len(job.records))
                self.positions[TopicPartition(last.topic, last.partition)] = Position(last.offset + 1, last.timestamp)
        metrics.BATCH_RECORDS.labels(self.place).observe(sum(len(job.records) for job in jobs))
        metrics.BATCH_SECONDS.labels(self.place).observe(seconds)


class ScanLane(Lane):
    """Scans batches of the input topics that share a partition number."""

    place = "scan"

    def __init__(self, partition: int, producer: FencedProducer, scan: ScanStep, shared: Shared) -> None:
        self._scan = scan
        super().__init__(partition, producer, shared)

    async def settle(self, jobs: Sequence[Job]) -> None:
        """Scan keeps no rows, so the group's offsets go into the transaction: a dead letter is written once."""
        outgoing: list[Outgoing] = []
        offsets: dict[TopicPartition, int] = {}
        counts: Counts = Counter()
        for job in jobs:
            for records in slices(job.records):
                async with self.turn():
                    result = self._scan(records)
                    outgoing += self.shared.signals.outgoing(result, self.partition)
                    counts += result.counts
            last = job.records[-1]
            offsets[TopicPartition(last.topic, last.partition)] = last.offset + 1
        if outgoing:
            async with self.shared.gate.transaction():
                await self.commit(outgoing, offsets, self.shared.signals.names.app_id)
        add_counts(counts)


class JudgeLane(Lane):
    """Judges the signals of one partition, and writes its ticks."""

    place = "judge"

    def __init__(
        self,
        partition: int,
        producer: FencedProducer,
        judge: JudgeStep,
        rows: Callable[[], RowsDb],
        shared: Shared,
    ) -> None:
        self._judge = judge
        self._rows = rows
        self._names = shared.signals.names
        super().__init__(partition, producer, shared)

    async def settle(self, jobs: Sequence[Job]) -> None:
        """One transaction with everything that the signals cause; then the local rows."""
        rows = self._rows()
        marks = Watermarks.read(rows)
        records = [record for job in jobs for record in job.records if record.offset >= marks.next_offset]
        outgoing = [
            Outgoing(self._names.of(Output.SIGNALS), self.partition, None, job.tick) for job in jobs if job.tick
        ]
        changed: dict[bytes, bytes | None] = {}
        result = JudgeResult()
        if records:
            async with self.turn():
                result = self._judge(rows, marks.origins, records)
            outgoing += self._effects(result)
            changed = dict(result.changed)
            if outgoing or changed or result.watermarks:
                changed[WATERMARK_KEY] = marks.moved(records[-1].offset + 1, result.watermarks)
        changelog = self._names.changelog
        outgoing += [Outgoing(changelog, self.partition, key, row) for key, row in changed.items()]
        if outgoing:
            ends = await self.commit(outgoing, {}, "")
            if changed:
                rows.apply(changed, ends[changelog, self.partition])
                crash_point(self.place, "after_local_write")
        self._count_result(result)

    def _effects(self, result: JudgeResult) -> list[Outgoing]:
        by_topic: Iterable[tuple[Output, list[Keyed]]] = (
            (Output.FINDINGS, result.findings),
            (Output.ALERTS, result.alerts),
            (Output.ADVISORIES, result.advisories),
            (Output.SHADOW, result.shadow),
        )
        out = [
            Outgoing(self._names.of(topic), self.partition, key, value)
            for topic, effects in by_topic
            for key, value in effects
        ]
        out += self.shared.signals.keyed(result.signals)
        return out + dead_letters(self._names, result.dead_letters, self.partition)

    def _count_result(self, result: JudgeResult) -> None:
        add_counts(result.counts)
        PRECISION.note(result.counts)
        if result.policy:
            metrics.POLICY_INFO.info(result.policy)
        now_ms = time.time_ns() // 1_000_000
        for arrived_at_ms in result.alert_arrivals_ms:
            metrics.ALERT_LATENCY_SECONDS.observe(max(now_ms - arrived_at_ms, 0) / 1000)
        for open_ms in result.review_times_ms:
            metrics.REVIEW_SECONDS.observe(open_ms / 1000)
        if result.judged_to_ms is not None:
            metrics.WATERMARK_LAG.labels(self.partition).set(max(now_ms - result.judged_to_ms, 0) / 1000)


@dataclass(frozen=True, slots=True)
class Watermarks:
    """How far a signals partition was judged."""

    next_offset: int
    origins: dict[str, int]

    @classmethod
    def read(cls, rows: RowsDb) -> "Watermarks":
        """From the row; all zero before the first signal."""
        row = rows.get(WATERMARK_KEY)
        if row is None:
            return cls(0, {})
        stored = orjson.loads(row)
        return cls(stored["next_offset"], stored["origins"])

    def moved(self, next_offset: int, origins: dict[str, int]) -> bytes:
        """The row after a batch."""
        row = {"next_offset": next_offset, "origins": self.origins | origins}
        return orjson.dumps(row, option=orjson.OPT_SORT_KEYS)


def dead_letters(names: TopicNames, letters: Sequence[DeadLetterRecord], partition: int) -> list[Outgoing]:
    """Records set aside, on their way."""
    topic = names.of(Output.DEAD_LETTERS)
    return [Outgoing(topic, partition, key, value, headers) for key, value, headers in letters]


PRECISION = Precision()
COUNTERS = {
    f"{next(iter(metric.describe())).name}_total": metric
    for metric in metrics.all_metrics()
    if isinstance(metric, CounterMetric)
}


def add_counts(counts: Counts) -> None:
    """Counts what a step saw, once per batch."""
    for (name, *labels), amount in counts.items():
        counter = COUNTERS[name]
        (counter.labels(*labels) if labels else counter).inc(amount)


def slices(records: Sequence[RawRecord]) -> Iterable[Sequence[RawRecord]]:
    """The records in runs of about `SCAN_SLICE_BYTES`."""
    start = size = 0
    for index, record in enumerate(records):
        size += len(record.value or b"") + 64  # a run of empty records ends as well
        if size >= SCAN_SLICE_BYTES:
            yield records[start : index + 1]
            start, size = index + 1, 0
    if start < len(records):
        yield records[start:]


def exit_reason(error: BaseException) -> ExitReason:
    """The name under which the worker dies of this exception."""
    match error:
        case ProducerFenced():
            return ExitReason.FENCED
        case UnknownCommitError() | KafkaError():
            # aiokafka wraps what its sender died of.
            is_fenced = isinstance(error.__cause__, ProducerFenced)
            return ExitReason.FENCED if is_fenced else ExitReason.UNKNOWN_COMMIT
        case StateError() | OSError():
            return ExitReason.STORE_FAILED
        case _:
            return ExitReason.STEP_FAILED
