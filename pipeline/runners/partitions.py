"""Which partitions are this worker's: opens their fences and lanes at assignment, closes them at revocation."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import structlog
from faust.types import TP

from pipeline.kafka.batched import OffsetGate
from pipeline.kafka.crash_points import crash_point
from pipeline.kafka.exits import ExitReason, leave
from pipeline.kafka.fenced import FencedProducer
from pipeline.kafka.store import Store
from pipeline.kafka.topics import Output, TopicNames
from pipeline.runners.lanes import JudgeLane, Lane, ScanLane, Shared, Signals
from pipeline.runners.steps import JudgeStep, ScanStep

log = structlog.get_logger()


class LaneKey(NamedTuple):
    """A lane belongs to a partition number among topics of the same number of partitions.

    Faust assigns topics with the same number of partitions together, so such a number has one owner; the same number
    among topics of another size may have another.
    """

    place: str
    partitions: int
    partition: int


class OwnedPartitions:
    """The lanes of this worker."""

    def __init__(  # noqa: PLR0913, PLR0917 - what all lanes need
        self,
        names: TopicNames,
        partition_counts: Mapping[str, int],
        steps: tuple[ScanStep, JudgeStep],
        store: Callable[[], Store],
        new_producer: Callable[[str], FencedProducer],
        gate: OffsetGate,
    ) -> None:
        self._names = names
        self._counts = partition_counts
        self._scan, self._judge = steps
        self._store = store
        self._new_producer = new_producer
        signals = Signals(names, partition_counts[names.of(Output.SIGNALS)])
        self._shared = Shared(signals, gate, asyncio.Lock())
        self._inputs = set(names.inputs)
        self.lanes: dict[LaneKey, Lane] = {}
        self.assigned_at = time.monotonic()

    def lane_of(self, topic: str, partition: int) -> Lane | None:
        """Where a batch of that partition goes; `None` when the partition was revoked meanwhile."""
        return self.lanes.get(self._key(topic, partition))

    def judge_lanes(self) -> list[JudgeLane]:
        """The lanes of our signals partitions."""
        return [lane for lane in self.lanes.values() if isinstance(lane, JudgeLane)]

    async def acquire(self, assigned: set[TP]) -> None:
        """Fences the previous owners of all partitions assigned, at the same time."""
        self.assigned_at = time.monotonic()
        await self.release()
        crash_point("worker", "in_assign")
        signals = self._names.of(Output.SIGNALS)
        keys = {self._key(tp.topic, tp.partition) for tp in assigned if tp.topic == signals or tp.topic in self._inputs}
        try:
            opened = await asyncio.gather(*(self._open(key) for key in sorted(keys)))
        except BaseException as error:  # noqa: BLE001 - Faust would log it and go on without the fence
            leave(ExitReason.ASSIGNMENT_FAILED, error)
        self.lanes = dict(opened)
        log.info(
            "partitions_assigned",
            lanes=len(self.lanes),
            signals=sorted(k.partition for k in keys if k.place == "judge"),
        )

    async def release(self) -> None:
        """Closes all lanes: nothing is in flight, or the partition is lost already."""
        lanes, self.lanes = self.lanes, {}
        await asyncio.gather(*(lane.close() for lane in lanes.values()))

    def rows_end_at(self, tp: TP, end_offset: int) -> None:
        """Wipes the local rows, and ends the worker, when they know more than the changelog does."""
        rows = self._store().rows(tp.partition)
        offset = rows.offset
        if offset is not None and offset >= end_offset:
            rows.reset()
            leave(ExitReason.STORE_AHEAD, partition=tp.partition, store_offset=offset, changelog_end=end_offset)

    def _key(self, topic: str, partition: int) -> LaneKey:
        place = "judge" if topic == self._names.of(Output.SIGNALS) else "scan"
        return LaneKey(place, self._counts[topic], partition)

    async def _open(self, key: LaneKey) -> tuple[LaneKey, Lane]:
        app_id = self._names.app_id
        producer = self._new_producer(f"{app_id}-fx-{key.place}-{key.partitions}-{key.partition}")
        await producer.open()
        if key.place == "scan":
            return key, ScanLane(key.partition, producer, self._scan, self._shared)
        partition = key.partition
        return key, JudgeLane(partition, producer, self._judge, lambda: self._store().rows(partition), self._shared)


def producer_factory(transaction_timeout_ms: int, connection: Mapping[str, Any]) -> Callable[[str], FencedProducer]:
    """Makes the producer of a transactional id."""

    def new_producer(transactional_id: str) -> FencedProducer:
        return FencedProducer(transactional_id, transaction_timeout_ms, **connection)

    return new_producer
