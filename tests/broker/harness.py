"""What the tests on a real broker share: topics of their own, workers as processes, and reading what came out."""

import contextlib
import dataclasses
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from pipeline.kafka.topics import Input, Output, TopicNames, ensure_topics
from pipeline.runners.lanes import WATERMARK_KEY

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 90.0
SESSION_SECONDS = 6.0


@dataclass
class WorkerProcess:
    """One worker; its output goes to a file that a failing test shows."""

    process: "subprocess.Popen[bytes]"
    output: Path

    def is_running(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def suspend(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self, limit_seconds: float = 15.0) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(limit_seconds)


@dataclass
class Stage:
    """Topics, group and data folders of one test."""

    address: str
    folder: Path
    name: str
    partitions: int = 4
    program: tuple[str, ...] = (str(ROOT / "tests/broker/toy_worker.py"),)
    workers: list[WorkerProcess] = field(default_factory=list)

    @property
    def names(self) -> TopicNames:
        return TopicNames(self.name, f"{self.name}.")

    def make_topics(self) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.address)
        try:
            ensure_topics(admin, self.names, self.partitions, 1)
        finally:
            admin.close()

    def start(self, place: str = "a", *, wait: bool = True, **extra: str) -> WorkerProcess:
        """A worker with a data folder of its own; returns when it is ready."""
        number = len(self.workers)
        output = self.folder / f"worker-{number}-{place}.log"
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "RINGFENCE_BROKERS": self.address,
            "RINGFENCE_APP_ID": self.names.app_id,
            "RINGFENCE_TOPIC_PREFIX": self.names.prefix,
            "RINGFENCE_DATA_DIR": str(self.folder / f"data-{place}"),
            "RINGFENCE_HTTP_PORT": "0",
            "RINGFENCE_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
            "RINGFENCE_HEARTBEAT_INTERVAL_SECONDS": "1",
            "RINGFENCE_REBALANCE_TIMEOUT_SECONDS": "8",
            "RINGFENCE_TICK_INTERVAL_SECONDS": "1",
            "RINGFENCE_PSEUDONYM_KEY": "a key for tests only, not secret",
            "RINGFENCE_LOG_FORMAT": "json",
            **extra,
        }
        with output.open("wb") as log:
            process = subprocess.Popen([sys.executable, *self.program], env=environment, stdout=log, stderr=log)
        worker = WorkerProcess(process, output)
        self.workers.append(worker)
        if wait:
            wait_for(lambda: b"partitions_assigned" in output.read_bytes() or not worker.is_running(), "an assignment")
            assert worker.is_running(), output.read_text()
        return worker

    def close(self) -> None:
        for worker in self.workers:
            if worker.is_running():
                worker.wake()
                worker.kill()

    def produce(self, records: Iterable[tuple[Input, bytes, bytes]]) -> None:
        """Publishes (topic, key, value) and waits for every acknowledgement."""
        producer = KafkaProducer(bootstrap_servers=self.address, acks="all", linger_ms=20, batch_size=256 * 1024)
        try:
            for topic, key, value in records:
                producer.send(self.names.of(topic), key=key, value=value)
            producer.flush(60)
        finally:
            producer.close()

    def read(self, topic: str, *, isolation: str = "read_committed") -> "list[Read]":
        """Everything on a topic, up to where it ends now."""
        consumer = KafkaConsumer(bootstrap_servers=self.address, isolation_level=isolation, enable_auto_commit=False)
        try:
            tps = [TopicPartition(topic, each) for each in range(self.partitions)]
            consumer.assign(tps)
            consumer.seek_to_beginning(*tps)
            ends = consumer.end_offsets(tps)
            got: list[Read] = []
            while any(consumer.position(tp) < ends[tp] for tp in tps):
                for tp, batch in consumer.poll(timeout_ms=200).items():
                    got += [
                        Read(tp.partition, each.offset, each.key, each.value, each.headers, each.timestamp)
                        for each in batch
                    ]
            return sorted(got, key=lambda each: (each.partition, each.offset))
        finally:
            consumer.close()

    def output(self, topic: Output) -> "list[Read]":
        return self.read(self.names.of(topic))

    def table(self, partition: int | None = None) -> dict[bytes, bytes]:
        """The last value of each row in the changelog, or in one partition of it, our own rows left out."""
        records = [each for each in self.read(self.names.changelog) if partition in {None, each.partition}]
        rows: dict[bytes, bytes | None] = {each.key: each.value for each in records}
        return {key: row for key, row in rows.items() if row is not None and not key.startswith(b"\0")}

    def input_lag(self) -> int:
        """Records of the inputs that the group has not committed yet."""
        consumer = KafkaConsumer(bootstrap_servers=self.address, enable_auto_commit=False)
        admin = KafkaAdminClient(bootstrap_servers=self.address)
        try:
            tps = [TopicPartition(topic, each) for topic in self.names.inputs for each in range(self.partitions)]
            ends = consumer.end_offsets(tps)
            committed = admin.list_group_offsets(self.names.app_id)[self.names.app_id]
            return sum(end - (committed[tp].offset if tp in committed else 0) for tp, end in ends.items())
        finally:
            consumer.close()
            admin.close()

    def is_judged(self) -> bool:
        """Whether every signal that there is has been judged."""
        signals = {each.partition: each.offset for each in self.output(Output.SIGNALS)}
        marks = {each.partition: each.value for each in self.read(self.names.changelog) if each.key == WATERMARK_KEY}
        return all(
            orjson.loads(marks.get(p) or b'{"next_offset":0}')["next_offset"] > end for p, end in signals.items()
        )

    def progress(self, topic: Output = Output.FINDINGS) -> int:
        """A number that grows with what was published: the topic's ends, markers included."""
        consumer = KafkaConsumer(bootstrap_servers=self.address, isolation_level="read_committed")
        try:
            tps = [TopicPartition(self.names.of(topic), each) for each in range(self.partitions)]
            return sum(consumer.end_offsets(tps).values())
        finally:
            consumer.close()


@dataclass(frozen=True)
class Read:
    """A record that was read."""

    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int


def wait_for(
    condition: Callable[[], bool], what: str, limit_seconds: float = WAIT_SECONDS, pause_seconds: float = 0.1
) -> None:
    """Returns when the condition is true; fails the test after the limit."""
    deadline = time.monotonic() + limit_seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {limit_seconds:g} s in vain for {what}"
        time.sleep(pause_seconds)


@dataclass(frozen=True)
class Load:
    """Seeded events over sellers and input topics, some of them poison, and what they must come to."""

    records: list[tuple[Input, bytes, bytes]]
    per_seller: Mapping[str, int]
    poison: int

    @classmethod
    def seeded(
        cls, seed: int, events: int, sellers: int = 200, poison_every: int = 400, *, is_hot: bool = False
    ) -> "Load":
        """`is_hot`: half of all events are one seller's."""
        chance = random.Random(seed)
        topics = list(Input)
        records: list[tuple[Input, bytes, bytes]] = []
        counts: Counter[str] = Counter()
        poison = 0
        for number in range(events):
            seller = "s0" if is_hot and chance.random() < 0.5 else f"s{chance.randrange(sellers)}"
            topic = chance.choice(topics)
            counts[seller] += 1
            event = {"seller_id": seller, "event_id": f"e{seed}-{number}"}
            records.append((topic, seller.encode(), orjson.dumps(event)))
            if number % poison_every == 0:
                poison += 1
                records.append((topic, seller.encode(), b'{"broken": ' + str(number).encode()))
        return cls(records, counts, poison)

    def alert_ids(self, every: int = 10) -> list[str]:
        return sorted(
            f"{seller}:{count}" for seller, total in self.per_seller.items() for count in range(every, total + 1, every)
        )


@dataclass(frozen=True)
class Tally:
    """What came out beside what had to, each difference counted."""

    missing: int
    """Ids of alerts and findings that never came."""
    repeated: int
    """Ids that came more than once."""
    foreign: int
    """Ids that had no business there."""
    wrong_rows: int
    """Rows whose last value in the changelog is not what the events come to."""
    wrong_letters: int
    """Poison records that are not in the dead letters exactly once, and letters of other records."""

    @property
    def faults(self) -> list[str]:
        """What is not as it has to be, in words; empty when all holds."""
        return [f"{count} {name.replace('_', ' ')}" for name, count in dataclasses.asdict(self).items() if count]


def tally(stage: Stage, load: Load) -> Tally:
    """What the service got wrong. Read committed, from the first offset."""
    events = {orjson.loads(value)["event_id"] for _, _, value in load.records if not value.startswith(b'{"broken')}
    told = [
        (Counter(text(each.value) for each in stage.output(topic)), wanted)
        for topic, wanted in ((Output.ALERTS, set(load.alert_ids())), (Output.FINDINGS, events))
    ]
    table = {key.decode(): orjson.loads(row)["count"] for key, row in stage.table().items()}
    wanted_rows = {f"seller/{seller}": count for seller, count in load.per_seller.items()}
    letters = Counter(dict(each.headers)["origin"] for each in stage.output(Output.DEAD_LETTERS))
    return Tally(
        missing=sum(len(wanted - set(came)) for came, wanted in told),
        repeated=sum(count > 1 for came, _ in told for count in came.values()),
        foreign=sum(len(set(came) - wanted) for came, wanted in told),
        wrong_rows=sum(table.get(key) != wanted_rows.get(key) for key in table.keys() | wanted_rows.keys()),
        wrong_letters=abs(len(letters) - load.poison) + sum(count > 1 for count in letters.values()),
    )


def faults(stage: Stage, load: Load) -> list[str]:
    """What the service got wrong, in words; empty when all holds."""
    return tally(stage, load).faults


def text(value: bytes | None) -> str:
    return (value or b"").decode()


def wait_for_end(stage: Stage, load: Load) -> None:
    """Returns when every event of the load has its finding and every poison record its dead letter."""
    events = len(load.records) - load.poison
    wait_for(lambda: stage.progress() >= events, "the findings")
    wait_for(lambda: len({each.value for each in stage.output(Output.FINDINGS)}) >= events, "the last findings")
    wait_for(lambda: len(stage.output(Output.DEAD_LETTERS)) >= load.poison, "the dead letters")


@contextlib.contextmanager
def shown_on_failure(stage: Stage) -> Iterator[None]:
    """Prints the ends of the workers' logs when the test fails."""
    try:
        yield
    except BaseException:
        for worker in stage.workers:
            sys.stderr.write(f"--- {worker.output.name} (exit {worker.process.poll()})\n")
            sys.stderr.write("\n".join(worker.output.read_text(errors="replace").splitlines()[-25:]) + "\n")
        raise
