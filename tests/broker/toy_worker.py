"""The real worker around two simple steps: counts events per seller, an alert at every tenth. Started by the tests.

Its state depends on nothing but how often a seller was seen, so the expected end can be told without a replay.
`TOY_HANG_AT=1000` hangs the judge for ever at the thousandth signal.
"""

import itertools
import logging
import os
import threading
from collections.abc import Mapping, Sequence

import orjson

from pipeline.kafka.batched import RawRecord
from pipeline.runners.steps import JudgeResult, Rows, ScanResult
from pipeline.runners.worker import Steps, run_worker
from pipeline.settings import load_settings

ALERT_EVERY = 10
HANG_AT = int(os.environ.get("TOY_HANG_AT", "0"))
judged = itertools.count(1)
log = logging.getLogger(__name__)


def scan(records: Sequence[RawRecord]) -> ScanResult:
    """A signal for each JSON record, a dead letter for any other."""
    result = ScanResult()
    for record in records:
        origin = f"{record.topic}:{record.partition}"
        try:
            event = orjson.loads(record.value or b"")
            seller = event["seller_id"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            headers = [("origin", f"{origin}@{record.offset}".encode())]
            result.dead_letters.append((record.key, record.value, headers))
            continue
        signal = {"seller_id": seller, "event_id": event["event_id"], "origin": origin, "offset": record.offset}
        result.signals.append((seller.encode(), orjson.dumps(signal)))
    return result


def judge(rows: Rows, watermarks: Mapping[str, int], records: Sequence[RawRecord]) -> JudgeResult:
    """Counts, and skips what was counted before."""
    result = JudgeResult()
    for record in records:
        if next(judged) == HANG_AT:
            log.warning("toy_hangs")
            threading.Event().wait()
        signal = orjson.loads(record.value or b"")
        if "origin" not in signal:
            continue  # a tick
        origin, offset = signal["origin"], signal["offset"]
        if offset < result.watermarks.get(origin, watermarks.get(origin, 0)):
            continue
        result.watermarks[origin] = offset + 1
        key = b"seller/" + signal["seller_id"].encode()
        stored = result.changed.get(key) or rows.get(key)
        row = orjson.loads(stored) if stored else {"count": 0}
        row["count"] += 1
        result.changed[key] = orjson.dumps(row)
        result.findings.append((key, signal["event_id"].encode()))
        if row["count"] % ALERT_EVERY == 0:
            result.alerts.append((key, f"{signal['seller_id']}:{row['count']}".encode()))
    return result


def tick(partition: int, now_ms: int) -> bytes:
    """A record that the fold skips."""
    return orjson.dumps({"tick": partition, "at_ms": now_ms})


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    run_worker(load_settings(), Steps(scan, judge, tick))
