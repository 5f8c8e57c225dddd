"""Judges on several processes, each with sellers of its own: the bytes are those that one process gives.

The log is written to a file, parted by what binds its sellers (`bonds.py`), judged, and the effects are merged by the
places at which they happened.
"""

import heapq
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import msgspec

from pipeline.detection.collector import spare_the_collector
from pipeline.policy.book import PolicyBook
from pipeline.runners.blocks import PREFIX, BlockWriter, read_blocks
from pipeline.runners.bonds import FOR_ALL, Bonds
from pipeline.runners.judging import Coverage, Judging, Place
from pipeline.runners.output_files import OUTPUTS, SHADOW, lines_of
from pipeline.runners.shadow import Shadow
from pipeline.runners.signal_log import Entry
from pipeline.runners.steps import JudgeResult, Progress

LOOK_SECONDS = 0.2
COUNTED_ENTRIES = 100


class Parcel(msgspec.Struct, array_like=True, gc=False):
    """An entry with whom it concerns."""

    name: str
    buyer: str | None
    entry: msgspec.Raw


class Effect(msgspec.Struct, array_like=True, gc=False):
    """A line of an output file with its place: effects sort as one process writes them."""

    at_ms: int
    is_signal: bool
    number: int
    seller: bytes
    line: bytes


encode = msgspec.msgpack.Encoder().encode
decode_parcels = msgspec.msgpack.Decoder(list[Parcel]).decode
decode_entries = msgspec.msgpack.Decoder(list[Entry]).decode
decode_effects = msgspec.msgpack.Decoder(list[Effect]).decode
place_of = attrgetter("at_ms", "is_signal", "number", "seller")
_counter: Any = None
"""In a process of the pool: how many entries all of them have judged."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a log is judged under."""

    book: PolicyBook
    shadow: Shadow | None
    follows_log: bool


@dataclass(slots=True)
class Log:
    """A signal log in a file."""

    file: IO[bytes]
    bonds: Bonds
    entries: int = 0
    ends_ms: int | None = None
    """Until when there are ticks to be made; `None` where the log has its own."""


@dataclass(frozen=True, slots=True)
class Parted:
    """Judging on several processes."""

    terms: Terms
    processes: int
    progress: Progress
    work: int
    """What judging all entries counts, for the progress."""

    def judge(self, entries: Iterable[Entry], write: Callable[[str, bytes], None]) -> None:
        """Writes every effect of the log, as file and line, in order.

        Raises:
            SettingsError: the book does not cover the log's time.
        """
        with ExitStack() as opened:
            folder = Path(opened.enter_context(TemporaryDirectory(prefix=PREFIX)))
            log = written(entries, self.terms.book, opened.enter_context((folder / "log").open("w+b")))
            shards = [folder / f"shard-{number}" for number in range(self.processes)]
            for shard in shards:
                shard.mkdir()
            part(log, [opened.enter_context((shard / "log").open("wb")) for shard in shards])
            self._run(shards, log)
            for name in (*OUTPUTS, SHADOW):
                files = [opened.enter_context((shard / name).open("rb")) for shard in shards]
                for effect in heapq.merge(*(read_blocks(file, decode_effects) for file in files), key=place_of):
                    write(name, effect.line)

    def _run(self, shards: list[Path], log: Log) -> None:
        counter = get_context().Value("q", 0)
        with ProcessPoolExecutor(len(shards), initializer=begin, initargs=(counter,)) as pool:
            running: set[Future[None]] = {pool.submit(judge_shard, shard, self.terms, log.ends_ms) for shard in shards}
            told = 0
            while running:
                done, running = wait(running, LOOK_SECONDS, return_when=FIRST_COMPLETED)
                judged = self.work * min(counter.value, log.entries) // max(log.entries, 1)
                self.progress(judged - told)
                told = judged
                for each in done:
                    each.result()


def written(entries: Iterable[Entry], book: PolicyBook, file: IO[bytes]) -> Log:
    """The log in a file, with what binds its sellers."""
    log, coverage = Log(file, Bonds(book)), Coverage(book)
    writer = BlockWriter(file)
    for entry in entries:
        coverage.check(entry)
        name, buyer = log.bonds.meet(entry.record.value or b"")
        writer.add(Parcel(name, buyer, msgspec.Raw(encode(entry))))
        log.entries += 1
        log.ends_ms = entry.at_ms if entry.is_made else None
    writer.flush()
    if log.bonds.has_binding_buyers:
        for parcel in read_blocks(file, decode_parcels):
            log.bonds.meet_buyer(parcel.name, parcel.buyer)
    return log


def part(log: Log, files: list[IO[bytes]]) -> None:
    """Gives each shard the entries of its sellers, and those that concern all."""
    writers = [BlockWriter(file) for file in files]
    for parcel in read_blocks(log.file, decode_parcels):
        concerned = writers if parcel.name == FOR_ALL else [writers[log.bonds.shard(parcel.name, len(writers))]]
        for writer in concerned:
            writer.add(parcel.entry)
    for writer, file in zip(writers, files, strict=True):
        writer.flush()
        file.close()


def begin(counter: Any) -> None:
    """Takes the counter that the processes share."""
    global _counter  # noqa: PLW0603 - a process of a pool is given things by no other way
    _counter = counter
    spare_the_collector()


def judge_shard(folder: Path, terms: Terms, ends_ms: int | None) -> None:
    """Judges the entries of a shard; what they come to lies beside them."""
    with ExitStack() as opened:
        effects = Effects({name: opened.enter_context((folder / name).open("wb")) for name in (*OUTPUTS, SHADOW)})
        judging = Judging(terms.book, effects, follows_log=terms.follows_log, shadow=terms.shadow)
        opened.callback(judging.close)
        file = opened.enter_context((folder / "log").open("rb"))
        for number, entry in enumerate(read_blocks(file, decode_entries), 1):
            judging.feed(entry)
            if number % COUNTED_ENTRIES == 0:
                with _counter.get_lock():
                    _counter.value += COUNTED_ENTRIES
        if ends_ms is not None:
            judging.tick_until(ends_ms)
        effects.flush()


class Effects:
    """The effects of a shard, with their places."""

    def __init__(self, files: dict[str, IO[bytes]]) -> None:
        self._writers = {name: BlockWriter(file) for name, file in files.items()}

    def judged(self, place: Place, result: JudgeResult) -> None:
        """Keeps what a signal came to."""
        for name, seller, line in lines_of(result):
            self._writers[name].add(Effect(*place, seller, line))

    def flush(self) -> None:
        """Writes what has gathered."""
        for writer in self._writers.values():
            writer.flush()
