"""One replay in a process of its own, which reports on itself.

python -m bench.replay write RECORDING MESSAGES      a recording of the default mix
python -m bench.replay run RECORDING PROCESSES       figures as one JSON line
"""

import json
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from bench.peers.measure import peak_bytes
from bench.traffic import Stored, messages, timestamp_ms
from pipeline.detection.collector import spare_the_collector
from pipeline.detection.shipped import shipped_detector
from pipeline.kafka.recordings import Recording, write_recording
from pipeline.kafka.topics import Input
from pipeline.policy.book import load_book
from pipeline.runners.replay import replay
from pipeline.runners.scanning import ScanPool
from pipeline.runners.service import scan_step
from pipeline.settings import DEVELOPMENT_PSEUDONYM_KEY
from schemas.events import Message

PARTITIONS = 4
DETECTED_RECORDS = 20_000
"""From which the share of detection is told."""


def write(folder: Path, count: int) -> None:
    """A recording of so many messages."""
    records = (
        Stored(Input.MESSAGES, number % PARTITIONS, number // PARTITIONS, timestamp_ms(number), value)
        for number, value in enumerate(messages(count))
    )
    write_recording(folder, records)


def run(folder: Path, processes: int) -> None:
    """Replays it, and prints how that went; packs and policy are read before the clock starts, but not by a pool."""
    book = load_book()
    new_scan = partial(scan_step, book, DEVELOPMENT_PSEUDONYM_KEY.encode())
    scan = new_scan() if processes == 1 else ScanPool(new_scan, processes)
    spare_the_collector()
    with tempfile.TemporaryDirectory() as out:
        started, cpu_before = time.perf_counter(), cpu_seconds()
        summary = replay(Recording(folder), Path(out), book, scan)
        seconds, cpu = time.perf_counter() - started, cpu_seconds() - cpu_before
    count = summary.records.total()
    figures = {
        "messages": count,
        "seconds": round(seconds, 4),
        "per_second": round(count / seconds),
        "cpu_us_per_message": round(cpu / count * 1e6, 2),
        "peak_bytes": peak_bytes(),
        "detection_us_per_message": round(detection_seconds(folder) * 1e6, 2) if processes == 1 else None,
        "digest": summary.digest,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def cpu_seconds() -> float:
    """Of this process and those that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def detection_seconds(folder: Path) -> float:
    """What prefilter and detector take of a message, on average over the first ones."""
    detector = shipped_detector()
    seconds, count = 0.0, 0
    for count, record in enumerate(Recording(folder).records(), 1):
        message = Message.model_validate_json(record.value or b"")
        started = time.perf_counter()
        detector.detect(message.body, message.sender, (message.marketplace or "US",))
        seconds += time.perf_counter() - started
        if count == DETECTED_RECORDS:
            break
    return seconds / count


if __name__ == "__main__":
    match sys.argv[1]:
        case "write":
            write(Path(sys.argv[2]), int(sys.argv[3]))
        case _:
            run(Path(sys.argv[2]), int(sys.argv[3]))
