"""Rows in memory, for replays: what `kafka/rows_db.py` is to the worker."""

import heapq
from collections.abc import Iterator, Mapping

from pipeline.kafka.rows_db import NOT_ARMED, due_time


class MemoryRows:
    """Rows of one signals partition and when time alone concerns them."""

    def __init__(self) -> None:
        self._rows: dict[bytes, bytes] = {}
        self._due_ms: dict[bytes, int] = {}
        self._heap: list[tuple[int, bytes]] = []
        """Every entry of `_due_ms`, and older ones that no longer hold."""

    def get(self, key: bytes) -> bytes | None:
        """The row, or `None` when there is none."""
        return self._rows.get(key)

    def due(self, until_ms: int) -> Iterator[bytes]:
        """Keys of the rows whose `due_ms` is not after `until_ms`, in the order of (due_ms, key)."""
        found = []
        while (next_due_ms := self.next_due_ms()) is not None and next_due_ms <= until_ms:
            found.append(heapq.heappop(self._heap))
        for entry in found:  # they stay due until the row changes
            heapq.heappush(self._heap, entry)
        return iter(dict.fromkeys(key for _, key in found))

    def keys(self, prefix: bytes) -> Iterator[bytes]:
        """Every key that begins so, in order."""
        return iter(sorted(key for key in self._rows if key.startswith(prefix)))

    def next_due_ms(self) -> int | None:
        """When the first row is due; `None` when none will be."""
        while self._heap and self._due_ms.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def apply(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Writes changed rows; `None` deletes."""
        for key, row in changes.items():
            due_ms = NOT_ARMED if row is None else due_time(row)
            if row is None:
                self._rows.pop(key, None)
            else:
                self._rows[key] = row
            if due_ms == NOT_ARMED:
                self._due_ms.pop(key, None)
            elif self._due_ms.get(key) != due_ms:
                self._due_ms[key] = due_ms
                heapq.heappush(self._heap, (due_ms, key))

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Every row, by key."""
        yield from sorted(self._rows.items())

    def __len__(self) -> int:
        return len(self._rows)
