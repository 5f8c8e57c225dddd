"""Recording from a real broker, resuming after a kill, and playing it back."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from pipeline.errors import SettingsError
from pipeline.kafka.client import Connection
from pipeline.kafka.recordings import MANIFEST, Recorded, Recording, write_recording
from pipeline.kafka.topics import Input
from pipeline.runners.record import Span, publish, record
from pipeline.runners.sample import SHIPPED_START_MS, marketplace, recorded
from tests.broker.harness import ROOT, wait_for


def contents(records, prefix=""):
    """What each partition holds, in its order."""
    found = {}
    for each in records:
        found.setdefault((prefix + each.topic, each.partition), []).append((each.key, each.value, each.timestamp))
    return found


def publish_all(stage, records, folder):
    """The records onto the stage's topics; contents as they must come back."""
    write_recording(folder, records)
    connection = Connection(stage.address)
    sent = asyncio.run(publish(Recording(folder), connection, prefix=stage.names.prefix))
    assert sent == len(records)
    return connection, contents(records, stage.names.prefix)


def test_what_was_published_is_recorded_byte_for_byte(stage, tmp_path):
    records = list(recorded(marketplace(3, SHIPPED_START_MS, 1), stage.partitions))
    connection, wanted = publish_all(stage, records, tmp_path / "source")
    count = asyncio.run(record(connection, tmp_path / "copy", Span(stage.names.inputs)))
    assert count == len(records)
    assert contents(Recording(tmp_path / "copy").records()) == wanted


KILLS = 6
RECORDER = """
    import asyncio, sys
    from pathlib import Path
    import pipeline.runners.record as module
    from pipeline.kafka.client import Connection
    module.FLUSH_BYTES = 200_000
    module.POLL_RECORDS = 200
    asyncio.run(module.record(Connection(sys.argv[1]), Path(sys.argv[2]), module.Span(sys.argv[3].split(","))))
"""


def manifest_of(folder):
    """What a recorder has told of itself so far."""
    manifest = folder / MANIFEST
    return json.loads(manifest.read_text()) if manifest.exists() else {"is_complete": False}


def is_complete(folder):
    """Whether nothing is left to record."""
    return manifest_of(folder)["is_complete"]


def test_a_recording_killed_again_and_again_has_neither_gap_nor_repeat(stage, tmp_path):
    records = list(recorded(marketplace(4, SHIPPED_START_MS, 12), stage.partitions))
    _, wanted = publish_all(stage, records, tmp_path / "source")
    folder = tmp_path / "copy"
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(RECORDER),
        stage.address,
        str(folder),
        ",".join(stage.names.inputs),
    ]
    kills = 0
    while not is_complete(folder):
        before = manifest_of(folder)
        recorder = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
        wait_for(
            lambda before=before, recorder=recorder: manifest_of(folder) != before or recorder.poll() == 0,
            "more of the recording",
            pause_seconds=0.01,
        )
        if kills < KILLS:
            recorder.send_signal(signal.SIGKILL)
            kills += 1
        recorder.wait(60)
    assert kills > 1
    assert contents(Recording(folder).records()) == wanted


def test_a_recording_begins_and_ends_at_offsets_or_at_times(stage, tmp_path):
    topic = stage.names.of(Input.ORDERS)
    records = [Recorded(Input.ORDERS, 0, n, SHIPPED_START_MS + n * 1000, b"s", b'{"n": %d}' % n) for n in range(20)]
    connection, _ = publish_all(stage, records, tmp_path / "source")
    by_offset = Span([topic], begin_offsets={(topic, 0): 3}, end_offsets={(topic, 0): 7})
    asyncio.run(record(connection, tmp_path / "offsets", by_offset))
    assert [each.offset for each in Recording(tmp_path / "offsets").records()] == [3, 4, 5, 6]
    by_time = Span([topic], begin_ms=SHIPPED_START_MS + 9_500, end_ms=SHIPPED_START_MS + 12_000)
    asyncio.run(record(connection, tmp_path / "times", by_time))
    assert [each.offset for each in Recording(tmp_path / "times").records()] == [10, 11]
    with pytest.raises(SettingsError, match="which is not recorded"):
        asyncio.run(record(connection, tmp_path / "none", Span([topic], begin_offsets={("else", 0): 1})))


def test_a_recording_from_the_future_is_refused_in_words(stage, tmp_path):
    ahead_ms = int(time.time() * 1000) + 30 * 86_400_000
    write_recording(tmp_path / "ahead", [Recorded(Input.REVIEWS, 0, 0, ahead_ms, b"s", b"{}")])
    with pytest.raises(SettingsError, match=r"message\.timestamp\.after\.max\.ms"):
        asyncio.run(publish(Recording(tmp_path / "ahead"), Connection(stage.address), prefix=stage.names.prefix))


def test_a_recording_from_now_on_ends_by_itself(stage, tmp_path):
    connection = Connection(stage.address)
    stage.produce([(Input.REVIEWS, b"s", b'{"before": 1}')])
    time.sleep(0.1)
    now_ms = int(time.time() * 1000)

    async def scenario():
        recording = asyncio.create_task(
            record(connection, tmp_path / "live", Span(stage.names.inputs, begin_ms=now_ms, end_ms=now_ms + 4_000))
        )
        await asyncio.sleep(1.5)
        await asyncio.to_thread(stage.produce, [(Input.REVIEWS, b"s", b'{"during": 1}')])
        return await recording

    assert asyncio.run(scenario()) == 1
    assert [each.value for each in Recording(tmp_path / "live").records()] == [b'{"during": 1}']
    assert (tmp_path / "live" / MANIFEST).exists()
