"""The signal log that a recording holds, or the one that its input records come to: the order of a replay."""

from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

from pipeline.kafka.dead_letters import read_back
from pipeline.kafka.recordings import Recorded, Recording
from pipeline.kafka.topics import Input, Output
from pipeline.runners.scan import Scan
from pipeline.runners.scanning import ScanPool, scanned
from pipeline.runners.sorting import Placed, Sorter, placed
from pipeline.runners.steps import DeadLetterRecord, Progress
from schemas.outputs import DeadLetter

INPUTS = tuple(Input)
REPORTED_EVERY = 1_000


class HearsOfLetters(Protocol):
    """Who is told of records that cannot be used."""

    def set_aside(self, letter: DeadLetter) -> None:
        """One of them."""


class Entry(msgspec.Struct, array_like=True, gc=False):
    """A record of the signal log."""

    number: int
    """Its place in the log, from 0."""
    at_ms: int
    """Event time, or the record's own where the log is recorded."""
    record: Recorded
    is_made: bool
    """Made here from an input record, so that ticks have to be made too."""


def work_of(recording: Recording) -> int:
    """What the progress of a replay adds up to: the bytes are read, and what they came to is judged."""
    return 2 * recording.size_bytes()


def signal_log(
    recording: Recording, scan: Scan | ScanPool, watcher: HearsOfLetters, progress: Progress, share: float = 1.0
) -> Iterator[Entry]:
    """Input records are merged by event time; a log is gone through partition by partition, each by its offsets.

    Taking an entry counts as `share` of judging it.

    Raises:
        RecordingError: the recording is damaged.
    """
    records = recording.records(progress)
    is_log = any(Output.SIGNALS in path.name for path in recording.files())
    with Sorter() as sorter:
        for each in logged(records) if is_log else scanned(of_inputs(records), scan):
            sorter.add(each)
        told = told_of(sorter, round(recording.size_bytes() * share), progress)
        yield from numbered(told) if is_log else made(told, watcher)


def of_inputs(records: Iterable[Recorded]) -> Iterator[Recorded]:
    """Those of the input topics."""
    return (record for record in records if record.topic.endswith(INPUTS))


def logged(records: Iterable[Recorded]) -> Iterator[Placed]:
    """Those of a signal log, placed by partition and offset: partitions know nothing of each other."""
    return (placed(record, record.partition) for record in records if record.topic.endswith(Output.SIGNALS))


def told_of(records: Sorter, work: int, progress: Progress) -> Iterator[Placed]:
    """The records; `progress` hears of as much as they are of the work."""
    share = work * REPORTED_EVERY // max(len(records), 1)
    for number, each in enumerate(records, 1):
        if number % REPORTED_EVERY == 0:
            progress(share)
        yield each


def numbered(records: Iterable[Placed]) -> Iterator[Entry]:
    """The entries of a recorded log."""
    return (Entry(number, each.timestamp, each.record(), is_made=False) for number, each in enumerate(records))


def made(records: Iterable[Placed], watcher: HearsOfLetters) -> Iterator[Entry]:
    """The entries of a log of one partition, made of what was scanned; dead letters are told of at their place."""
    number = 0
    for each in records:
        if each.headers:
            watcher.set_aside(letter_of((each.key, each.value, each.headers)))
            continue
        signal = Recorded(Output.SIGNALS, 0, number, each.timestamp, each.key, each.value)
        yield Entry(number, each.at_ms, signal, is_made=True)
        number += 1


def letter_of(record: DeadLetterRecord) -> DeadLetter:
    """What is known of a record set aside."""
    return read_back(*record).letter
