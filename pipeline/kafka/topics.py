"""Which topics there are, how they are made, and whether those found fit together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog
from aiokafka.partitioner import murmur2
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import AuthorizationError, TopicAlreadyExistsError

from pipeline.errors import SettingsError

log = structlog.get_logger()

DAY_MS = 24 * 3_600_000
LARGEST_MESSAGE_BYTES = 16 * 1024 * 1024
CHANGELOG_DELETE_RETENTION_MS = 7 * DAY_MS
"""How long the changelog remembers a deletion; local copies are trusted for a day less."""


class Input(StrEnum):
    """The marketplace's topics."""

    MESSAGES = "marketplace.messages.v1"
    ORDERS = "marketplace.orders.v1"
    COMPLAINTS = "marketplace.complaints.v1"
    VERIFICATIONS = "marketplace.verifications.v1"
    REVIEWS = "marketplace.reviews.v1"
    REPORTS = "marketplace.reports.v1"
    OUTCOMES = "marketplace.outcomes.v1"
    ERASURES = "marketplace.erasures.v1"
    POLICY = "ringfence.policy.v1"
    """Policy books, the last one holds: ours, and read like the marketplace's."""


class Output(StrEnum):
    """Our topics."""

    SIGNALS = "ringfence.signals.v1"
    FINDINGS = "ringfence.findings.v1"
    ALERTS = "ringfence.alerts.v1"
    ADVISORIES = "ringfence.advisories.v1"
    SHADOW = "ringfence.shadow.v1"
    """What a candidate policy judged beside the one in force, and nobody acts on."""
    DEAD_LETTERS = "ringfence.dead-letters.v1"


TABLE_NAME = "rows"
LOG_CHARACTERS = 8
"""Of a topic's id: two topics of one name share them once in four thousand million."""

CO_PARTITIONED = (Output.SIGNALS, Output.FINDINGS, Output.ALERTS, Output.ADVISORIES, Output.SHADOW)
"""Keyed alike: what a signals partition causes goes to the same partition number, and its rows to the changelog's."""

RETENTION_MS: Mapping[str, int] = {
    **dict.fromkeys(Input, 7 * DAY_MS),
    Output.SIGNALS: 400 * DAY_MS,  # the log is the truth: longer than the policy remembers
    Output.FINDINGS: 400 * DAY_MS,
    Output.ALERTS: 400 * DAY_MS,
    Output.ADVISORIES: 30 * DAY_MS,
    Output.SHADOW: 30 * DAY_MS,
    Output.DEAD_LETTERS: 7 * DAY_MS,  # the one topic with original text
}


@dataclass(frozen=True, slots=True)
class TopicNames:
    """The names as they stand on the broker: prefix included, and the changelog's, which Faust derives from the app."""

    app_id: str
    prefix: str = ""

    def of(self, topic: Input | Output) -> str:
        """The topic's name on the broker."""
        return f"{self.prefix}{topic}"

    @property
    def inputs(self) -> list[str]:
        """All topics that scan reads."""
        return [self.of(topic) for topic in Input]

    @property
    def changelog(self) -> str:
        """What the table is rebuilt from."""
        return f"{self.app_id}-{TABLE_NAME}-changelog"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """How a topic is made when it is missing."""

    name: str
    partitions: int
    configs: Mapping[str, str]


def topic_specs(names: TopicNames, partitions: int) -> list[TopicSpec]:
    """Every topic of ours and the marketplace's."""
    specs = [TopicSpec(names.of(topic), partitions, configs_of(topic)) for topic in (*Input, *Output)]
    changelog = TopicSpec(
        names.changelog,
        partitions,
        {
            "cleanup.policy": "compact",
            "delete.retention.ms": str(CHANGELOG_DELETE_RETENTION_MS),
            "min.cleanable.dirty.ratio": "0.2",
            "segment.bytes": str(128 * 1024 * 1024),
            "max.message.bytes": str(LARGEST_MESSAGE_BYTES),
        },
    )
    return [*specs, changelog]


def configs_of(topic: Input | Output) -> dict[str, str]:
    """What a topic is made with."""
    match topic:
        case Input.POLICY:
            return {"cleanup.policy": "compact"}
        case Output.DEAD_LETTERS:
            more = {"max.message.bytes": str(LARGEST_MESSAGE_BYTES)}
        case _:
            more = {}
    return {"retention.ms": str(RETENTION_MS[topic]), "cleanup.policy": "delete"} | more


def ensure_topics(
    admin: KafkaAdminClient, names: TopicNames, partitions: int, replication_factor: int | None
) -> dict[str, int]:
    """Creates the topics that are missing and checks those that are there; partition counts by name.

    Raises:
        SettingsError: topics that must have the same number of partitions do not.
    """
    specs = topic_specs(names, partitions)
    found = partition_counts(admin, [spec.name for spec in specs])
    # A topic made beside existing ones takes their number: the changelog of an old signal log, say.
    ours = [names.of(topic) for topic in CO_PARTITIONED] + [names.changelog]
    count_of_ours = next((found[name] for name in ours if name in found), partitions)
    missing = [spec for spec in specs if spec.name not in found]
    for spec in missing:
        count = count_of_ours if spec.name in ours else spec.partitions
        create_topic(admin, TopicSpec(spec.name, count, spec.configs), replication_factor)
        found[spec.name] = count
    if missing:
        admin.wait_for_topics([spec.name for spec in missing])
    check_co_partitioning(found, names)
    return found


def create_topic(admin: KafkaAdminClient, spec: TopicSpec, replication_factor: int | None) -> None:
    """Creates one topic; another worker may have been faster."""
    new = NewTopic(
        spec.name,
        num_partitions=spec.partitions,
        replication_factor=-1 if replication_factor is None else replication_factor,
        topic_configs=dict(spec.configs),
    )
    try:
        admin.create_topics([new])
    except TopicAlreadyExistsError:
        return
    except AuthorizationError as error:
        raise SettingsError(
            f"{spec.name} is not there or not to be seen by this user, which may not create it "
            f"({type(error).__name__}); `ringfence acls USER` prints the rights that a worker needs, "
            "`ringfence topics` creates what is missing"
        ) from error
    log.info("topic_created", topic=spec.name, partitions=spec.partitions)


def partition_counts(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, int]:
    """Partitions of each of the named topics that exists."""
    return {str(topic["name"]): len(topic["partitions"]) for topic in described(admin, names)}


def logs_of(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, str]:
    """What tells each topic that exists from another of its name: the first part of the id that Kafka gave it."""
    return {str(topic["name"]): str(topic["topic_id"])[:LOG_CHARACTERS] for topic in described(admin, names)}


def described(admin: KafkaAdminClient, names: Sequence[str]) -> list[dict[str, Any]]:
    """What the broker says of each of the named topics that exists."""
    there = set(admin.list_topics())
    wanted = [name for name in names if name in there]
    return admin.describe_topics(wanted) if wanted else []  # of no name: of all topics


def check_co_partitioning(counts: Mapping[str, int], names: TopicNames) -> None:
    """Refuses partition counts under which a row and its signals would lie on different partitions.

    Raises:
        SettingsError: names the topics that disagree and what to do.
    """
    wanted = counts[names.of(Output.SIGNALS)]
    ours = [names.of(topic) for topic in CO_PARTITIONED] + [names.changelog]
    wrong = [f"{name} has {counts[name]}" for name in ours if counts[name] != wanted]
    if wrong:
        raise SettingsError(
            f"{names.of(Output.SIGNALS)} has {wanted} partitions, but {' and '.join(wrong)}; they must agree, for a "
            "seller's signals and rows share a partition number. A new number of partitions wants a new app_id and "
            "empty topics: see the runbook"
        )


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that every Kafka client's default partitioner gives the key: murmur2, positive, modulo."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
