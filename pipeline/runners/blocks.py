"""Temporary files of a replay: a long row of values in msgpack, written and read block by block."""

from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, TypeVar

import msgspec

PREFIX = "ringfence-replay-"
"""Of every temporary file and folder."""
BLOCK_VALUES = 200
LENGTH_BYTES = 8
T = TypeVar("T")
encode = msgspec.msgpack.Encoder().encode


class BlockWriter:
    """Writes values to a file; what is not flushed is not there."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._block: list[Any] = []

    def add(self, value: Any) -> None:
        """One more value, of a kind that msgpack can hold."""
        self._block.append(value)
        if len(self._block) >= BLOCK_VALUES:
            self.flush()

    def flush(self) -> None:
        """Writes what has gathered."""
        encoded = encode(self._block)
        self._file.write(len(encoded).to_bytes(LENGTH_BYTES) + encoded)
        self._block = []


def write_blocks(file: IO[bytes], values: Iterable[Any]) -> None:
    """Writes all values."""
    writer = BlockWriter(file)
    for value in values:
        writer.add(value)
    writer.flush()


def read_blocks(file: IO[bytes], decode: Callable[[bytes], list[T]]) -> Iterator[T]:
    """The values of a file, from its beginning."""
    file.seek(0)
    while length := file.read(LENGTH_BYTES):
        yield from decode(file.read(int.from_bytes(length)))
