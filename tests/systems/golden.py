"""Writes the recordings of the systems and what they come to: `make golden`. Review the difference like code."""

import shutil
from pathlib import Path

from pipeline.kafka.recordings import Recording, write_recording
from pipeline.policy.book import load_book
from pipeline.runners.replay import replay
from pipeline.runners.service import scan_step
from pipeline.settings import DEVELOPMENT_PSEUDONYM_KEY
from tests.systems.scenarios import SCENARIOS, played

FOLDER = Path(__file__).parent


def main():
    """Every scenario."""
    book = load_book()
    scan = scan_step(book, DEVELOPMENT_PSEUDONYM_KEY.encode())
    for name, scenario in SCENARIOS.items():
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        recording = FOLDER / name / "recording"
        write_recording(recording, played(name).records(), is_compressed=False, note=scenario.__doc__ or "")
        replay(Recording(recording), FOLDER / name / "expected", book, scan)


if __name__ == "__main__":
    main()
