"""The rows of a replay: in memory, and beyond a limit on disk, so that no recording is too long."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path

from pipeline.kafka.rows_db import RowsDb
from pipeline.runners.memory_rows import MemoryRows

MOST_ROWS = 100_000
"""In memory; about 60 MB of usual ones."""
WRITTEN_ROWS = 5_000
"""At once."""


class ReplayRows:
    """Rows of one signals partition and when time alone concerns them."""

    def __init__(self, most_rows: int = MOST_ROWS) -> None:
        self._most_rows = most_rows
        self._recent = MemoryRows()
        self._gone: set[bytes] = set()
        """Deleted, but still on disk."""
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._disk: RowsDb | None = None
        self._disk_due_ms: int | None = None

    def get(self, key: bytes) -> bytes | None:
        """The row, or `None` when there is none."""
        row = self._recent.get(key)
        if row is not None or self._disk is None or key in self._gone:
            return row
        return self._disk.get(key)

    def due(self, until_ms: int) -> Iterator[bytes]:
        """Keys of the rows whose `due_ms` is not after `until_ms`; all of them change now, or stay due no longer."""
        if self._disk is not None:
            yield from (key for key in self._disk.due(until_ms) if not self._is_outdated(key))
            self._disk_due_ms = self._disk.next_due_ms(until_ms)
        yield from self._recent.due(until_ms)

    def keys(self, prefix: bytes) -> Iterator[bytes]:
        """Every key that begins so, in order."""
        stored = self._disk.keys(prefix) if self._disk is not None else ()
        left = (key for key in stored if not self._is_outdated(key))
        return iter(sorted(chain(left, self._recent.keys(prefix))))

    def next_due_ms(self) -> int | None:
        """When the first row is due, or sooner: one on disk may have changed since; `None` when none will be."""
        recent_ms = self._recent.next_due_ms()
        if self._disk_due_ms is None or recent_ms is None:
            return recent_ms if self._disk_due_ms is None else self._disk_due_ms
        return min(recent_ms, self._disk_due_ms)

    def apply(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Writes changed rows; `None` deletes."""
        self._recent.apply(changes)
        if self._disk is not None:
            for key, row in changes.items():
                (self._gone.add if row is None else self._gone.discard)(key)
        if len(self._recent) + len(self._gone) > self._most_rows:
            self._settle()

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Every row, by key."""
        stored = self._disk.rows() if self._disk is not None else ()
        left = (pair for pair in stored if not self._is_outdated(pair[0]))
        yield from sorted(chain(left, self._recent.items()))

    def clear(self) -> None:
        """Forgets all rows."""
        if self._disk is not None:
            self._disk.close()
        if self._folder is not None:
            self._folder.cleanup()
        self._folder, self._disk, self._disk_due_ms = None, None, None
        self._recent = MemoryRows()
        self._gone.clear()

    def _is_outdated(self, key: bytes) -> bool:
        return key in self._gone or self._recent.get(key) is not None

    def _settle(self) -> None:
        if self._disk is None:
            self._folder = tempfile.TemporaryDirectory(prefix="ringfence-replay-")
            self._disk = RowsDb(Path(self._folder.name) / "rows")
        changes: Iterable[tuple[bytes, bytes | None]] = chain(self._recent.items(), dict.fromkeys(self._gone).items())
        rest = iter(changes)
        while chunk := list(islice(rest, WRITTEN_ROWS)):
            self._disk.apply(chunk, 0)
        self._recent = MemoryRows()
        self._gone.clear()
        self._disk_due_ms = self._disk.next_due_ms(-1)
