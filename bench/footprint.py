"""What the detector takes in memory: loaded, and after every seen message of the corpus. Nothing else is imported.

python -m bench.footprint
"""

import json
import sys
from pathlib import Path

from bench.peers.measure import peak_bytes
from pipeline.detection.shipped import shipped_detector
from schemas.vocabulary import Sender

CORPUS = Path(__file__).parents[1] / "tests/corpus/seen"
MIB = 1024 * 1024


def main() -> None:
    """Prints the two peaks in MiB."""
    detector = shipped_detector()
    loaded = peak_bytes()
    for path in sorted(CORPUS.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                regions = (row["marketplace"],) if row["marketplace"] else ()
                detector.detect(row["text"], Sender(row["sender"]), regions)
    sys.stdout.write(f"{loaded / MIB:.1f} {peak_bytes() / MIB:.1f}\n")


if __name__ == "__main__":
    main()
