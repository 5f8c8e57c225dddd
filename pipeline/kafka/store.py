"""The local store behind the Faust table: one `RowsDb` per partition, filled by recovery and by our own commits.

Faust opens and closes it with the assignment and feeds it the changelog. The worker reads and writes the rows of a
partition directly, for Faust's own `table[key] = value` would write them before the changelog has them.
"""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from faust import App
from faust.stores import STORES
from faust.stores.base import SerializedStore
from faust.types import TP, CollectionT, EventT
from yarl import URL

from pipeline.errors import StateError
from pipeline.kafka.batched import RECOVERY_TICK_KEY
from pipeline.kafka.crash_points import crash_point
from pipeline.kafka.rows_db import LockedError, RowsDb

SCHEME = "rows"
LOCK_TRIES = 30


class Store(SerializedStore):  # type: ignore[misc]  # faust is untyped here
    """What the store URL `rows://` names."""

    def __init__(self, url: str | URL, app: App, table: CollectionT, **kwargs: Any) -> None:
        super().__init__(url, app, table, **kwargs)
        self.partitions: dict[int, RowsDb] = {}

    @property
    def folder(self) -> Path:
        """Where the partitions' folders lie."""
        return Path(str(self.app.conf.tabledir), self.table_name)

    def rows(self, partition: int) -> RowsDb:
        """The rows of a partition; opens them when they are not open yet."""
        known = self.partitions.get(partition)
        if known is None:
            known = self.partitions[partition] = RowsDb(self.folder / f"{partition}")
        return known

    def persisted_offset(self, tp: TP) -> int | None:
        """Changelog offset from which recovery reads on."""
        return self.rows(tp.partition).offset

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Notes the offset alone."""
        self.rows(tp.partition).offset = offset

    def apply_changelog_batch(
        self,
        batch: Iterable[EventT],
        to_key: Callable[[Any], Any],  # noqa: ARG002 - Faust's signature
        to_value: Callable[[Any], Any],  # noqa: ARG002 - Faust's signature
    ) -> None:
        """Writes what recovery read, batches of the changelog: rows, due index and offset of a partition at once."""
        changes: dict[int, list[tuple[bytes, bytes | None]]] = {}
        offsets: dict[int, int] = {}
        for event in batch:
            message = event.message
            offsets[message.partition] = message.offset
            changes.setdefault(message.partition, []).extend(
                (record.key, record.value) for record in message.value if record.key != RECOVERY_TICK_KEY
            )
        for partition, rows in changes.items():
            self.rows(partition).apply(rows, offsets[partition])
            crash_point("worker", "in_recovery")

    async def on_rebalance(self, assigned: set[TP], *_: Any, **__: Any) -> None:
        """Lets go of partitions that left and opens those that came, waiting for a predecessor's lock."""
        changelogs = self.table.changelog_topic.topics
        kept = {tp.partition for tp in assigned if tp.topic in changelogs}
        for partition in set(self.partitions) - kept:
            self.partitions.pop(partition).close()
        for partition in sorted(kept):
            await self._open_when_unlocked(partition)

    async def _open_when_unlocked(self, partition: int) -> None:
        for _ in range(LOCK_TRIES):
            with contextlib.suppress(LockedError):
                self.rows(partition)
                return
            await self.sleep(1.0)
        self.rows(partition)

    async def stop(self) -> None:
        """Closes every partition."""
        for rows in self.partitions.values():
            rows.close()
        self.partitions.clear()
        await super().stop()

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise StateError("rows are read and written by their partition's lane alone, after its transaction")

    # Faust's way to the rows, `table[key]`, and its backups: the base class wants the names, nobody may use them.
    _get = _set = _del = _contains = _clear = _size = _refuse
    _iterkeys = _itervalues = _iteritems = _refuse
    backup_partition = restore_backup = _refuse

    def reset_state(self) -> None:
        """Throws all local copies away."""
        for rows in self.partitions.values():
            rows.reset()


def register() -> None:
    """Makes `rows://` known to Faust."""
    STORES.aliases[SCHEME] = f"{__name__}:Store"
