"""Judges a signal log entry by entry, with the ticks that belong between: the fold of a replay."""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import msgspec

from pipeline.errors import SettingsError
from pipeline.kafka.recordings import Recorded
from pipeline.kafka.topics import Output
from pipeline.policy.book import PolicyBook
from pipeline.runners.judge import Judge
from pipeline.runners.replay_rows import ReplayRows
from pipeline.runners.shadow import Shadow, Shadowed
from pipeline.runners.signal_log import Entry
from pipeline.runners.steps import JudgeResult, JudgeStep, Keyed
from pipeline.runners.ticks import tick_signal


class Place(NamedTuple):
    """Where in a replay something happens. Places sort as they come, whoever judges."""

    at_ms: int
    """Event time; 0 throughout a recorded log, which has its ticks in it."""
    is_signal: bool
    """A tick comes before the signals of its instant."""
    number: int
    """Of the entry; 0 for a tick."""


@dataclass(slots=True)
class Position:
    """How far a partition was judged; with its rows, all that what follows depends on."""

    partition: int = 0
    watermarks: dict[str, int] = field(default_factory=dict)
    ticked_to_ms: int = 0
    derived: int = 0
    """Signals that the judge added to the log."""


class HearsResults(Protocol):
    """Who is told what a replay makes."""

    def judged(self, place: Place, result: JudgeResult) -> None:
        """What one signal came to; several sellers' effects come seller by seller."""


class Judging:
    """One policy's judgement of a signal log, one partition at a time.

    Ticks stand at whole intervals of event time; those at which no row is due are left out, for they change nothing.
    A signal that the judge adds to the log stands right behind the one that caused it. So what becomes of a seller
    depends on nothing but its own entries and those of the sellers that it shares rows with: see `shards.py`.
    """

    def __init__(
        self, book: PolicyBook, watcher: HearsResults, *, follows_log: bool = False, shadow: Shadow | None = None
    ) -> None:
        self.book = book
        self.rows = ReplayRows()
        self._coverage = Coverage(book)
        judge = Judge(book, follows_log=follows_log)
        self._judge: JudgeStep = Shadowed(judge, shadow.book, shadow.release_ratio) if shadow else judge
        self._watcher = watcher
        self.position = Position()

    def feed(self, entry: Entry) -> None:
        """Judges one more signal, and the ticks before it.

        Raises:
            SettingsError: the book was not in force then.
        """
        self._coverage.check(entry)
        record = entry.record
        if record.partition != self.position.partition:
            self.rows.clear()
            self.position = Position(record.partition)
        if entry.is_made:
            self.tick_until(entry.at_ms)
            self._take(Place(entry.at_ms, is_signal=True, number=entry.number), record, adds_to_log=True)
        else:
            self._take(Place(0, is_signal=True, number=entry.number), record, adds_to_log=False)

    def tick_until(self, at_ms: int) -> None:
        """Lets everything that is due by then have its tick; before the first entry of a later time, or at the end."""
        tick_ms = self.book.tick_ms
        last_ms = at_ms - at_ms % tick_ms
        while (due_ms := self.rows.next_due_ms()) is not None:
            at_ms = max(-(-due_ms // tick_ms) * tick_ms, self.position.ticked_to_ms + tick_ms)
            if at_ms > last_ms:
                break
            self.position.ticked_to_ms = at_ms
            tick = Recorded(
                Output.SIGNALS, self.position.partition, 0, at_ms, None, tick_signal(self.position.partition, at_ms)
            )
            self._take(Place(at_ms, is_signal=False, number=0), tick, adds_to_log=True)
        self.position.ticked_to_ms = last_ms

    def close(self) -> None:
        """Forgets everything, rows on disk as well."""
        self.rows.clear()

    def _take(self, place: Place, record: Recorded, *, adds_to_log: bool) -> None:
        result = self._judge(self.rows, self.position.watermarks, [record])
        self.rows.apply(result.changed)
        self.position.watermarks |= result.watermarks
        by_seller(result)
        self._watcher.judged(place, result)
        if adds_to_log:  # a recorded log has them already
            for key, value in result.signals:
                self.position.derived += 1
                place_in_log = self.position.partition, self.position.derived
                derived = Recorded(Output.SIGNALS, *place_in_log, record.timestamp, key, value)
                self._take(place, derived, adds_to_log=True)


def by_seller(result: JudgeResult) -> None:
    """Puts the effects of one signal in an order that does not depend on which sellers are judged together."""
    effects: list[Keyed]
    for effects in (result.alerts, result.advisories, result.shadow):
        if len(effects) > 1:
            effects.sort(key=lambda each: each[0] or b"")


class Coverage:
    """From when until when a book has a version in force."""

    def __init__(self, book: PolicyBook) -> None:
        self._book = book
        end = book.policies[-1].effective_to
        self._begins_ms = book.starts_ms[0]
        self._ends_ms = end.timestamp() * 1000 if end else math.inf

    def check(self, entry: Entry) -> None:
        """Lets entries pass of times at which the book was in force.

        Raises:
            SettingsError: of any other time.
        """
        if not self._begins_ms <= entry.at_ms < self._ends_ms:
            raise not_covered(self._book, entry)


class Origin(msgspec.Struct):
    """Topic, partition and offset."""

    topic: str
    partition: int
    offset: int


class Sourced(msgspec.Struct):
    """What of a signal says where its event lies."""

    origin: Origin


def not_covered(book: PolicyBook, entry: Entry) -> SettingsError:
    """The refusal to judge under a policy that was not in force; names the first event that it was not in force for."""
    moment = datetime.fromtimestamp(entry.at_ms / 1000, UTC).isoformat(timespec="seconds")
    first, last = book.policies[0].effective_from, book.policies[-1].effective_to
    try:
        source: Origin | Recorded = msgspec.json.decode(entry.record.value or b"", type=Sourced).origin
    except (msgspec.MsgspecError, UnicodeDecodeError):
        source = entry.record
    place = f"{source.topic}[{source.partition}]@{source.offset}"
    return SettingsError(
        f"{place}: the event is of {moment}, the policy ({book.versions}) is in force from {first.isoformat()} "
        f"{'until ' + last.isoformat() if last else 'on'}; widen effective_from or effective_to"
    )
