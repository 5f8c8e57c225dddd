"""`ringfence doctor`: looks at everything that a worker stands on, and says what to do about what is wrong.

It changes nothing but a topic of its own for one synthetic message, which it deletes again.
"""

import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import AuthorizationError, KafkaError

from pipeline.errors import PipelineError
from pipeline.judgement.times import DAY_MS
from pipeline.kafka.batched import check_versions
from pipeline.kafka.client import Connection, connect_admin
from pipeline.kafka.recordings import Recorded
from pipeline.kafka.rights import GROUP, TOPIC, worker_rights
from pipeline.kafka.rows_db import offset_on_disk
from pipeline.kafka.topics import (
    TABLE_NAME,
    Input,
    Output,
    TopicNames,
    check_co_partitioning,
    partition_counts,
    topic_specs,
)
from pipeline.policy.book import PolicyBook
from pipeline.runners.judge import Judge
from pipeline.runners.memory_rows import MemoryRows
from pipeline.runners.scan import Scan

OLDEST_BROKER = (2, 5)
"""The first whose transactions fence by producer epoch and take offsets for a whole group."""
LARGEST_SKEW_SECONDS = 5.0
LEAST_FREE_BYTES = 2 * 1024**3
MANY_RECORDS_BEHIND = 50_000
PROBE_LIMIT_SECONDS = 15.0
PROBE_EVENT = {
    "message_id": "ringfence-doctor",
    "conversation_id": "ringfence-doctor",
    "seller_id": "ringfence-doctor",
    "buyer_id": "ringfence-doctor",
    "sender": "seller",
    "body": "What is your phone number? Let us talk on WhatsApp instead.",
}
"""Marked in every id; it never comes near the marketplace's topics."""


class Health(StrEnum):
    """How a finding is to be taken."""

    FINE = "fine"
    ODD = "odd"
    """Works, and may not for ever."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing looked at."""

    check: str
    health: Health
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at, as the settings name it."""

    connection: Connection
    names: TopicNames
    partitions: int
    data_dir: Path
    book: PolicyBook
    scan: Scan
    connect_seconds: float


def examination(patient: Patient) -> Iterator[Diagnosis]:
    """Every finding, in the order in which one thing rests on another; without a broker, what does not need one."""
    yield versions()
    yield policy(patient.book)
    yield disk(patient.data_dir)
    try:
        admin = connect_admin(patient.connection, patient.connect_seconds)
    except PipelineError as error:
        yield Diagnosis("broker", Health.BROKEN, str(error), "nothing else can be looked at until a broker answers")
        return
    try:
        checks: tuple[tuple[str, Callable[[Patient, KafkaAdminClient], Diagnosis]], ...] = (
            ("broker", broker),
            ("topics", topics),
            ("retention", retention),
            ("rights", rights),
            ("group", group),
            ("lag", lag),
            ("store", store),
            ("round trip", round_trip),
        )
        for name, check in checks:
            yield examined(name, lambda check=check: check(patient, admin))  # type: ignore[misc]  # bound in this turn
    finally:
        admin.close()


def examined(name: str, check: Callable[[], Diagnosis]) -> Diagnosis:
    """The check's finding, or why it could not be made."""
    try:
        return check()
    except AuthorizationError as error:  # what a worker itself needs, the rights tell
        text = f"this user may not look: {type(error).__name__}"
        return Diagnosis(name, Health.ODD, text, "a worker does without; ask again as an administrator")
    except (KafkaError, PipelineError, OSError) as error:
        text = f"could not be looked at: {type(error).__name__}: {error}"
        return Diagnosis(name, Health.BROKEN, text, "mend what stands above first; then the rights of this user")


def versions() -> Diagnosis:
    """Whether the libraries are those whose names are overridden."""
    try:
        check_versions()
    except PipelineError as error:
        return Diagnosis("versions", Health.BROKEN, str(error), "install the locked requirements")
    return Diagnosis("versions", Health.FINE, "the locked ones")


def policy(book: PolicyBook) -> Diagnosis:
    """Which policy judges a message sent now."""
    now_ms = time.time_ns() // 1_000_000
    found = f"{book.in_force(now_ms).version} is in force (book {book.fingerprint}, versions {book.versions})"
    if book.starts_ms[0] > now_ms:
        advice = "give a version a date in the past, or messages are judged before any policy held"
        return Diagnosis("policy", Health.ODD, f"no version has begun: {found}", advice)
    return Diagnosis("policy", Health.FINE, found)


def disk(data_dir: Path) -> Diagnosis:
    """Whether the store has room."""
    folder = next(each for each in (data_dir.resolve(), *data_dir.resolve().parents) if each.exists())
    free = shutil.disk_usage(folder).free
    found = f"{free / 1024**3:.1f} GiB free at {data_dir}"
    if free < LEAST_FREE_BYTES:
        return Diagnosis(
            "disk", Health.ODD, found, "make room: the store compacts, and wants twice its size for a while"
        )
    return Diagnosis("disk", Health.FINE, found)


def broker(_: Patient, admin: KafkaAdminClient) -> Diagnosis:
    """Which cluster answers, and whether it can do what is wanted of it."""
    cluster = admin.describe_cluster()
    brokers = [each["broker_id"] for each in cluster["brokers"]]
    version = admin.get_broker_version_data(brokers[0]).broker_version
    found = f"{len(brokers)} broker(s) of cluster {cluster['cluster_id']}, Kafka {'.'.join(map(str, version))} or later"
    if tuple(version) < OLDEST_BROKER:
        return Diagnosis("broker", Health.BROKEN, found, "Kafka 2.5 is the oldest that will do")
    return Diagnosis("broker", Health.FINE, found)


def topics(patient: Patient, admin: KafkaAdminClient) -> Diagnosis:
    """Whether all topics are there, led, and fit together."""
    wanted = [spec.name for spec in topic_specs(patient.names, patient.partitions)]
    counts = partition_counts(admin, wanted)
    missing = [name for name in wanted if name not in counts]
    if missing:
        advice = "`ringfence topics` creates them, with the right to; or an administrator does"
        return Diagnosis("topics", Health.BROKEN, f"missing: {', '.join(missing)}", advice)
    check_co_partitioning(counts, patient.names)
    described = admin.describe_topics(wanted)
    headless = [
        f"{topic['name']}[{each['partition_index']}]"
        for topic in described
        for each in topic["partitions"]
        if each["leader_id"] < 0 or len(each["isr_nodes"]) < len(each["replica_nodes"])
    ]
    if headless:
        found = f"{len(headless)} partitions lack a leader or a copy, {headless[0]} for one"
        return Diagnosis("topics", Health.ODD, found, "look at the brokers: one is down or catching up")
    return Diagnosis(
        "topics", Health.FINE, f"{len(counts)} topics, {counts[patient.names.changelog]} partitions of ours"
    )


def retention(patient: Patient, admin: KafkaAdminClient) -> Diagnosis:
    """Whether the log keeps what the policy remembers, and the changelog is compacted."""
    signals, changelog = patient.names.of(Output.SIGNALS), patient.names.changelog
    asked = [
        ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": None, "cleanup.policy": None})
        for name in (signals, changelog)
    ]
    settings = admin.describe_configs(asked, config_filter="all")["topic"]
    if not settings[changelog] or not settings[signals]:
        advice = "a worker does without; DescribeConfigs on the topics lets the doctor look"
        return Diagnosis("retention", Health.ODD, "this user may not look", advice)
    if settings[changelog]["cleanup.policy"]["value"] != "compact":
        found = f"{changelog} is not compacted"
        return Diagnosis("retention", Health.BROKEN, found, "set cleanup.policy=compact: rows would be lost with age")
    kept_ms = int(settings[signals]["retention.ms"]["value"])
    wanted_days = max(policy.longest_window_days for policy in patient.book.policies)
    if 0 <= kept_ms < wanted_days * DAY_MS:
        found = f"{signals} keeps {kept_ms / DAY_MS:.1f} days, the policy looks back {wanted_days}"
        return Diagnosis("retention", Health.ODD, found, "raise retention.ms: a rebuilt table would know less")
    return Diagnosis("retention", Health.FINE, f"the log outlives the {wanted_days} days that the policy looks back")


def rights(patient: Patient, admin: KafkaAdminClient) -> Diagnosis:
    """Whether this user may do what a worker does."""
    needed = [right for right in worker_rights(patient.names) if right.kind == TOPIC]
    described = admin.describe_topics([right.name for right in needed])
    allowed = {topic["name"]: set(topic.get("authorized_operations") or ()) for topic in described}
    lacking = [
        f"{operation} on {right.name}"
        for right in needed
        for operation in right.operations
        if operation not in allowed.get(right.name, ())
    ]
    of_group = admin.describe_groups([patient.names.app_id], include_authorized_operations=True)[patient.names.app_id]
    operations = of_group["authorized_operations"]
    if operations is not None and "READ" not in operations:
        lacking.append(f"READ on {GROUP} {patient.names.app_id}")
    if lacking:
        found = f"not allowed: {', '.join(lacking)}"
        return Diagnosis("rights", Health.BROKEN, found, "`ringfence acls USER` prints the commands that grant them")
    return Diagnosis("rights", Health.FINE, "everything on the topics that a worker does")


def group(patient: Patient, admin: KafkaAdminClient) -> Diagnosis:
    """Who works."""
    described = admin.describe_groups([patient.names.app_id])[patient.names.app_id]
    members = len(described["members"])
    found = f"{members} worker(s), {described['group_state'].lower()}"
    if not members:
        return Diagnosis("group", Health.ODD, found, "start one: `ringfence run`")
    return Diagnosis("group", Health.FINE, found)


def lag(patient: Patient, admin: KafkaAdminClient) -> Diagnosis:
    """How many records nobody has read yet."""
    names = [*patient.names.inputs, patient.names.of(Output.SIGNALS)]
    counts = partition_counts(admin, names)
    places = [TopicPartition(name, each) for name, count in counts.items() for each in range(count)]
    consumer = KafkaConsumer(enable_auto_commit=False, **patient.connection.for_kafka_python())
    try:
        starts, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
    finally:
        consumer.close()
    committed = admin.list_group_offsets(patient.names.app_id)[patient.names.app_id]
    read = {place: committed[place].offset if place in committed else starts[place] for place in places}
    behind = {place: max(ends[place] - read[place], 0) for place in places}
    worst = max(behind, key=lambda place: behind[place])
    found = f"{sum(behind.values()):,} records behind"
    if behind[worst] > MANY_RECORDS_BEHIND:
        found = f"{found}, {behind[worst]:,} of them in {worst.topic}[{worst.partition}]"
        return Diagnosis("lag", Health.ODD, found, "see LagGrows in the runbook")
    return Diagnosis("lag", Health.FINE, found)


def store(patient: Patient, _: KafkaAdminClient) -> Diagnosis:
    """Whether the rows on this machine are a part of the changelog."""
    folders = sorted(patient.data_dir.glob(f"v*/tables/{TABLE_NAME}/[0-9]*"))
    offsets = {int(folder.name): offset_on_disk(folder) for folder in folders if folder.name.isdecimal()}
    if not offsets:
        return Diagnosis("store", Health.FINE, f"no rows at {patient.data_dir} yet; the changelog brings them")
    consumer = KafkaConsumer(enable_auto_commit=False, **patient.connection.for_kafka_python())
    try:
        places = [TopicPartition(patient.names.changelog, each) for each in offsets]
        ends = {place.partition: end for place, end in consumer.end_offsets(places).items()}
    finally:
        consumer.close()
    ahead = [each for each, offset in offsets.items() if offset is not None and offset >= ends[each]]
    if ahead:
        found = f"partition {ahead[0]} knows more than {patient.names.changelog}, which was deleted or made anew"
        return Diagnosis(
            "store", Health.BROKEN, found, "stop the worker and remove the folder; find out who deleted it"
        )
    return Diagnosis("store", Health.FINE, f"{len(offsets)} partitions, none ahead of the changelog")


def round_trip(patient: Patient, admin: KafkaAdminClient) -> Diagnosis:
    """One synthetic message through the broker and through scan and judge, on a topic that is deleted again."""
    topic = f"{patient.names.app_id}-doctor-{uuid.uuid4().hex[:12]}"
    new = NewTopic(topic, num_partitions=1, replication_factor=-1, topic_configs=PROBE_CONFIGS)
    admin.create_topics([new])
    try:
        admin.wait_for_topics([topic])
        sent_at = time.time()
        record = sent_and_read(patient.connection, topic, sent_at)
        seconds = time.time() - sent_at
    finally:
        admin.delete_topics([topic])
    verdict = judged(patient, record)
    # The broker wrote its own clock into the record, somewhere between sending and reading.
    arrived_at = record.timestamp / 1000
    skew_seconds = max(sent_at - arrived_at, arrived_at - sent_at - seconds, 0.0)
    found = (
        f"{seconds:.2f} s to the broker and back, judged {verdict}, clocks agree within {skew_seconds + seconds:.2f} s"
    )
    if verdict == "nothing":
        return Diagnosis("round trip", Health.BROKEN, found, "packs or policy let a plain request pass: check both")
    if skew_seconds > LARGEST_SKEW_SECONDS:
        found = f"the broker's clock is {skew_seconds:.0f} s away from this machine's"
        return Diagnosis("round trip", Health.ODD, found, "set both by NTP: lag and latency are reckoned across them")
    return Diagnosis("round trip", Health.FINE, found)


PROBE_CONFIGS = {"message.timestamp.type": "LogAppendTime", "retention.ms": "600000"}


def sent_and_read(connection: Connection, topic: str, sent_at: float) -> Recorded:
    """The synthetic message as the broker gives it back."""
    event = PROBE_EVENT | {"sent_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(sent_at))}
    producer = KafkaProducer(acks="all", **connection.for_kafka_python())
    consumer = KafkaConsumer(enable_auto_commit=False, **connection.for_kafka_python())
    try:
        producer.send(topic, value=orjson.dumps(event)).get(PROBE_LIMIT_SECONDS)
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        deadline = time.monotonic() + PROBE_LIMIT_SECONDS
        while time.monotonic() < deadline:
            for record in consumer.poll(timeout_ms=200).get(place, ()):
                return Recorded(Input.MESSAGES, 0, record.offset, record.timestamp, None, record.value)
    finally:
        producer.close()
        consumer.close()
    raise KafkaError(f"the message was acknowledged, and not to be read within {PROBE_LIMIT_SECONDS:g} s")


def judged(patient: Patient, record: Recorded) -> str:
    """The verdict on the synthetic message, in memory; `nothing` when it left no finding."""
    signals = [
        Recorded(Output.SIGNALS, 0, number, record.timestamp, key, value)
        for number, (key, value) in enumerate(patient.scan([record]).signals)
    ]
    findings = Judge(patient.book)(MemoryRows(), {}, signals).findings
    return str(orjson.loads(findings[0][1])["verdict"]) if findings else "nothing"
