"""The worker: Faust's agents over batched topics, from a broker that answers to a clean stop.

    scan:  input batches -> signals and dead letters     (lanes.ScanLane)
    judge: signals -> rows, findings, alerts, advisories (lanes.JudgeLane)

Faust brings the batches, the assignment and the recovery of the rows; transactions, watermarks and the local store are
ours. Any exception on that way ends the process with a named reason (`kafka/exits.py`).
"""

import asyncio
import logging
import signal
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import structlog
from aiokafka.structs import TopicPartition
from faust import Stream
from kafka.errors import KafkaError
from prometheus_client import Gauge

from pipeline import metrics
from pipeline.detection.collector import spare_the_collector
from pipeline.errors import SettingsError, UnreachableError
from pipeline.kafka.batched import BatchedApp, BatchSchema, OffsetGate, check_versions
from pipeline.kafka.client import Connection, connect_admin
from pipeline.kafka.exits import ExitReason, leave, note_exits_in
from pipeline.kafka.store import SCHEME, Store, register
from pipeline.kafka.topics import TABLE_NAME, Output, TopicNames, ensure_topics, logs_of
from pipeline.kafka.watchdog import LEAST_LOOP_LAG_SECONDS, Limits, Vitals, Watchdog
from pipeline.runners.lanes import Job, Lane
from pipeline.runners.partitions import OwnedPartitions, producer_factory
from pipeline.runners.probes import Probes, ProbeServer
from pipeline.runners.steps import JudgeStep, ScanStep, TickMaker
from pipeline.settings import Settings

log = structlog.get_logger()

QUEUED_BATCHES = 8
"""Of each agent, in Faust's queue. Its own limit is 4,096, which would be batches here: gigabytes."""
RECOVERY_BATCHES = 2
"""Of the changelog, written to the local store at once. Not 1: Faust would never pause those partitions again."""
TOPICS_LOOKED_AT_SECONDS = 5.0
STOP_LIMIT_SECONDS = 9.0
FETCH_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Steps:
    """The pure steps that the worker performs."""

    scan: ScanStep
    judge: JudgeStep
    tick: TickMaker
    logs: dict[str, str] = field(default_factory=dict)
    """What tells each input topic from one of the same name that was there before: known once the broker answers."""


class Worker:
    """One process's part of the consumer group."""

    def __init__(self, settings: Settings, connection: Connection, steps: Steps, counts: Mapping[str, int]) -> None:
        self._settings = settings
        self._connection = connection
        self._steps = steps
        self.names = TopicNames(settings.app_id, settings.topic_prefix)
        self.app = new_app(settings, connection)
        self.table = self.app.Table(
            TABLE_NAME,
            partitions=counts[self.names.of(Output.SIGNALS)],
            key_type=bytes,
            value_type=bytes,
            schema=BatchSchema(),  # recovery reads its changelog in batches too: 25 times as fast
            recovery_buffer_size=RECOVERY_BATCHES,
        )
        timeout_ms = int(settings.transaction_timeout_seconds * 1000)
        self._new_producer = producer_factory(timeout_ms, connection.for_aiokafka())
        self.owned = OwnedPartitions(
            self.names, counts, (steps.scan, steps.judge), self.store, self._new_producer, self.app.offset_gate
        )
        self.app.owner = self.owned
        self._declare_agents()
        self._tasks: list[asyncio.Task[None]] = []

    def store(self) -> Store:
        """The local rows."""
        store = self.table.data
        assert isinstance(store, Store)  # noqa: S101 - the app names no other store
        return store

    async def run(self) -> None:
        """Works until SIGTERM or SIGINT, then stops in good order within ten seconds."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        watchdog = Watchdog(self, self._limits(), observe)
        probes = ProbeServer(
            self._settings.http_host, self._settings.http_port, Probes(metrics.REGISTRY, self.unhealthy, self.unready)
        )
        log.info("worker_started", app_id=self.names.app_id, http_port=probes.port)
        self._tasks = [
            asyncio.create_task(each) for each in (watchdog.beat(), self._tick(), self._gauge(), self._know_topics())
        ]
        watchdog.start()
        try:
            await self._start_and_wait(stop)
            log.info("worker_stops")
            watchdog.stop()
            await self._stop()
        finally:
            probes.close()
        log.info("worker_stopped")

    async def _start_and_wait(self, stop: asyncio.Event) -> None:
        starting = asyncio.create_task(self._start())
        waits = [starting, asyncio.create_task(stop.wait()), asyncio.create_task(self.app.wait_until_stopped())]
        try:
            await asyncio.wait([starting, waits[1]], return_when=asyncio.FIRST_COMPLETED)
            if starting.done() and starting.exception() is not None:
                leave(ExitReason.FAUST_CRASHED, starting.exception())
            await asyncio.wait(waits[1:], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
        if not stop.is_set():
            leave(ExitReason.FAUST_CRASHED, self.app.crash_reason)

    async def _start(self) -> None:
        self.app.in_worker = True
        await self.app.start()

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        try:
            async with asyncio.timeout(STOP_LIMIT_SECONDS):
                await self.app.stop()
                await self.owned.release()
        except TimeoutError:
            leave(ExitReason.STOP_TOO_SLOW)

    def _declare_agents(self) -> None:
        for name, topics in (("scan", self.names.inputs), ("judge", [self.names.of(Output.SIGNALS)])):
            topic = self.app.topic(*topics, schema=BatchSchema())
            topic.maxsize = QUEUED_BATCHES  # app.topic(maxsize=) is silently dropped (#15)
            self.app.agent(topic, name=name, concurrency=1)(self._hand_over)

        async def quiesce(*_: Any, **__: Any) -> None:
            # Faust resumes the partitions, then seeks, then clears the queues: what it delivers in between is lost
            # until the next start (#5). So nothing flows until it says so.
            self.app.consumer.stop_flow()
            self.app.flow_control.suspend()
            metrics.RECOVERY_SECONDS.observe(time.monotonic() - self.owned.assigned_at)

        self.app.on_rebalance_complete.connect(quiesce, weak=False)

    async def _hand_over(self, stream: Stream[Any]) -> None:
        """Puts each batch into its partition's lane, which acknowledges it; Faust must never see an exception (#4)."""
        async for event in stream.noack().events():
            message = event.message
            lane = self.owned.lane_of(message.topic, message.partition)
            if lane is None or message.generation_id != self.app.consumer_generation_id:
                continue  # delivered under an older assignment: it is read again by whoever has the partition now
            await lane.put(Job(event, event.value))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._settings.tick_interval_seconds)
            if self.unready() is None:
                now_ms = time.time_ns() // 1_000_000
                for lane in self.owned.judge_lanes():
                    lane.offer(Job(None, tick=self._steps.tick(lane.partition, now_ms)))

    async def _gauge(self) -> None:
        while True:
            await asyncio.sleep(5.0)
            if self.unready() is None and self.owned.lanes:
                gauge_lag(self.app, self.owned.lanes.values())
                held: set[tuple[str, ...]] = {(str(partition),) for partition in self.store().partitions}
                for gauge in (metrics.TABLE_ROWS, metrics.STORE_BYTES, metrics.WATERMARK_LAG):
                    forget_others(gauge, held)
                for partition, rows in self.store().partitions.items():
                    metrics.TABLE_ROWS.labels(partition).set(rows.estimated_rows())
                    metrics.STORE_BYTES.labels(partition).set(rows.bytes_on_disk())

    async def _know_topics(self) -> None:
        """Notices an input that was deleted and made again."""
        while True:
            await asyncio.sleep(TOPICS_LOOKED_AT_SECONDS)
            now = await asyncio.to_thread(self._logs_now)
            anew = {name for name, log_now in now.items() if log_now != self._steps.logs.get(name, log_now)}
            if anew:
                await self._begin_anew(anew)

    async def _begin_anew(self, topics: set[str]) -> NoReturn:
        """Sets the group back to the first record of topics, and ends: what was read of them went by older ones."""
        mine = {TopicPartition(*tp): 0 for tp in self.app.consumer.assignment() if tp.topic in topics}
        try:
            async with asyncio.timeout(STOP_LIMIT_SECONDS), self.app.offset_gate.commit():
                if mine:
                    place = min(tp.partition for tp in mine)
                    producer = self._new_producer(f"{self.names.app_id}-fx-anew-{place}")
                    await producer.open()
                    await producer.commit([], place="anew", group_id=self.names.app_id, offsets=mine)
                leave(ExitReason.TOPIC_MADE_ANEW, topics=sorted(topics))
        except Exception as error:  # noqa: BLE001 - the process ends either way
            leave(ExitReason.TOPIC_MADE_ANEW, error, topics=sorted(topics))

    def _logs_now(self) -> dict[str, str]:
        """Empty where no broker says: that is the watchdog's affair."""
        try:
            with closing(connect_admin(self._connection, limit_seconds=0.0)) as admin:  # once, and in silence
                return logs_of(admin, self.names.inputs)
        except (UnreachableError, KafkaError, OSError):
            return {}

    def vitals(self) -> Vitals:
        """For the watchdog; read from its thread."""
        consumer = self.app._consumer  # noqa: SLF001 - `app.consumer` would make one
        if consumer is None:
            return Vitals(0.0, 0, is_rebalancing=True, last_commit_at=time.monotonic())
        is_rebalancing = self.app.rebalancing or self.app.in_recovery or self.app.unassigned
        now = time.monotonic()
        return Vitals(
            oldest_unacked_seconds=consumer.deliveries.oldest_age_seconds(now),
            batches_out=consumer.deliveries.count(),
            is_rebalancing=bool(is_rebalancing) and not self._is_idle_member(),
            last_commit_at=consumer.last_commit_at,
            recovery_remaining=self.app.tables.recovery.active_remaining_total() if self.app.in_recovery else 0,
        )

    def broker_answers(self) -> bool:
        """For the watchdog."""
        return self._connection.answers()

    def unhealthy(self) -> str | None:
        """Why the process should be restarted: never while it answers, for the watchdog ends a sick one."""
        return "a service of Faust crashed" if self.app.crashed else None

    def unready(self) -> str | None:
        """Why no events flow right now."""
        if self.app._consumer is None:  # noqa: SLF001 - `app.consumer` would make one
            return "not connected yet"
        if self._is_idle_member():
            return None
        if self.app.rebalancing:
            return "rebalancing"
        if self.app.in_recovery or not self.app.tables.actives_ready:
            return "reading rows from the changelog"
        return None if self.owned.lanes else "no partitions assigned yet"

    def _is_idle_member(self) -> bool:
        """In the group, without a partition: there are more workers than partitions."""
        return bool(self.app.unassigned) and not self.app.rebalancing

    def _limits(self) -> Limits:
        return Limits(
            unacked_seconds=self._settings.unacked_limit_seconds,
            rebalance_seconds=self._settings.rebalance_limit_seconds,
            commit_seconds=self._settings.commit_limit_seconds,
            loop_lag_seconds=max(self._settings.session_timeout_seconds / 2, LEAST_LOOP_LAG_SECONDS),
        )


def run_worker(settings: Settings, steps: Steps) -> None:
    """Runs until it is told to stop. Before it joins the group: versions, broker, topics.

    Raises:
        SettingsError: versions, topics or files do not fit; nothing has been joined or written.
        UnreachableError: no broker answered in the time that the settings give.
    """
    check_versions()
    noted = note_exits_in(settings.data_dir)
    for reason in {*ExitReason, *noted}:  # all of them: a series that begins at 1 is no increase to Prometheus
        metrics.EXITS.labels(reason).inc(noted.get(reason, 0))
    connection = connection_of(settings)
    names = TopicNames(settings.app_id, settings.topic_prefix)
    admin = connect_admin(connection, settings.connect_timeout_seconds)
    try:
        counts = ensure_topics(admin, names, settings.partitions, settings.replication_factor)
        steps.logs.update(logs_of(admin, names.inputs))
    finally:
        admin.close()
    quiet_libraries()
    spare_the_collector()
    asyncio.run(_run(settings, connection, steps, counts))


async def _run(settings: Settings, connection: Connection, steps: Steps, counts: Mapping[str, int]) -> None:
    await Worker(settings, connection, steps, counts).run()


def new_app(settings: Settings, connection: Connection) -> BatchedApp:
    """The Faust app. Every setting whose default would hurt is named (faust.md, sections 2.8 and 4)."""
    register()
    brokers, credentials = connection.for_faust()
    app = BatchedApp(
        settings.app_id,
        broker=brokers,
        broker_credentials=credentials,
        store=f"{SCHEME}://",
        datadir=str(folder(settings.data_dir)),
        processing_guarantee="at_least_once",
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=settings.member_id,
        consumer_max_fetch_size=FETCH_BYTES,
        broker_max_poll_records=settings.max_poll_records,
        broker_max_poll_interval=300.0,
        broker_commit_interval=1.0,
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=settings.heartbeat_interval_seconds,
        broker_rebalance_timeout=settings.rebalance_timeout_seconds,
        broker_request_timeout=max(90.0, settings.session_timeout_seconds + 10.0),
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=True,
        stream_recovery_delay=0.0,
        stream_buffer_maxsize=QUEUED_BATCHES,  # of the changelog; the topics have their own
        web_enabled=False,
        web_bind="127.0.0.1",
        worker_redirect_stdouts=False,
    )
    app.offset_gate = OffsetGate()
    app.finalize()
    return app


def connection_of(settings: Settings) -> Connection:
    """The part of the settings that says how to reach Kafka."""
    return Connection(
        brokers=settings.brokers,
        security_protocol=settings.security_protocol,
        sasl_mechanism=settings.sasl_mechanism,
        sasl_username=settings.sasl_username,
        sasl_password=settings.sasl_password.get_secret_value() if settings.sasl_password else None,
        ca_file=settings.tls_ca_file,
        cert_file=settings.tls_cert_file,
        key_file=settings.tls_key_file,
    )


def folder(path: Path) -> Path:
    """The data folder, made if it is missing.

    Raises:
        SettingsError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"data_dir {path} cannot be used ({error.strerror}); set RINGFENCE_DATA_DIR") from error
    return path.resolve()


def quiet_libraries() -> None:
    """Faust, mode and the Kafka clients say what an operator can act on, and no more; swallowed errors end us."""
    for name in ("faust", "mode", "aiokafka", "kafka"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("aiokafka.consumer.group_coordinator").setLevel(logging.ERROR)
    logging.getLogger("faust.tables.recovery").addFilter(SwallowedErrors())


class SwallowedErrors(logging.Filter):
    """Ends the process when Faust's recovery logs an error and goes on (#12)."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every other line pass."""
        if str(record.msg).startswith("Error in recovery"):
            leave(ExitReason.RECOVERY_FAILED)
        return True


def observe(vitals: Vitals, loop_lag_seconds: float) -> None:
    """What the watchdog saw, as metrics."""
    metrics.READY.set(not vitals.is_rebalancing)
    metrics.RECOVERY_REMAINING.set(vitals.recovery_remaining)
    metrics.OLDEST_UNACKED_SECONDS.set(vitals.oldest_unacked_seconds)
    metrics.LOOP_LAG_SECONDS.set(loop_lag_seconds)


def gauge_lag(app: BatchedApp, lanes: Iterable[Lane]) -> None:
    """How far each source partition is behind, in records and in seconds."""
    consumer = app.consumer
    lanes = list(lanes)
    held: set[tuple[str, ...]] = {(tp.topic, str(tp.partition)) for lane in lanes for tp in lane.positions}
    for gauge in (metrics.LAG_RECORDS, metrics.LAG_SECONDS):
        forget_others(gauge, held)
    for lane in lanes:
        for tp, position in lane.positions.items():
            end = consumer.highwater(tp)
            behind = 0 if end is None or consumer.is_at_end(tp) else max(end - position.next_offset, 0)
            age_seconds = max(time.time() - position.timestamp_ms / 1000, 0.0)
            metrics.LAG_RECORDS.labels(tp.topic, tp.partition).set(behind)
            metrics.LAG_SECONDS.labels(tp.topic, tp.partition).set(age_seconds if behind else 0.0)


def forget_others(gauge: Gauge, held: set[tuple[str, ...]]) -> None:
    """Drops what is known of partitions that another worker has now: their last values would alert for ever."""
    known = {tuple(sample.labels.values()) for metric in gauge.collect() for sample in metric.samples}
    for labels in known - held:
        gauge.remove(*labels)
