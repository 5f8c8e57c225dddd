"""The rows of one partition on local disk: a copy of the changelog that may be lost at any time.

One RocksDB per partition. Three kinds of keys share it: `r` + row key holds the row, `d` + due time + row key is the
due index, `m` + name is our own. The index never leaves this machine: it is derived from the rows.

A row is a JSON object; a top-level integer `due_ms` says when time alone concerns it. Each row has at most one valid
index entry, the one whose time stands in the eight bytes before the row ("armed at"). A row whose due time moves later
keeps its old entry, and is armed anew when that one comes up: a due time that moves with every event costs no write.
"""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
import rocksdict
import structlog

from pipeline.errors import StateError

log = structlog.get_logger()

FORMAT = b"1"
"""Of the local keys. Another number wipes the folder; the changelog brings the rows back."""
TRUSTED_FOR_MS = 6 * 24 * 3_600_000
"""An older copy is wiped: the changelog forgets a deletion after 7 days, and the old copy would bring the row back."""
BLOCK_CACHE_BYTES = 32 * 1024 * 1024
METADATA_BLOCK_BYTES = 4096
WRITE_BUFFER_BYTES = 8 * 1024 * 1024
NOT_ARMED = (1 << 63) - 1
"""Stands before a row that has no due time."""
TIME_BYTES = 8
DUE_NAME = b'"due_ms":'
TAIL_TIME_BYTES = 14
"""13 digits, which milliseconds have from 2001 to 2286, and the brace at the end."""
DUE_TAIL_BYTES = TAIL_TIME_BYTES + len(DUE_NAME)
WIPE_MARK = "WIPE"

ROW, DUE, META = b"r", b"d", b"m"
AFTER_DUE = b"e"
OFFSET_KEY = META + b"changelog_offset"
WRITTEN_AT_KEY = META + b"written_at_ms"
FORMAT_KEY = META + b"format"


class DueOnly(msgspec.Struct):
    """What the index wants of a row; the rest is skipped without being built."""

    due_ms: int | None = None


decode_due = msgspec.json.Decoder(DueOnly).decode


class LockedError(StateError):
    """Another process has the folder open."""


class RowsDb:
    """Rows of one partition, the changelog offset up to which they are complete, and the due index."""

    def __init__(self, path: Path, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self.path = path
        self._now_ms = now_ms
        self._is_closed = False
        self._armed: dict[bytes, int] = {}
        """When the rows that were read are armed, until something is written: who changes a row has read it."""
        self._db = self._open()

    def get(self, key: bytes) -> bytes | None:
        """The row, or `None` when there is none."""
        stored = self._read(ROW + key)
        if stored is None:
            self._armed[key] = NOT_ARMED
            return None
        self._armed[key] = int.from_bytes(stored[:TIME_BYTES])
        return stored[TIME_BYTES:]

    def due(self, until_ms: int) -> Iterator[bytes]:
        """Keys of the rows whose `due_ms` is not after `until_ms`, in the order of (due_ms, key).

        Entries that no longer say the truth are dropped or moved on the way.
        """
        found: list[tuple[int, bytes]] = []
        repairs = rocksdict.WriteBatch(raw_mode=True)
        moved_to_ms: dict[bytes, int] = {}
        for entry in self._due_entries(until_ms):
            armed_at_ms, key = int.from_bytes(entry[1 : 1 + TIME_BYTES]), entry[1 + TIME_BYTES :]
            if moved_to_ms.get(key) == armed_at_ms:
                continue  # an old entry where the row has just been moved to: it holds again
            stored = self._read(ROW + key)
            if stored is None or int.from_bytes(stored[:TIME_BYTES]) != armed_at_ms:
                repairs.delete(entry)
                continue
            row = stored[TIME_BYTES:]
            due_ms = due_time(row)
            if due_ms != armed_at_ms:
                moved_to_ms[key] = due_ms
                repairs.delete(entry)
                repairs.put(ROW + key, time_bytes(due_ms) + row)
                if due_ms != NOT_ARMED:
                    repairs.put(DUE + time_bytes(due_ms) + key, b"")
            if due_ms <= until_ms:
                found.append((due_ms, key))
        if repairs.len():
            self._write(repairs)
        found.sort()
        return (key for _, key in found)

    def next_due_ms(self, after_ms: int) -> int | None:
        """The first due time after another, or sooner: an index entry may be out of date; `None` when there is none."""
        iterator = self._db.iter()
        iterator.seek(DUE + time_bytes(after_ms + 1))
        if not iterator.valid() or not iterator.key().startswith(DUE):
            return None
        return int.from_bytes(iterator.key()[1 : 1 + TIME_BYTES])

    def keys(self, prefix: bytes) -> Iterator[bytes]:
        """Every key that begins so, in order."""
        iterator = self._db.iter()
        iterator.seek(ROW + prefix)
        while iterator.valid() and iterator.key().startswith(ROW + prefix):
            yield iterator.key()[len(ROW) :]
            iterator.next()

    def apply(self, changes: Mapping[bytes, bytes | None] | Iterable[tuple[bytes, bytes | None]], offset: int) -> None:
        """Writes changed rows (`None` deletes) and the changelog offset that they end at, all or nothing."""
        batch = rocksdict.WriteBatch(raw_mode=True)
        armed = self._armed
        for key, row in changes.items() if isinstance(changes, Mapping) else changes:
            if row is None:
                batch.delete(ROW + key)  # its index entry is dropped when it comes up
                armed[key] = NOT_ARMED
                continue
            armed_at_ms = armed.get(key)
            if armed_at_ms is None:
                stored = self._read(ROW + key)
                armed_at_ms = NOT_ARMED if stored is None else int.from_bytes(stored[:TIME_BYTES])
            due_ms = due_time(row)
            if due_ms < armed_at_ms:
                armed_at_ms = due_ms
                batch.put(DUE + time_bytes(due_ms) + key, b"")
            armed[key] = armed_at_ms
            batch.put(ROW + key, time_bytes(armed_at_ms) + row)
        batch.put(OFFSET_KEY, str(offset).encode())
        batch.put(WRITTEN_AT_KEY, str(self._now_ms()).encode())
        self._write(batch)

    @property
    def offset(self) -> int | None:
        """Changelog offset up to which the rows are complete; `None` when nothing was written yet."""
        stored = self._read(OFFSET_KEY)
        return None if stored is None else int(stored)

    @offset.setter
    def offset(self, offset: int) -> None:
        self._db.put(OFFSET_KEY, str(offset).encode())

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """Every row, by key."""
        iterator = self._db.iter()
        iterator.seek(ROW)
        while iterator.valid() and iterator.key().startswith(ROW):
            yield iterator.key()[1:], iterator.value()[TIME_BYTES:]
            iterator.next()

    def estimated_rows(self) -> int:
        """About how many keys there are, index entries included: RocksDB's own estimate."""
        return int(self._db.property_int_value("rocksdb.estimate-num-keys") or 0)

    def bytes_on_disk(self) -> int:
        """Size of the sorted files."""
        return int(self._db.property_int_value("rocksdb.total-sst-files-size") or 0)

    def close(self) -> None:
        """Flushes and lets go of the folder; a second time does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._db.close()

    def reset(self) -> None:
        """Throws the copy away and begins an empty one."""
        self._db.close()
        shutil.rmtree(self.path, ignore_errors=True)
        self._db = self._open()

    def _open(self) -> rocksdict.Rdict:
        if (self.path / WIPE_MARK).exists():
            self._discard("a read had failed")
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            db = rocksdict.Rdict(str(self.path), options())
        except Exception as error:
            text = str(error)
            if "LOCK:" in text:
                raise LockedError(
                    f"{self.path} is open in another process; give each worker its own data_dir"
                ) from error
            if "No space left" in text:
                raise StateError(f"{self.path}: the disk is full; make room, the worker goes on by itself") from error
            self._discard("it could not be opened")  # damaged: the changelog has everything
            self.path.mkdir(parents=True, exist_ok=True)
            db = rocksdict.Rdict(str(self.path), options())
        return self._checked(db)

    def _checked(self, db: rocksdict.Rdict) -> rocksdict.Rdict:
        written_at = db.get(WRITTEN_AT_KEY)
        is_old = written_at is not None and self._now_ms() - int(written_at) > TRUSTED_FOR_MS
        is_foreign = db.get(FORMAT_KEY) not in {None, FORMAT}
        if is_old or is_foreign:
            db.close()
            self._discard("it is too old" if is_old else "another version wrote it")
            self.path.mkdir(parents=True, exist_ok=True)
            db = rocksdict.Rdict(str(self.path), options())
        db.put(FORMAT_KEY, FORMAT)
        return db

    def _discard(self, why: str) -> None:
        log.warning("local_store_wiped", path=str(self.path), why=why)
        shutil.rmtree(self.path, ignore_errors=True)

    def _read(self, key: bytes) -> bytes | None:
        try:
            stored: bytes | None = self._db.get(key)
        except Exception as error:  # the binding knows no finer one
            raise self._damage(error) from error
        return stored

    def _write(self, batch: rocksdict.WriteBatch) -> None:
        self._armed = {}
        try:
            self._db.write(batch)
        except Exception as error:  # the binding knows no finer one
            raise StateError(f"{self.path} cannot be written: {error}") from error

    def _due_entries(self, until_ms: int) -> list[bytes]:
        iterator = self._db.iter()
        iterator.seek(DUE)
        end = DUE + time_bytes(min(max(until_ms, 0) + 1, NOT_ARMED))
        entries: list[bytes] = []
        while iterator.valid():
            key = iterator.key()
            if key >= end:
                break
            entries.append(key)
            iterator.next()
        return entries

    def _damage(self, error: Exception) -> StateError:
        if "orruption" in str(error):
            (self.path / WIPE_MARK).touch()
            return StateError(
                f"{self.path} is damaged; it is wiped and read again from the changelog at the next start"
            )
        return StateError(f"{self.path} cannot be read: {error}")


def offset_on_disk(path: Path) -> int | None:
    """Changelog offset that a partition's folder ends at, read beside a worker that has it open; `None`: none yet."""
    try:
        access = rocksdict.AccessType.read_only(False)
        db = rocksdict.Rdict(str(path), rocksdict.Options(raw_mode=True), access_type=access)
    except Exception as error:  # the binding knows no finer one
        raise StateError(f"{path} cannot be read: {error}") from error
    try:
        stored: bytes | None = db.get(OFFSET_KEY)
    finally:
        db.close()
    return None if stored is None else int(stored)


def due_time(row: bytes) -> int:
    """The row's `due_ms`, never before 0; `NOT_ARMED` when it has none."""
    if (
        row[-DUE_TAIL_BYTES:-TAIL_TIME_BYTES] == DUE_NAME
    ):  # where the judge's encoder puts it: half the time of a parser
        return int(row[-TAIL_TIME_BYTES:-1])
    try:
        due_ms = decode_due(row).due_ms
    except msgspec.MsgspecError as error:
        raise StateError(
            "a row is no JSON object with an integer due_ms; it was not written by this program"
        ) from error
    return NOT_ARMED if due_ms is None else max(due_ms, 0)


def time_bytes(at_ms: int) -> bytes:
    """An instant whose bytes sort as the instants do."""
    return at_ms.to_bytes(TIME_BYTES)


def options() -> rocksdict.Options:
    """RocksDB with small caches: Faust's default is 2 GiB of block cache for each partition."""
    table = rocksdict.BlockBasedOptions()
    # The usual cache is cut into 64 pieces, and what is larger than a piece is never kept: the index and filter of a
    # file of a million rows were read, checked and unpacked for every single read (256 µs, and 9 so; 600,000 rows).
    table.set_block_cache(rocksdict.Cache.new_hyper_clock_cache(BLOCK_CACHE_BYTES, 0))
    table.set_cache_index_and_filter_blocks(True)  # so that the cache's size bounds them as well
    table.set_index_type(rocksdict.BlockBasedIndexType.two_level_index_search())
    table.set_partition_filters(True)
    table.set_metadata_block_size(METADATA_BLOCK_BYTES)
    table.set_pin_top_level_index_and_filter(True)
    table.set_pin_l0_filter_and_index_blocks_in_cache(True)
    table.set_bloom_filter(10.0, False)
    chosen = rocksdict.Options(raw_mode=True)
    chosen.create_if_missing(True)
    chosen.set_write_buffer_size(WRITE_BUFFER_BYTES)
    chosen.set_max_write_buffer_number(2)
    chosen.set_max_open_files(256)
    chosen.set_keep_log_file_num(2)
    chosen.set_block_based_table_factory(table)
    return chosen
