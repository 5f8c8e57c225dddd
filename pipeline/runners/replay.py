"""A recording through the same scan and fold as the live service: no broker, no clock, the same bytes every time.

Records of the input topics are merged by event time and scanned; ticks are made from event time. A recording of the
signal log itself is judged as it stands, partition by partition, ticks included.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

import msgspec

from pipeline.errors import SettingsError
from pipeline.kafka.dead_letters import line, read_back
from pipeline.kafka.recordings import Recorded, Recording
from pipeline.kafka.topics import Input, Output
from pipeline.policy.book import PolicyBook
from pipeline.runners.judge import Judge
from pipeline.runners.memory_rows import MemoryRows, earliest_due_ms
from pipeline.runners.scan import Scan
from pipeline.runners.scan_pool import ScanPool
from pipeline.runners.shadow import Shadowed
from pipeline.runners.sorting import Placed, in_order
from pipeline.runners.steps import DeadLetterRecord, JudgeResult, JudgeStep, Keyed, ScanResult
from pipeline.runners.ticks import tick_signal
from schemas.outputs import DeadLetter

BATCH_SIGNALS = 500
LONGEST_BATCH_MS = 3_600_000
"""Of event time: what a signal makes due sooner must not be undone by a later one of its batch."""
FINDINGS, ALERTS, ADVISORIES, DEAD_LETTERS = "findings.jsonl", "alerts.jsonl", "advisories.jsonl", "dead-letters.jsonl"
OUTPUTS = (FINDINGS, ALERTS, ADVISORIES, DEAD_LETTERS)
SHADOW = "shadow.jsonl"
DIGEST = "digest.txt"
PARTIAL = ".partial"

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Shadow:
    """A candidate policy beside the one in force."""

    book: PolicyBook
    release_ratio: float = 0.0
    """Share of the sellers for whom it speaks."""


@dataclass(slots=True)
class Summary:
    """What a replay saw and made."""

    records: Counter[str] = field(default_factory=Counter)
    """By topic."""
    lines: Counter[str] = field(default_factory=Counter)
    """By output file."""
    skipped: int = 0
    notes: list[str] = field(default_factory=list)
    """Faults that were skipped, and the first gap in offsets, each with file and line."""
    digest: str = ""
    """Over all outputs: equal digests, equal bytes."""


class Watches(Protocol):
    """Who is told what a replay makes."""

    def judged(self, result: JudgeResult) -> None:
        """What a batch of signals came to."""

    def set_aside(self, letter: DeadLetter) -> None:
        """A record that could not be used."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record of the signal log."""

    at_ms: int
    """Event time, or the record's own where the log is recorded."""
    record: Recorded
    is_made: bool
    """Made here from an input record, so that ticks have to be made too."""


def replay(  # noqa: PLR0913 - what is replayed, where to, and under what
    recording: Recording,
    out: Path,
    book: PolicyBook,
    scan: Scan | ScanPool,
    progress: Progress = lambda _: None,
    *,
    follows_log: bool = True,
    shadow: Shadow | None = None,
) -> Summary:
    """Writes what the recording comes to; `progress` hears of bytes read.

    The book holds until the recording says another, and throughout where `follows_log` is off. With a shadow there is
    one more file, `shadow.jsonl`.

    Raises:
        RecordingError: the recording is damaged; what lay in `out` stays as it was.
    """
    with OutputFiles(out, OUTPUTS if shadow is None else (*OUTPUTS, SHADOW)) as files:
        judging = Judging(book, files, follows_log=follows_log, shadow=shadow)
        summary = run(recording, scan, [judging], files, progress)
        summary.lines, summary.digest = files.lines, files.finish()
    return summary


def run(
    recording: Recording,
    scan: Scan | ScanPool,
    judgings: "list[Judging]",
    watcher: Watches,
    progress: Progress = lambda _: None,
) -> Summary:
    """Feeds a recording to one judging or several, scanning it once."""
    summary = Summary()
    for entry in signal_log(recording, judgings[0].book, scan, watcher, summary, progress):
        for judging in judgings:
            judging.feed(entry)
    for judging in judgings:
        judging.flush()
    summary.skipped = recording.faults.skipped
    summary.notes = recording.faults.notes + ([recording.first_gap] if recording.first_gap else [])
    return summary


def signal_log(  # noqa: PLR0913, PLR0917 - the whole way of a recording in one line
    recording: Recording,
    book: PolicyBook,
    scan: Scan | ScanPool,
    watcher: Watches,
    summary: Summary,
    progress: Progress,
) -> Iterator[Entry]:
    """The signal log that the recording holds, or the one that its input records come to."""
    log_topics = [path for path in recording.files() if Output.SIGNALS in path.name]
    records = counted(recording.records(progress), summary)
    if log_topics:
        logged = (record for record in records if record.topic.endswith(Output.SIGNALS))
        return (Entry(each.timestamp, each.record(), is_made=False) for each in in_order(map(by_log, logged)))
    inputs = (record for record in records if record.topic.endswith(tuple(Input)))
    return scanned(in_order(by_event_time(inputs, book.max_lead_ms)), scan, watcher)


def counted(records: Iterable[Recorded], summary: Summary) -> Iterator[Recorded]:
    """The records, counted by topic."""
    for record in records:
        summary.records[record.topic] += 1
        yield record


# The order of a replay


class Times(msgspec.Struct):
    """What of an event says when it happened."""

    sent_at: datetime | None = None
    at: datetime | None = None


decode_times = msgspec.json.Decoder(Times).decode


def by_event_time(records: Iterable[Recorded], max_lead_ms: int) -> Iterator[Placed]:
    """Records placed by event time, a partition's never before an earlier one of the same partition.

    So partitions interleave by event time, and each keeps its order, as it does on its way through the service. What
    has no usable time is placed by its Kafka timestamp.
    """
    latest: dict[tuple[str, int], int] = {}
    for record in records:
        at_ms = event_time(record)
        if at_ms is None or not 0 <= at_ms <= record.timestamp + max_lead_ms:
            at_ms = record.timestamp
        partition = record.topic, record.partition
        latest[partition] = at_ms = max(at_ms, latest.get(partition, 0))
        yield placed(record, at_ms)


def event_time(record: Recorded) -> int | None:
    """When the event says that it happened; `None` where it does not."""
    try:
        times = decode_times(record.value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    moment = times.sent_at if record.topic.endswith(Input.MESSAGES) else times.at
    return None if moment is None or moment.tzinfo is None else round(moment.timestamp() * 1000)


def by_log(record: Recorded) -> Placed:
    """A record of the signal log placed by partition and offset: partitions know nothing of each other."""
    return placed(record, record.partition)


def placed(record: Recorded, at_ms: int) -> Placed:
    """The record with its place."""
    return Placed(
        at_ms,
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        list(record.headers),
    )


def scanned(records: Iterable[Placed], scan: Scan | ScanPool, watcher: Watches) -> Iterator[Entry]:
    """The signals that input records come to, as the log of one partition."""
    offset = 0
    for each, result in results(records, scan):
        for letter in result.dead_letters:
            watcher.set_aside(letter_of(letter))
        signals: list[Keyed] = [*result.signals, *((None, value) for value in result.broadcast)]
        for key, value in signals:
            yield Entry(each.at_ms, Recorded(Output.SIGNALS, 0, offset, each.timestamp, key, value), is_made=True)
            offset += 1


def results(records: Iterable[Placed], scan: Scan | ScanPool) -> Iterator[tuple[Placed, ScanResult]]:
    """Each record with what it says, in order."""
    if isinstance(scan, ScanPool):
        yield from scan.results(records)
        return
    result = ScanResult()
    for each in records:
        scan.add(each.record(), result)
        yield each, result
        if result.signals or result.broadcast or result.dead_letters:
            result = ScanResult()


def letter_of(record: DeadLetterRecord) -> DeadLetter:
    """What is known of a record set aside."""
    return read_back(*record).letter


# The fold


class Judging:
    """One policy's judgement of a signal log, one partition at a time.

    Ticks stand at whole intervals of event time; those at which no row is due are left out, for they change nothing.
    Signals are judged in batches, and one by one where a batch has made a row that is due within it.
    """

    def __init__(
        self, book: PolicyBook, watcher: Watches, *, follows_log: bool = False, shadow: Shadow | None = None
    ) -> None:
        self.book = book
        self.rows = MemoryRows()
        self._covered_ms = covered_ms(book)
        judge = Judge(book, follows_log=follows_log)
        self._judge: JudgeStep = Shadowed(judge, shadow.book, shadow.release_ratio) if shadow else judge
        self._watcher = watcher
        self._watermarks: dict[str, int] = {}
        self._waiting: list[Entry] = []
        self._partition = 0
        self._ticked_at_ms = 0
        self._is_made = False
        self._derived_count = 0
        self._latest_ms = 0

    def feed(self, entry: Entry) -> None:
        """Judges one more signal, sooner or later."""
        if not self._covered_ms[0] <= entry.at_ms < self._covered_ms[1]:
            raise not_covered(self.book, entry.at_ms)
        if entry.record.partition != self._partition:
            self._begin(entry.record.partition)
        if entry.is_made and self._is_due(entry.at_ms):
            self.flush()
            self._tick_until(entry.at_ms)
        self._waiting.append(entry)
        self._is_made, self._latest_ms = entry.is_made, entry.at_ms
        if len(self._waiting) >= BATCH_SIGNALS:
            self.flush()

    def flush(self) -> None:
        """Judges what is waiting."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        result = self._judge(self.rows, self._watermarks, [entry.record for entry in waiting])
        last = waiting[-1]
        if last.is_made and len(waiting) > 1 and earliest_due_ms(result.changed) <= self._interval_start(last.at_ms):
            for entry in waiting:
                self._tick_until(entry.at_ms)
                self._take(self._judge(self.rows, self._watermarks, [entry.record]))
        else:
            self._take(result)

    def _take(self, result: JudgeResult) -> None:
        self.rows.apply(result.changed)
        self._watermarks |= result.watermarks
        self._watcher.judged(result)
        if result.signals and self._is_made:  # a recorded log has them already
            self._take(self._judge(self.rows, self._watermarks, [self._derived(each) for each in result.signals]))

    def _derived(self, signal: Keyed) -> Recorded:
        """A signal that the judge adds to the log, behind those that are made from the input."""
        key, value = signal
        self._derived_count += 1
        return Recorded(Output.SIGNALS, self._partition, self._derived_count, self._latest_ms, key, value)

    def _begin(self, partition: int) -> None:
        self.flush()
        self.rows = MemoryRows()
        self._watermarks = {}
        self._partition = partition

    def _interval_start(self, at_ms: int) -> int:
        return at_ms - at_ms % self.book.tick_ms

    def _is_due(self, at_ms: int) -> bool:
        due_ms = self.rows.next_due_ms()
        is_long = bool(self._waiting) and at_ms - self._waiting[0].at_ms > LONGEST_BATCH_MS
        return is_long or (due_ms is not None and due_ms <= self._interval_start(at_ms))

    def _tick_until(self, at_ms: int) -> None:
        last_ms = self._interval_start(at_ms)
        while (due_ms := self.rows.next_due_ms()) is not None:
            first_ms = -(-due_ms // self.book.tick_ms) * self.book.tick_ms
            tick_ms = max(first_ms, self._ticked_at_ms + self.book.tick_ms)
            if tick_ms > last_ms:
                break
            self._ticked_at_ms = tick_ms
            tick = Recorded(Output.SIGNALS, self._partition, 0, tick_ms, None, tick_signal(self._partition, tick_ms))
            self._take(self._judge(self.rows, self._watermarks, [tick]))
        self._ticked_at_ms = max(self._ticked_at_ms, last_ms)


def covered_ms(book: PolicyBook) -> tuple[int, float]:
    """From when and until when the book has a version in force."""
    end = book.policies[-1].effective_to
    return book.starts_ms[0], end.timestamp() * 1000 if end else math.inf


def not_covered(book: PolicyBook, at_ms: int) -> SettingsError:
    """The refusal to judge under a policy that was not in force."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
    first, last = book.policies[0].effective_from, book.policies[-1].effective_to
    return SettingsError(
        f"the recording has events of {moment}, the policy ({book.versions}) is in force from {first.isoformat()} "
        f"{'until ' + last.isoformat() if last else 'on'}; widen effective_from or effective_to"
    )


# What is written


class OutputFiles:
    """The files of a replay; they take their names when all of it went well."""

    def __init__(self, out: Path, names: tuple[str, ...] = OUTPUTS) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self._out = out
        self._names = names
        self._opened = ExitStack()
        self._files: dict[str, IO[bytes]] = {}
        self._hashes = {name: hashlib.sha256() for name in names}
        self.lines: Counter[str] = Counter(dict.fromkeys(names, 0))

    def __enter__(self) -> Self:
        for name in self._names:
            self._files[name] = self._opened.enter_context((self._out / f"{name}{PARTIAL}").open("wb"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()
        for name in self._names:
            (self._out / f"{name}{PARTIAL}").unlink(missing_ok=True)

    def judged(self, result: JudgeResult) -> None:
        """Writes the effects of a batch in their order."""
        for name, effects in ((FINDINGS, result.findings), (ALERTS, result.alerts), (ADVISORIES, result.advisories)):
            for _, value in effects:
                self._write(name, value)
        for _, value in result.shadow:
            self._write(SHADOW, value)
        for letter in result.dead_letters:
            self.set_aside(letter_of(letter))

    def set_aside(self, letter: DeadLetter) -> None:
        """Writes where and why, without the record."""
        self._write(DEAD_LETTERS, line(letter))

    def finish(self) -> str:
        """Gives the files their names and writes `digest.txt`; the digest over all comes back."""
        self._opened.close()
        for name in self._names:
            (self._out / f"{name}{PARTIAL}").replace(self._out / name)
        listing = "".join(f"{self._hashes[name].hexdigest()}  {name}\n" for name in self._names)
        (self._out / DIGEST).write_text(listing, encoding="ascii")
        return hashlib.sha256(listing.encode()).hexdigest()

    def _write(self, name: str, value: bytes) -> None:
        content = value + b"\n"
        self._files[name].write(content)
        self._hashes[name].update(content)
        self.lines[name] += 1
