"""What the worker asks of the two pure steps: records in, plain values out.

Worker and replay share the steps; the worker performs what they return, and tests put simple steps in their place.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.kafka.batched import RawRecord

Keyed = tuple[bytes | None, bytes]
"""Key and value of a record on its way out."""
DeadLetterRecord = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes]]]
"""Key, value and headers of a record set aside."""
Counts = Counter[tuple[str, ...]]
"""Name of a counter of metrics.py (`ringfence_detections_total`) and its label values, to how many: a step is pure and
only says what is to be counted."""


Progress = Callable[[int], None]
"""Hears of work done, in units that the caller knows the sum of."""


class Rows(Protocol):
    """The rows of one signals partition, as the judge step sees them."""

    def get(self, key: bytes) -> bytes | None:
        """The row, or `None` when there is none."""

    def due(self, until_ms: int) -> Iterator[bytes]:
        """Keys of the rows whose `due_ms` is not after `until_ms`, in the order of (due_ms, key)."""

    def keys(self, prefix: bytes) -> Iterator[bytes]:
        """Every key that begins so, in order."""


@dataclass(slots=True)
class ScanResult:
    """What scanning a batch gives."""

    signals: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Key and value; the key decides the signals partition."""
    broadcast: list[bytes] = field(default_factory=list)
    """Values that every signals partition gets."""
    dead_letters: list[DeadLetterRecord] = field(default_factory=list)
    counts: Counts = field(default_factory=Counter)


@dataclass(slots=True)
class JudgeResult:
    """What judging a batch gives."""

    changed: dict[bytes, bytes | None] = field(default_factory=dict)
    """Row key to its JSON object, or `None` to delete it."""
    watermarks: dict[str, int] = field(default_factory=dict)
    """`topic:partition:log` of origins to the offset after the last one judged; only those that moved."""
    findings: list[Keyed] = field(default_factory=list)
    alerts: list[Keyed] = field(default_factory=list)
    advisories: list[Keyed] = field(default_factory=list)
    signals: list[Keyed] = field(default_factory=list)
    """For the signal log itself; the key decides the partition."""
    shadow: list[Keyed] = field(default_factory=list)
    """What was judged beside and is not acted on: a finding or an alert each."""
    dead_letters: list[DeadLetterRecord] = field(default_factory=list)
    counts: Counts = field(default_factory=Counter)
    policy: dict[str, str] = field(default_factory=dict)
    """Versions and fingerprint of the book that held in the end."""
    judged_to_ms: int | None = None
    """Event time of the last signal judged; `None` when there was none."""
    alert_arrivals_ms: list[int] = field(default_factory=list)
    """For each alert, when the event behind it arrived at the broker."""
    review_times_ms: list[int] = field(default_factory=list)
    """For each alert that a decision closed, how long it had been open."""


class ScanStep(Protocol):
    """The stateless step."""

    def __call__(self, records: Sequence[RawRecord]) -> ScanResult:
        """What the records of one input partition say, in their order."""


class JudgeStep(Protocol):
    """The fold."""

    def __call__(self, rows: Rows, watermarks: Mapping[str, int], records: Sequence[RawRecord]) -> JudgeResult:
        """What the signals of one partition make of the rows, and what the world should hear of it.

        `watermarks` says up to where each origin partition was judged: a signal below is a repetition.
        """


TickMaker = Callable[[int, int], bytes]
"""The value of a tick, from the signals partition and the time in epoch milliseconds."""
