"""What the detector takes in memory: loaded, and after every seen message of the corpus. Nothing else is imported.

python -m bench.footprint
"""

import json
import sys
from pathlib import Path

from pipeline.detection.shipped import shipped_detector
from schemas.vocabulary import Sender

CORPUS = Path(__file__).parents[1] / "tests/corpus/seen"


def main() -> None:
    """Prints the two peaks in MiB."""
    detector = shipped_detector()
    loaded = peak_megabytes()
    for path in sorted(CORPUS.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                regions = (row["marketplace"],) if row["marketplace"] else ()
                detector.detect(row["text"], Sender(row["sender"]), regions)
    sys.stdout.write(f"{loaded:.1f} {peak_megabytes():.1f}\n")


def peak_megabytes() -> float:
    """The process's greatest resident size so far."""
    status = Path("/proc/self/status").read_text("ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    main()
