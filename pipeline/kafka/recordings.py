"""Recordings: records as they were read from topics, in a folder, without loss of a byte.

    manifest.json                          what there should be
    marketplace.messages.v1.jsonl[.zst]    one record a line

A line is `{"topic","partition","offset","timestamp_ms","key","value","headers"}`. `value` is the record's JSON as it
was written; what is no JSON stands as `{"base64": "…"}`. Keys and headers are text, or `{"base64": "…"}`. See
docs/recordings.md.
"""

import base64
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self

import msgspec
import orjson
import zstandard

from pipeline.errors import RecordingError
from pipeline.kafka.batched import RawRecord

MANIFEST = "manifest.json"
FORMAT = 1
PLAIN, COMPRESSED = ".jsonl", ".jsonl.zst"
LONGEST_LINE_BYTES = 32 * 1024 * 1024
"""A line is a record, and a broker takes 16 MiB at most; base64 adds a third."""
READ_BYTES = 1024 * 1024
COMPRESSION_LEVEL = 3


class Recorded(msgspec.Struct, array_like=True):
    """A record out of a recording: looks like one that aiokafka read."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


NotNegative = Annotated[int, msgspec.Meta(ge=0)]


class Line(msgspec.Struct, gc=False):
    """A line before its bytes are unwrapped."""

    topic: str
    partition: NotNegative
    offset: NotNegative
    timestamp_ms: NotNegative
    value: msgspec.Raw
    key: Any = None
    headers: Any = None


decode_line = msgspec.json.Decoder(Line).decode


class Damage(Exception):  # noqa: N818 - never leaves this module
    """What is wrong with one line, in words without its content."""


@dataclass(slots=True)
class Faults:
    """What is wrong with a recording: the first fault ends the reading, unless bad lines may be skipped."""

    is_skipping: bool = False
    skipped: int = 0
    notes: list[str] = field(default_factory=list)
    """The first faults that were passed over, each with file and line."""

    def meet(self, text: str) -> None:
        """Raises or counts one fault.

        Raises:
            RecordingError: faults are not skipped.
        """
        if not self.is_skipping:
            raise RecordingError(f"{text}; repair it, or go on without it by --skip-bad")
        self.skipped += 1
        if len(self.notes) < LARGEST_NOTES:
            self.notes.append(text)


LARGEST_NOTES = 20


# Writing


def encoded_line(record: RawRecord) -> bytes:
    """One record as a line, newline included."""
    fields = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp,
        "key": wrapped(record.key),
        "value": wrapped_value(record.value),
        "headers": [[name, wrapped(content)] for name, content in record.headers or ()],
    }
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def wrapped(content: bytes | None) -> str | dict[str, str] | None:
    """Bytes as text where they are text."""
    if content is None:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def wrapped_value(value: bytes | None) -> object:
    """A value byte for byte: its own JSON where a line can hold that and it cannot be mistaken."""
    if value is None:
        return None
    is_embeddable = value[:1] == b"{" and b"\n" not in value and b"\r" not in value and is_json(value)
    if is_embeddable and not (value.startswith(b'{"base64"') and len(orjson.loads(value)) == 1):
        return orjson.Fragment(value)
    return {"base64": base64.b64encode(value).decode()}


def is_json(value: bytes) -> bool:
    """Whether the bytes are JSON in UTF-8, without NaN and lone surrogates."""
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return False
    return True


# Reading


def record_of(line: bytes) -> Recorded:
    """The record in a line; 1.3 µs for a message of 300 bytes.

    Raises:
        Damage: the line is no record.
    """
    try:
        read = decode_line(line)
    except msgspec.ValidationError as error:
        # The library's text names field and kinds, never a value.
        raise Damage(f"is no record: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Damage("is not JSON (cut off, or corrupt)") from None
    key = read.key
    return Recorded(
        read.topic,
        read.partition,
        read.offset,
        read.timestamp_ms,
        key.encode(errors="surrogatepass") if type(key) is str else unwrapped(key, "key"),
        unwrapped_value(bytes(read.value)),
        header_list(read.headers) if read.headers else [],
    )


def unwrapped_value(raw: bytes) -> bytes | None:
    """The value's bytes out of its place in the line."""
    if raw == b"null":
        return None
    if b'"base64"' in raw[:16]:
        content = orjson.loads(raw)
        if list(content) == ["base64"]:
            return unwrapped(content, "value")
    return raw


def unwrapped(content: Any, name: str) -> bytes | None:
    """Bytes out of text, or out of `{"base64": "…"}`."""
    match content:
        case None:
            return None
        case str():
            return content.encode(errors="surrogatepass")
        case {"base64": str(text)} if len(content) == 1:
            try:
                return base64.b64decode(text, validate=True)
            except ValueError:
                raise Damage(f"has a {name} that is no base64") from None
        case _:
            raise Damage(f"has a {name} that is neither text nor base64")


def header_list(headers: Any) -> list[tuple[str, bytes]]:
    """Headers as aiokafka gives them; a list of pairs or an object."""
    pairs = list(headers.items()) if isinstance(headers, dict) else headers
    try:
        return [(str(name), unwrapped(content, "header") or b"") for name, content in pairs]
    except (TypeError, ValueError):
        raise Damage("has headers that are no list of pairs") from None


@dataclass(slots=True)
class Recording:
    """A folder of records that were read."""

    folder: Path
    faults: Faults = field(default_factory=Faults)
    gaps: int = 0
    """Places where offsets are missing in a partition. Compaction and transactions make them, and so does a loss."""
    first_gap: str | None = None
    counts: Counter[str] = field(default_factory=Counter)
    """Records read so far, by topic."""

    def files(self) -> list[Path]:
        """Its record files by name.

        Raises:
            RecordingError: it is no recording.
        """
        found = sorted(path for path in self.folder.glob("*") if path.name.endswith((PLAIN, COMPRESSED)))
        if not found:
            raise RecordingError(
                f"{self.folder} is no recording: it wants {MANIFEST} and files like marketplace.messages.v1{PLAIN}"
            )
        return found

    def records(self, progress: Callable[[int], None] = lambda _: None) -> Iterator[Recorded]:
        """All records, file by file and line by line; `progress` hears of bytes read.

        Raises:
            RecordingError: damage, named by file and line; with `faults.is_skipping` it is counted instead.
        """
        manifest = self.manifest()
        self.counts.clear()
        next_offsets: dict[tuple[str, int], int] = {}
        for file in self.files():
            for number, line in self._lines(file, progress):
                try:
                    record = record_of(line)
                except Damage as damage:
                    if line.strip():
                        self.faults.meet(f"{file}:{number}: {damage}")
                    continue
                self.counts[record.topic] += 1
                place = record.topic, record.partition
                if next_offsets.get(place) == record.offset or self._is_in_order(file, number, record, next_offsets):
                    next_offsets[place] = record.offset + 1
                    yield record
        self._check_counts(manifest)

    def manifest(self) -> dict[str, Any]:
        """What `manifest.json` says; empty when there is none."""
        path = self.folder / MANIFEST
        if not path.exists():
            return {}
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            self.faults.meet(f"{path}{line}: is not JSON")
            return {}
        if not isinstance(content, dict):
            self.faults.meet(f"{path}:1: wanted an object")
            return {}
        if content.get("format", FORMAT) != FORMAT:
            self.faults.meet(f"{path}: format is not {FORMAT}; a newer Ringfence wrote it")
        if content.get("is_complete") is False:
            self.faults.meet(f"{path}: says that the recording is not complete; `ringfence record` goes on with it")
        return content

    def size_bytes(self) -> int:
        """Of all record files: what `progress` adds up to."""
        return sum(path.stat().st_size for path in self.files())

    def _lines(self, file: Path, progress: Callable[[int], None]) -> Iterator[tuple[int, bytes]]:
        number = 0
        try:
            with ExitStack() as opened:
                raw = opened.enter_context(file.open("rb"))
                stream = opened.enter_context(decompressed(raw)) if file.name.endswith(COMPRESSED) else raw
                reported = 0
                while line := stream.readline(LONGEST_LINE_BYTES):
                    number += 1
                    if number % 1000 == 0:
                        progress(raw.tell() - reported)
                        reported = raw.tell()
                    yield number, line
                progress(raw.tell() - reported)
        except (zstandard.ZstdError, EOFError):
            self.faults.meet(f"{file}:{number + 1}: the compressed file is cut off or corrupt from here on")
        except OSError as error:
            self.faults.meet(f"{file}: cannot be read ({error.strerror})")

    def _is_in_order(self, file: Path, number: int, record: Recorded, next_offsets: dict[tuple[str, int], int]) -> bool:
        place = record.topic, record.partition
        expected = next_offsets.get(place)
        if expected is not None and record.offset < expected:
            self.faults.meet(
                f"{file}:{number}: offset {record.offset} of {record.topic}[{record.partition}] comes after "
                f"{expected - 1}; lines of a partition want the order of their offsets"
            )
            return False
        if expected is not None and record.offset > expected:
            self.gaps += 1
            self.first_gap = self.first_gap or (
                f"{file}:{number}: {record.topic}[{record.partition}] jumps from offset {expected - 1} "
                f"to {record.offset}"
            )
        return True

    def _check_counts(self, manifest: dict[str, Any]) -> None:
        topics = manifest.get("topics")
        path = self.folder / MANIFEST
        if not isinstance(topics, dict):
            return
        for topic, entry in sorted(topics.items()):
            wanted = entry.get("records") if isinstance(entry, dict) else entry
            if isinstance(wanted, int) and wanted != self.counts[topic]:
                hint = f" ({self.first_gap})" if self.first_gap else ""
                self.faults.meet(f"{path}: says {wanted} records of {topic}, found {self.counts[topic]}{hint}")
        for topic in sorted(set(self.counts) - set(topics)):
            self.faults.meet(f"{path}: does not name {topic}, of which {self.counts[topic]} records were found")


def decompressed(raw: Any) -> io.BufferedReader:
    """A reader of a compressed file, over all of its frames: a resumed recording has one more each time."""
    reader = zstandard.ZstdDecompressor().stream_reader(raw, read_size=READ_BYTES, read_across_frames=True)
    return io.BufferedReader(reader, READ_BYTES)


@dataclass(slots=True)
class TopicFile:
    """One topic's file while it is written."""

    path: Path
    records: int = 0
    next_offsets: dict[int, int] = field(default_factory=dict)


class RecordingWriter:
    """Writes a new recording; the manifest comes last and makes it complete."""

    def __init__(self, folder: Path, *, is_compressed: bool = True, note: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RecordingError(f"{folder} is not empty; name a new folder")
        self.folder = folder
        self._suffix = COMPRESSED if is_compressed else PLAIN
        self._note = note
        self._topics: dict[str, TopicFile] = {}
        self._streams: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in self._streams.values():
            stream.close()
        if kind is None:
            write_manifest(self.folder, self._topics, note=self._note)

    def write(self, record: RawRecord) -> None:
        """Adds one record to its topic's file."""
        topic = self._topics.get(record.topic)
        if topic is None:
            topic = self._topics[record.topic] = TopicFile(self.folder / f"{record.topic}{self._suffix}")
            self._streams[record.topic] = self._opened(topic.path)
        self._streams[record.topic].write(encoded_line(record))
        topic.records += 1
        topic.next_offsets[record.partition] = record.offset + 1

    def _opened(self, path: Path) -> Any:
        file = path.open("wb")
        if self._suffix == PLAIN:
            return file
        return zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).stream_writer(file, closefd=True)


def write_manifest(folder: Path, topics: dict[str, TopicFile], *, note: str = "") -> None:
    """Writes what there is, replacing an older manifest at once."""
    content = {
        "format": FORMAT,
        "note": note,
        "topics": {
            name: {
                "file": topic.path.name,
                "records": topic.records,
                "next_offsets": {str(number): topic.next_offsets[number] for number in sorted(topic.next_offsets)},
            }
            for name, topic in sorted(topics.items())
        },
    }
    written = folder / f".{MANIFEST}"
    written.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    written.replace(folder / MANIFEST)


def write_recording(folder: Path, records: Iterable[RawRecord], *, is_compressed: bool = True, note: str = "") -> None:
    """A whole recording at once."""
    with RecordingWriter(folder, is_compressed=is_compressed, note=note) as writer:
        for record in records:
            writer.write(record)
