"""How Faust is fed: one event per fetched batch, commits by what was delivered, fences before recovery.

Stock Faust spends about 120 µs on a message; one event per fetch spends 3.4 (Python 3.11, 2 cores). Its bookkeeping of
gaps cannot carry batches: it commits past batches in flight or stops committing. So this module replaces it by a queue
of what was delivered. `faust.md` of the design notes numbers the hazards; the comments here name what each hook stops.

Broker URL `batched://host:port`. A topic is batched when its schema is a `BatchSchema`.
"""

import asyncio
import importlib.metadata
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any, Protocol, cast

import aiokafka
from aiokafka.producer import sender as aiokafka_sender
from aiokafka.producer.message_accumulator import BatchBuilder
from faust import App, Schema
from faust.tables.recovery import Recovery
from faust.transport.drivers import aiokafka as driver
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP, EventT, Message

from pipeline.errors import SettingsError

EXACT_VERSIONS = {
    "faust-streaming": "0.15.3",
    "mode-streaming": "0.7.1",
    "aiokafka": "0.14.0",
    "rocksdict": "0.3.29",
}

OVERRIDDEN_NAMES: tuple[tuple[type | ModuleType, tuple[str, ...]], ...] = (
    (aiokafka_sender, ("BACKOFF_OVERRIDE", "Sender", "EndTxnHandler")),
    (
        driver.Consumer,
        (
            *("_add_gap", "_new_offset", "_new_consumer_thread", "on_buffer_full", "perform_seek", "highwaters"),
            *("commit", "on_partitions_assigned", "on_partitions_revoked", "seek_to_committed"),
        ),
    ),
    (driver.AIOKafkaConsumerThread, ("_create_worker_consumer", "seek_to_beginning")),
    (driver.Producer, ("_settings_extra",)),
    (Recovery, ("on_recovery_completed", "_resume_streams", "_slurp_changelogs")),
    (aiokafka.AIOKafkaProducer, ("create_batch", "send_batch", "begin_transaction", "commit_transaction")),
    (aiokafka_sender.Sender, ("_do_txn_commit", "_find_coordinator")),
    (aiokafka_sender.EndTxnHandler, ("do", "handle_error", "handle_response")),
    (BatchBuilder, ("append", "record_count", "size")),
)
"""Every name inside the libraries that this package replaces or leans on."""

FETCH_WAIT_MS = 20
"""How long the broker may hold a fetch back that it has no records for.

A fetch asks for those partitions alone of which nothing is buffered, and a broker gets one at a time: what arrives
elsewhere waits for its answer. With Faust's 1,500 ms a worker with a backlog stood still for a third of its time, held
up by topics that had nothing new.
"""

RECOVERY_TICK_KEY = b"\x00tick"
"""Key of the record that ends a changelog before recovery; always a tombstone."""


class RawRecord(Protocol):
    """A record as aiokafka delivers it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class PartitionOwner(Protocol):
    """Who is told of partitions that come and go: opens and closes the fenced producers."""

    async def acquire(self, assigned: set[TP]) -> None:
        """Fences the previous owners; recovery starts only afterwards."""

    async def release(self) -> None:
        """Closes everything: the eager protocol revokes all partitions at once."""

    def rows_end_at(self, tp: TP, end_offset: int) -> None:
        """Tells where a changelog ends, before recovery reads it."""


class OffsetGate:
    """Keeps Faust's commits and the transactions that carry offsets apart.

    The group's coordinator takes what was appended last. A commit of Faust's that is sent while a transaction with a
    later offset is open would be appended behind it, and put the group back by a batch.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._transactions = 0
        self._at_rest = asyncio.Event()
        self._at_rest.set()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Many at a time, none while Faust commits."""
        async with self._turn:
            self._transactions += 1
            self._at_rest.clear()
        try:
            yield
        finally:
            self._transactions -= 1
            if not self._transactions:
                self._at_rest.set()

    @asynccontextmanager
    async def commit(self) -> AsyncIterator[None]:
        """Alone: waits for the transactions that are open and holds up those that would begin."""
        async with self._turn:
            await self._at_rest.wait()
            yield


class BatchedApp(App):  # type: ignore[misc]  # faust is untyped here
    """A Faust app that knows who owns its partitions."""

    owner: PartitionOwner
    offset_gate: OffsetGate


class BatchSchema(Schema):  # type: ignore[misc]  # faust is untyped here
    """Marks a topic as batched: the event's value is the list of raw records, nothing is decoded."""

    def compile(self, app: App, **_: Any) -> Callable[..., Awaitable[EventT]]:
        """The decoder that Faust calls per message; a decode error can so never be acknowledged by Faust (#16)."""
        create_event = app.create_event

        async def decode(message: Message, *, propagate: bool = False) -> EventT:  # noqa: ARG001 - Faust's signature
            return create_event(message.key, message.value, message.headers, message)

        return decode


class FetchedBatch:
    """Looks like one aiokafka record; its value is all records of one partition and fetch, its offset the last one."""

    __slots__ = (
        "checksum",
        "headers",
        "key",
        "offset",
        "partition",
        "serialized_key_size",
        "serialized_value_size",
        "timestamp",
        "timestamp_type",
        "topic",
        "value",
    )

    def __init__(self, tp: TP, records: Sequence[RawRecord]) -> None:
        last = records[-1]
        self.topic, self.partition, self.offset = tp.topic, tp.partition, last.offset
        self.timestamp, self.timestamp_type = last.timestamp, 0
        self.value = records
        self.headers: tuple[()] = ()
        self.key = self.checksum = None
        self.serialized_key_size = self.serialized_value_size = 0


class BatchScheduler(DefaultSchedulingStrategy):  # type: ignore[misc]  # faust is untyped here
    """Yields one `FetchedBatch` per partition of a batched topic, and single records of all others (changelogs)."""

    def __init__(self, is_batched: Callable[[str], bool]) -> None:
        self.is_batched = is_batched

    def iterate(self, records: Mapping[TP, list[RawRecord]]) -> Iterator[tuple[TP, Any]]:
        """What one fetch brought, batched partitions first."""
        plain: dict[TP, list[RawRecord]] = {}
        for tp, fetched in records.items():
            if not fetched:
                continue
            if self.is_batched(tp.topic):
                yield tp, FetchedBatch(tp, fetched)
            else:
                plain[tp] = fetched
        if plain:
            yield from super().iterate(plain)


class Deliveries:
    """What was handed out per partition and not yet committed: offsets in order, with the time of delivery."""

    def __init__(self) -> None:
        self._queues: dict[TP, deque[tuple[int, float]]] = defaultdict(deque)

    def add(self, tp: TP, first_offset: int, last_offset: int, now: float) -> None:
        """Notes a batch. A re-delivery after a seek supersedes everything from its first offset on."""
        queue = self._queues[tp]
        while queue and queue[-1][0] >= first_offset:
            queue.pop()
        queue.append((last_offset, now))

    def settle(self, tp: TP, acked: set[int], committed: int) -> int | None:
        """Takes the acknowledged head off the queue; the offset to commit, or `None` when the head is in flight.

        Offsets have gaps (compaction, markers), so only what was delivered can say what comes next. What lies below
        `committed` is done too: Faust's `ack` ignores those offsets.
        """
        queue, next_offset = self._queues[tp], None
        while queue and (queue[0][0] in acked or queue[0][0] < committed):
            offset, _ = queue.popleft()
            if offset in acked:
                acked.discard(offset)
                next_offset = offset + 1
        return next_offset

    def forget(self, tps: Iterable[TP] | None = None) -> None:
        """Drops the partitions, all when none are named: they will be read again, or by somebody else."""
        for tp in list(self._queues) if tps is None else list(tps):
            self._queues.pop(tp, None)

    def oldest_age_seconds(self, now: float) -> float:
        """For how long the oldest delivered batch has been waiting; 0 when nothing is out."""
        heads = [queue[0] for queue in list(self._queues.values()) if queue]
        return max((now - delivered_at for _, delivered_at in heads), default=0.0)

    def is_out(self, tp: TP) -> bool:
        """Whether a batch of that partition is out or not yet committed."""
        return bool(self._queues.get(tp))

    def count(self) -> int:
        """Batches that are out or not yet committed."""
        return sum(len(queue) for queue in self._queues.values())


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]  # faust is untyped here
    """The thread in which aiokafka fetches."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - Faust sets it for exactly_once alone (#13)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - no setting of Faust's reaches it
        return consumer


class Consumer(driver.Consumer):  # type: ignore[misc]  # faust is untyped here
    """Faust's consumer, with commits by what was delivered."""

    app: BatchedApp

    def __init__(
        self, transport: Any, callback: Callable[[Message], Awaitable[None]], *args: Any, **kwargs: Any
    ) -> None:
        self.deliveries = Deliveries()
        self.last_commit_at = time.monotonic()
        self._batched_topics: dict[str, bool] = {}

        async def deliver(message: Message) -> None:
            value = message.value
            first_offset = value[0].offset if isinstance(value, list) else message.offset
            self.deliveries.add(message.tp, first_offset, message.offset, time.monotonic())
            await callback(message)

        super().__init__(transport, deliver, *args, **kwargs)
        self.scheduler = BatchScheduler(self.is_batched)

    def is_at_end(self, tp: TP) -> bool:
        """Whether nothing is left to read and nothing is out; markers at the end are read past, but never delivered."""
        state = self._thread._ensure_consumer()._subscription.subscription.assignment.state_value(tp)  # noqa: SLF001 - versions are pinned
        is_read = state.highwater is not None and state._position is not None and state._position >= state.highwater  # noqa: SLF001 - the same
        return is_read and not self.deliveries.is_out(tp)

    def is_batched(self, topic: str) -> bool:
        """Whether the topic was declared with a `BatchSchema`."""
        known = self._batched_topics.get(topic)
        if known is None:
            known = self._batched_topics[topic] = any(
                isinstance(channel.schema, BatchSchema) for channel in self.app.topics if topic in channel.topics
            )
        return known

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def on_buffer_full(self, tp: TP) -> None:
        """Nothing for batches: a full queue is no reason to stop fetching a partition."""
        # Faust takes the partition out of the fetch set, gives it back at 40 % and sleeps 1 s when none is left.
        # For a short queue of batches, blocking in the channel's put() is all the back-pressure that is needed (#15).
        if not self.is_batched(tp.topic):
            super().on_buffer_full(tp)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: batches have no gaps, for what comes next is known from what was delivered (#1, #2)."""

    def _new_offset(self, tp: TP) -> int | None:
        offset = self.deliveries.settle(tp, self._acked_index[tp], self._committed_offset[tp] or 0)
        self._acked[tp].clear()
        return offset

    async def commit(self, *args: Any, **kwargs: Any) -> bool:
        """Faust's commit; notes when it last came back, for the watchdog."""
        async with self.app.offset_gate.commit():
            done = cast("bool", await super().commit(*args, **kwargs))
        self.last_commit_at = time.monotonic()
        return done

    async def perform_seek(self) -> None:
        """Back to the committed offsets: what was out is void."""
        self._forget(None)
        await super().perform_seek()

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Back to the committed offsets, and to the first record where nothing was committed yet.

        aiokafka leaves such a partition where its prefetch has got to, and Faust drops what was prefetched: a worker
        that took over a partition before its first commit skipped its first batch.
        """
        committed = cast("Mapping[TP, int]", await super().seek_to_committed())
        fresh = [tp for tp, offset in committed.items() if not offset and not self._is_changelog_tp(tp)]
        if fresh:
            await self._thread.seek_to_beginning(*fresh)
        return committed

    def _forget(self, tps: Iterable[TP] | None) -> None:
        self.deliveries.forget(tps)
        for tp in list(self._acked_index) if tps is None else list(tps):
            self._acked_index.pop(tp, None)
            self._acked.pop(tp, None)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commits what is acknowledged, for Faust forgets it first; waits for what is in flight; closes the fences."""
        await self.commit()
        await super().on_partitions_revoked(revoked)
        self._forget(revoked)
        await self.app.owner.release()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Fences the previous owners before recovery reads where the changelogs end (#9)."""
        await self.app.owner.acquire(assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    async def highwaters(self, *tps: TP) -> Mapping[TP, int]:
        """Where the changelogs end.

        A transaction marker at the end is never delivered, and recovery would wait for it for ever (#11). So one plain
        record goes behind it first: a tombstone of a key that nobody uses.
        """
        ours = self.app.assignor.assigned_actives()
        sent = [
            await self.app.producer.send(tp.topic, RECOVERY_TICK_KEY, None, tp.partition, None, None)
            for tp in tps
            if tp in ours and self._is_changelog_tp(tp)
        ]
        if sent:
            await asyncio.gather(*sent)
        ends = cast("Mapping[TP, int]", await super().highwaters(*tps))
        for tp, end in ends.items():
            if tp in ours and end is not None:
                self.app.owner.rows_end_at(tp, end)
        return ends


class Producer(driver.Producer):  # type: ignore[misc]  # faust is untyped here
    """Faust's own producer; it writes recovery ticks only."""

    def _settings_extra(self) -> Mapping[str, Any]:
        # Settings cannot make it idempotent, and a lost acknowledgement at a broker restart would duplicate (#14).
        return {"acks": "all", "enable_idempotence": True}


class Transport(driver.Transport):  # type: ignore[misc]  # faust is untyped here
    """What `batched://` names."""

    Consumer = Consumer
    Producer = Producer


def check_versions() -> None:
    """Refuses to run on libraries whose insides this package was not written for.

    Raises:
        SettingsError: names the package or name that differs, and what is wanted.
    """
    for package, wanted in EXACT_VERSIONS.items():
        try:
            found = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found = "nothing"
        if found != wanted:
            raise SettingsError(
                f"{package} {found} is installed, and the batched transport works with {wanted} alone: "
                f"install the locked versions with `make setup`"
            )
    for owner, names in OVERRIDDEN_NAMES:
        for name in names:
            if not hasattr(owner, name):
                raise SettingsError(
                    f"{getattr(owner, '__qualname__', owner.__name__)} has no {name}, which the transport replaces: "
                    f"install the locked versions with `make setup`"
                )
