"""What a replay writes: a file for each kind of effect, and the digest over all of them."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from pipeline.kafka.dead_letters import line
from pipeline.runners.judging import Place
from pipeline.runners.signal_log import letter_of
from pipeline.runners.steps import JudgeResult
from schemas.outputs import DeadLetter

FINDINGS, ALERTS, ADVISORIES, DEAD_LETTERS = "findings.jsonl", "alerts.jsonl", "advisories.jsonl", "dead-letters.jsonl"
OUTPUTS = (FINDINGS, ALERTS, ADVISORIES, DEAD_LETTERS)
SHADOW = "shadow.jsonl"
DIGEST = "digest.txt"
PARTIAL = ".partial"


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

    def judged(self, place: Place, result: JudgeResult) -> None:  # noqa: ARG002 - they come in their order
        """Writes the effects of a signal."""
        for name, _, value in lines_of(result):
            self.write(name, value)

    def set_aside(self, letter: DeadLetter) -> None:
        """Writes where and why, without the record."""
        self.write(DEAD_LETTERS, line(letter))

    def write(self, name: str, value: bytes) -> None:
        """Adds a line to one of the files."""
        content = value + b"\n"
        self._files[name].write(content)
        self._hashes[name].update(content)
        self.lines[name] += 1

    def finish(self) -> str:
        """Gives the files their names and writes `digest.txt`; the digest over all comes back."""
        self._opened.close()
        for name in self._names:
            (self._out / f"{name}{PARTIAL}").replace(self._out / name)
        listing = "".join(f"{self._hashes[name].hexdigest()}  {name}\n" for name in self._names)
        (self._out / DIGEST).write_text(listing, encoding="ascii")
        return hashlib.sha256(listing.encode()).hexdigest()


def lines_of(result: JudgeResult) -> Iterator[tuple[str, bytes, bytes]]:
    """File, seller and line of each effect of a signal, in their order."""
    for name, effects in (
        (FINDINGS, result.findings),
        (ALERTS, result.alerts),
        (ADVISORIES, result.advisories),
        (SHADOW, result.shadow),
    ):
        for key, value in effects:
            yield name, key or b"", value
    for letter in result.dead_letters:
        yield DEAD_LETTERS, b"", line(letter_of(letter))
