"""The local store may go, age or rot: the changelog has the rows."""

import shutil

import pytest

from pipeline.kafka.rows_db import RowsDb
from pipeline.kafka.topics import TABLE_NAME
from tests.broker.harness import Load, Stage, faults, wait_for_end


def local_rows(stage, place):
    rows = {}
    for folder in (stage.folder / f"data-{place}").rglob(f"{TABLE_NAME}/*/CURRENT"):
        opened = RowsDb(folder.parent)
        rows |= {key: row for key, row in opened.rows() if not key.startswith(b"\0")}
        opened.close()
    return rows


def halves(load):
    middle = len(load.records) // 2
    return load.records[:middle], load.records[middle:]


def run_to_the_end_of(stage, records):
    poison = sum(1 for _, _, value in records if value.startswith(b'{"broken'))
    worker = stage.start()
    wait_for_end(stage, Load(records, {}, poison))
    assert worker.stop() == 0


def test_a_deleted_store_is_read_again_from_the_changelog(stage: Stage):
    load = Load.seeded(61, 10_000)
    first, second = halves(load)
    stage.produce(first)
    run_to_the_end_of(stage, first)
    assert local_rows(stage, "a") == stage.table()
    shutil.rmtree(stage.folder / "data-a")
    stage.produce(second)
    run_to_the_end_of(stage, load.records)
    assert faults(stage, load) == []
    assert local_rows(stage, "a") == stage.table()


@pytest.mark.parametrize("pattern", ["CURRENT", "MANIFEST-*"])
def test_a_damaged_store_is_wiped_and_read_again(stage: Stage, pattern):
    load = Load.seeded(62, 4_000)
    first, second = halves(load)
    stage.produce(first)
    run_to_the_end_of(stage, first)
    for file in (stage.folder / "data-a").rglob(pattern):
        file.write_bytes(b"\xff" * file.stat().st_size)
    stage.produce(second)
    run_to_the_end_of(stage, load.records)
    assert faults(stage, load) == []
    assert local_rows(stage, "a") == stage.table()
