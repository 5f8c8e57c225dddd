"""What a worker must be allowed to do on the cluster, and no more: for `ringfence acls` and `ringfence doctor`."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.kafka.topics import Output, TopicNames

READS, WRITES = "READ", "WRITE"
TOPIC, GROUP, TRANSACTIONAL_ID = "topic", "group", "transactional-id"


@dataclass(frozen=True, slots=True)
class Right:
    """Operations on one resource, or on all whose names begin so. Reading and writing imply describing."""

    kind: str
    name: str
    operations: tuple[str, ...]
    is_prefix: bool = False


def worker_rights(names: TopicNames) -> list[Right]:
    """Of a worker whose topics are there already; creating them is an administrator's right."""
    inputs = [Right(TOPIC, name, (READS,)) for name in names.inputs]
    both = [Right(TOPIC, name, (READS, WRITES)) for name in (names.of(Output.SIGNALS), names.changelog)]
    outputs = [Right(TOPIC, names.of(each), (WRITES,)) for each in Output if each is not Output.SIGNALS]
    return [
        *inputs,
        *both,
        *outputs,
        Right(GROUP, names.app_id, (READS,)),
        Right(TRANSACTIONAL_ID, f"{names.app_id}-fx-", (WRITES,), is_prefix=True),
    ]


def acl_commands(rights: Iterable[Right], user: str) -> list[str]:
    """A `kafka-acls.sh` command for each right; put your own `--bootstrap-server` and `--command-config` behind it."""
    return [
        " ".join(
            [
                "kafka-acls.sh --add",
                f"--allow-principal {shlex.quote(f'User:{user}')}",
                *(f"--operation {each.capitalize()}" for each in right.operations),
                f"--{right.kind} {shlex.quote(right.name)}",
                *(["--resource-pattern-type prefixed"] if right.is_prefix else []),
            ]
        )
        for right in rights
    ]
