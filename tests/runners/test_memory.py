"""A replay needs no more memory for a recording four times as long."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
from pipeline.kafka.recordings import Recorded, write_recording

ROOT = Path(__file__).parents[2]
SHORT, LONG = 8_000, 32_000
MOST_GROWTH_BYTES = 20 * 1024 * 1024
"""The rows of the longer recording alone take three times as much where they stay in memory."""
REPLAY = """
import sys
from functools import partial
from pathlib import Path

from bench.peers.measure import peak_bytes
from pipeline.judgement.privacy import Pseudonymiser
from pipeline.kafka.codec import DecodeLimits
from pipeline.kafka.recordings import Recording
from pipeline.policy.book import load_book
from pipeline.runners import judging, replay_rows, signal_log, sorting
from pipeline.runners.replay import replay
from pipeline.runners.scan import Scan

most_rows, run_records = int(sys.argv[3]), int(sys.argv[4])
judging.ReplayRows = partial(replay_rows.ReplayRows, most_rows)
signal_log.Sorter = partial(sorting.Sorter, run_records)
book = load_book()
scan = Scan(None, Pseudonymiser(b"key"), DecodeLimits(book.max_lead_ms), book, {})
replay(Recording(Path(sys.argv[1])), Path(sys.argv[2]), book, scan)
print(peak_bytes())
"""


def orders(count):
    """Orders of as many sellers and buyers: each leaves rows that stay for months."""
    for number in range(count):
        ids = {"seller_id": f"s{number}", "buyer_id": f"b{number}", "order_id": f"o{number}"}
        event = ids | {"status": "placed", "at": "2026-06-01T00:00:00Z", "items": [{"title": "Desk lamp " * 10}]}
        yield Recorded("marketplace.orders.v1", 0, number, 1_780_272_000_000, None, orjson.dumps(event))


def peak_bytes(folder, count, most_rows, run_records):
    write_recording(folder / f"{count}", orders(count))
    command = [sys.executable, "-c", REPLAY, f"{folder}/{count}", f"{folder}/out", f"{most_rows}", f"{run_records}"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return int(done.stdout)


@pytest.mark.parametrize(
    ("most_rows", "run_records", "is_bounded"),
    [
        pytest.param(4_000, 1_000, True, id="with what is beyond the limits on disk"),
        pytest.param(10**9, 10**9, False, id="without limits, so that the test is known to be able to fail"),
    ],
)
def test_memory_does_not_grow_with_the_recording(tmp_path, most_rows, run_records, is_bounded):
    short = peak_bytes(tmp_path, SHORT, most_rows, run_records)
    long = peak_bytes(tmp_path, LONG, most_rows, run_records)
    assert (long - short <= MOST_GROWTH_BYTES) is is_bounded
