"""Recordings keep every byte, and damage is named by file and line."""

import json

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import RecordingError
from pipeline.kafka.recordings import (
    MANIFEST,
    Faults,
    Recorded,
    Recording,
    encoded_line,
    record_of,
    write_recording,
)

TOPIC = "marketplace.messages.v1"


def a_record(offset=0, value=b'{"body":"hi"}', key=b"s-1", headers=()):
    return Recorded(TOPIC, 0, offset, 1_780_272_000_000 + offset, key, value, list(headers))


def a_recording(folder, count=3, *, is_compressed=False):
    write_recording(folder, [a_record(offset) for offset in range(count)], is_compressed=is_compressed)
    return folder


def as_tuple(record):
    return record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers


values = st.none() | st.binary(max_size=60) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
).map(lambda value: json.dumps(value).encode())  # fmt: skip


@given(
    value=values,
    key=st.none() | st.binary(max_size=20),
    headers=st.lists(st.tuples(st.text(max_size=8), st.binary(max_size=8)), max_size=3),
)
def test_a_record_comes_back_byte_for_byte(value, key, headers):
    written = a_record(7, value, key, headers=headers)
    assert as_tuple(record_of(encoded_line(written))) == as_tuple(written)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b'{"a": 1.0 ,  "b":1e2}', id="layout and number formats"),
        pytest.param(b'{"a":1,"a":2}', id="repeated key"),
        pytest.param(b'{"base64":"eA=="}', id="an event that looks like our wrapping"),
        pytest.param(b' {"base64": "eA=="}', id="the same behind a blank"),
        pytest.param(b"null", id="JSON null, which is no tombstone"),
        pytest.param(b'{\n"a":1}', id="a line break inside"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":"\\ud800"}', id="a lone surrogate"),
        pytest.param(b"", id="empty"),
    ],
)
def test_a_value_is_never_reinterpreted(value):
    line = encoded_line(a_record(value=value))
    assert line.count(b"\n") == 1
    assert record_of(line).value == value


def test_a_line_of_another_writer_is_understood():
    line = orjson.dumps(
        {
            "headers": {"trace": "1"},
            "value": {"body": "hi"},
            "key": None,
            "timestamp_ms": 5,
            "offset": 9,
            "partition": 2,
            "topic": TOPIC,
            "extra": True,
        }
    )
    assert as_tuple(record_of(line)) == (TOPIC, 2, 9, 5, None, b'{"body":"hi"}', [("trace", b"1")])


@pytest.mark.parametrize("is_compressed", [False, True], ids=["plain", "compressed"])
def test_a_recording_reads_back(tmp_path, is_compressed):
    folder = a_recording(tmp_path / "r", 2_500, is_compressed=is_compressed)
    assert [each.offset for each in Recording(folder).records()] == list(range(2_500))


def test_a_file_of_several_frames_is_read_to_its_end(tmp_path):
    folder = tmp_path / "r"
    folder.mkdir()
    frames = [zstandard.ZstdCompressor().compress(encoded_line(a_record(offset))) for offset in range(3)]
    (folder / f"{TOPIC}.jsonl.zst").write_bytes(b"".join(frames))
    assert [each.offset for each in Recording(folder).records()] == [0, 1, 2]


def edited(folder, change):
    path = folder / f"{TOPIC}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))


DAMAGES = [
    pytest.param(
        lambda lines: [lines[0], lines[1][:40]],
        f"{TOPIC}.jsonl:2: is not JSON (cut off, or corrupt)",
        id="cut off",
    ),
    pytest.param(lambda lines: [lines[0], b"\xff\xfe\n", lines[2]], f"{TOPIC}.jsonl:2: is not JSON", id="corrupt"),
    pytest.param(
        lambda lines: [lines[0], lines[1].replace(b'"offset":1', b'"offset":"1"'), lines[2]],
        f"{TOPIC}.jsonl:2: is no record: Expected `int`, got `str` - at `$.offset`",
        id="offset as text",
    ),
    pytest.param(
        lambda lines: [lines[0], lines[1].replace(b'"offset":1,', b""), lines[2]],
        f"{TOPIC}.jsonl:2: is no record: Object missing required field `offset`",
        id="no offset",
    ),
    pytest.param(
        lambda lines: [lines[0], lines[1].replace(b'{"body":"hi"}', b'{"base64":"!"}'), lines[2]],
        f"{TOPIC}.jsonl:2: has a value that is no base64",
        id="no base64",
    ),
    pytest.param(
        lambda lines: [lines[1], lines[0], lines[2]],
        f"{TOPIC}.jsonl:2: offset 0 of {TOPIC}[0] comes after 1; lines of a partition want the order of their offsets",
        id="out of order",
    ),
    pytest.param(
        lambda lines: [lines[0], lines[1], lines[1]],
        f"{TOPIC}.jsonl:3: offset 1 of {TOPIC}[0] comes after 1",
        id="repeated",
    ),
    pytest.param(
        lambda lines: [lines[0], lines[2]],
        f"says 3 records of {TOPIC}, found 2 (",
        id="a gap",
    ),
]


@pytest.mark.parametrize(("change", "text"), DAMAGES)
def test_damage_is_named_by_file_and_line(tmp_path, change, text):
    folder = a_recording(tmp_path / "r")
    edited(folder, change)
    with pytest.raises(RecordingError) as caught:
        list(Recording(folder).records())
    assert text in str(caught.value)
    assert "--skip-bad" in str(caught.value)


@pytest.mark.parametrize(("change", "text"), DAMAGES)
def test_damage_can_be_skipped_and_is_counted(tmp_path, change, text):
    folder = a_recording(tmp_path / "r")
    edited(folder, change)
    recording = Recording(folder, Faults(is_skipping=True))
    assert list(recording.records())
    assert recording.faults.skipped
    assert any(text in note for note in recording.faults.notes)


def test_a_gap_is_told_with_its_line(tmp_path):
    folder = a_recording(tmp_path / "r")
    edited(folder, lambda lines: [lines[0], lines[2]])
    (folder / MANIFEST).unlink()
    recording = Recording(folder)
    assert len(list(recording.records())) == 2
    assert recording.first_gap == f"{folder / TOPIC}.jsonl:2: {TOPIC}[0] jumps from offset 0 to 2"


def test_a_compressed_file_that_was_cut_off_is_named(tmp_path):
    folder = a_recording(tmp_path / "r", 50_000, is_compressed=True)
    path = folder / f"{TOPIC}.jsonl.zst"
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(RecordingError, match=r"cut off|found \d+"):
        list(Recording(folder).records())


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param("{", "manifest.json:1: is not JSON", id="no JSON"),
        pytest.param("[]", "manifest.json:1: wanted an object", id="no object"),
        pytest.param('{"format": 99}', "format is not 1", id="a newer format"),
        pytest.param('{"is_complete": false}', "not complete", id="a draft"),
        pytest.param('{"topics": {"other": {"records": 2}}}', "says 2 records of other, found 0", id="a missing file"),
        pytest.param('{"topics": {}}', f"does not name {TOPIC}", id="a file too many"),
    ],
)
def test_a_manifest_that_disagrees_is_named(tmp_path, content, text):
    folder = a_recording(tmp_path / "r")
    (folder / MANIFEST).write_text(content, encoding="utf-8")
    with pytest.raises(RecordingError, match="manifest") as caught:
        list(Recording(folder).records())
    assert text in str(caught.value)


def test_a_manifest_with_fields_of_its_own_is_no_fault(tmp_path):
    folder = a_recording(tmp_path / "r")
    (folder / MANIFEST).write_text('{"made_by": "another tool", "topics": ["x"]}', encoding="utf-8")
    assert len(list(Recording(folder).records())) == 3


def test_a_folder_without_records_is_refused(tmp_path):
    with pytest.raises(RecordingError, match=r"is no recording: it wants manifest\.json and files like"):
        list(Recording(tmp_path).records())


def test_a_recording_is_not_written_over_another(tmp_path):
    folder = a_recording(tmp_path / "r")
    with pytest.raises(RecordingError, match="is not empty"):
        a_recording(folder)
