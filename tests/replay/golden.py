"""Writes the shipped recording and what it comes to: `make golden`. Review the difference like code."""

import shutil
from pathlib import Path

from pipeline.kafka.recordings import Recording, write_recording
from pipeline.policy.book import load_book
from pipeline.runners.replay import replay
from pipeline.runners.sample import SHIPPED_SEED, SHIPPED_START_MS, marketplace, recorded
from pipeline.runners.service import scan_step
from pipeline.settings import DEVELOPMENT_PSEUDONYM_KEY

FOLDER = Path(__file__).parent
RECORDING = FOLDER / "marketplace"
EXPECTED = FOLDER / "expected"


def replayed(recording: Path, out: Path) -> str:
    """Replays under the shipped policy; the digest over all outputs."""
    book = load_book()
    return replay(Recording(recording), out, book, scan_step(book, DEVELOPMENT_PSEUDONYM_KEY.encode())).digest


if __name__ == "__main__":
    shutil.rmtree(RECORDING, ignore_errors=True)
    told = recorded(marketplace(SHIPPED_SEED, SHIPPED_START_MS, 1))
    write_recording(RECORDING, told, note=f"ringfence sample --seed {SHIPPED_SEED}")
    replayed(RECORDING, EXPECTED)
