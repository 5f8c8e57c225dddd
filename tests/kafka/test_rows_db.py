import itertools

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import StateError
from pipeline.kafka.rows_db import TRUSTED_FOR_MS, WIPE_MARK, LockedError, RowsDb, offset_on_disk

NOW_MS = 1_700_000_000_000
examples = itertools.count()


@pytest.fixture
def opened(tmp_path):
    made = []

    def open_rows(name="0", now_ms=NOW_MS):
        rows = RowsDb(tmp_path / name, lambda: now_ms)
        made.append(rows)
        return rows

    yield open_rows
    for rows in made:
        rows.close()


def a_row(due_ms=None, **more):
    return orjson.dumps(({} if due_ms is None else {"due_ms": due_ms}) | more)


def test_a_row_comes_back_as_it_was_written_and_a_deleted_one_does_not(opened):
    rows = opened()
    rows.apply({b"a": a_row(5, n=1), b"b": a_row(n=2)}, 10)
    assert rows.get(b"a") == a_row(5, n=1)
    rows.apply({b"a": None}, 11)
    assert rows.get(b"a") is None
    assert list(rows.rows()) == [(b"b", a_row(n=2))]
    assert rows.offset == 11


def test_keys_are_found_by_how_they_begin(opened):
    rows = opened()
    rows.apply({b"b:2:s1:x": a_row(5), b"b:2:s1:a": a_row(), b"b:3:s12:x": a_row(), b"c:2:s1:x": a_row()}, 1)
    rows.apply({b"b:2:s1:x": None}, 2)
    assert list(rows.keys(b"b:2:s1:")) == [b"b:2:s1:a"]
    assert list(rows.keys(b"b:2:s9:")) == []


def test_rows_are_due_in_the_order_of_time_and_key(opened):
    rows = opened()
    rows.apply({b"c": a_row(30), b"b": a_row(10), b"a": a_row(10), b"never": a_row(), b"later": a_row(31)}, 1)
    assert list(rows.due(30)) == [b"a", b"b", b"c"]
    assert list(rows.due(30)) == [b"a", b"b", b"c"]


@pytest.mark.parametrize(
    ("second", "due"),
    [
        pytest.param(a_row(50), [], id="moved later"),
        pytest.param(a_row(5), [b"a"], id="moved earlier"),
        pytest.param(a_row(), [], id="no longer due at all"),
        pytest.param(None, [], id="deleted"),
    ],
)
def test_a_row_that_changed_is_due_by_what_it_says_now(opened, second, due):
    rows = opened()
    rows.apply({b"a": a_row(20)}, 1)
    rows.apply({b"a": second}, 2)
    assert list(rows.due(20)) == due
    assert list(rows.due(20)) == due


def test_a_nested_due_time_is_none_of_the_index(opened):
    rows = opened()
    rows.apply({b"a": orjson.dumps({"order": {"due_ms": 1}})}, 1)
    assert list(rows.due(100)) == []


changes = st.lists(
    st.dictionaries(
        st.sampled_from([b"a", b"b", b"c", b"d"]), st.one_of(st.none(), st.just(-1), st.integers(0, 50)), max_size=4
    ),
    max_size=8,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(batches=changes, looks=st.lists(st.integers(0, 60), min_size=8, max_size=8))
def test_what_is_due_follows_from_the_rows_alone_whatever_came_before(opened, batches, looks):
    rows = opened(f"example-{next(examples)}")
    model: dict[bytes, int | None] = {}
    for offset, (batch, until_ms) in enumerate(zip(batches, looks, strict=False)):
        rows.apply(
            {key: None if due is None else a_row(None if due < 0 else due) for key, due in batch.items()}, offset
        )
        for key, due in batch.items():
            model.pop(key, None)
            if due is not None:
                model[key] = due
        expected = sorted((due, key) for key, due in model.items() if 0 <= due <= until_ms)
        assert list(rows.due(until_ms)) == [key for _, key in expected]


def test_a_row_that_moves_to_where_an_old_entry_stands_stays_due(opened):
    rows = opened()
    rows.apply({b"a": a_row(2)}, 0)
    rows.apply({b"a": a_row(1)}, 1)
    rows.apply({b"a": a_row(2)}, 2)
    assert list(rows.due(2)) == [b"a"]
    assert list(rows.due(2)) == [b"a"]


def test_what_a_reopened_folder_holds_is_what_was_written(opened, tmp_path):
    rows = opened()
    rows.apply({b"a": a_row(5)}, 7)
    rows.close()
    again = RowsDb(tmp_path / "0", lambda: NOW_MS)
    assert (again.get(b"a"), again.offset, list(again.due(5))) == (a_row(5), 7, [b"a"])
    again.close()


@pytest.mark.parametrize(
    ("later_ms", "kept"),
    [pytest.param(TRUSTED_FOR_MS, True, id="six days old"), pytest.param(TRUSTED_FOR_MS + 1, False, id="older")],
)
def test_a_copy_older_than_the_changelogs_memory_of_deletions_is_wiped(opened, tmp_path, later_ms, kept):
    rows = opened()
    rows.apply({b"a": a_row()}, 1)
    rows.close()
    again = RowsDb(tmp_path / "0", lambda: NOW_MS + later_ms)
    assert (again.get(b"a") is not None) == kept
    assert (again.offset is not None) == kept
    again.close()


def test_a_damaged_folder_is_wiped_and_not_a_reason_to_fail(opened, tmp_path):
    rows = opened()
    rows.apply({b"a": a_row()}, 1)
    rows.close()
    for file in (tmp_path / "0").glob("MANIFEST-*"):
        file.write_bytes(b"\xff" * 64)
    again = RowsDb(tmp_path / "0", lambda: NOW_MS)
    assert again.get(b"a") is None
    again.close()


def test_a_folder_marked_for_wiping_starts_empty(opened, tmp_path):
    rows = opened()
    rows.apply({b"a": a_row()}, 1)
    rows.close()
    (tmp_path / "0" / WIPE_MARK).touch()
    again = RowsDb(tmp_path / "0", lambda: NOW_MS)
    assert again.get(b"a") is None
    again.close()


def test_a_folder_that_another_has_open_is_refused_and_left_alone(opened):
    rows = opened()
    rows.apply({b"a": a_row()}, 1)
    with pytest.raises(LockedError, match="data_dir"):
        opened()
    assert rows.get(b"a") == a_row()


def test_a_row_that_is_no_object_is_refused_without_being_quoted(opened):
    with pytest.raises(StateError) as refusal:
        opened().apply({b"a": b'"+1 415 555 0132"'}, 1)
    assert "415" not in str(refusal.value)


def test_the_offset_is_read_beside_a_worker_that_has_the_folder_open(tmp_path):
    rows = RowsDb(tmp_path / "0")
    rows.apply({b"s:1": b"{}"}, 41)
    assert offset_on_disk(tmp_path / "0") == 41
    rows.apply({b"s:1": b"{}"}, 42)
    assert offset_on_disk(tmp_path / "0") == 42
    rows.close()


def test_a_folder_that_is_no_store_is_said_so(tmp_path):
    with pytest.raises(StateError, match="cannot be read"):
        offset_on_disk(tmp_path / "none")
