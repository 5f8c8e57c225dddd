"""A recording through the same scan and fold as the live service: no broker, no clock, the same bytes every time.

    recording -> scanned -> in order -> judged -> findings, alerts, advisories, dead letters, digest

Nothing of it grows with the recording: what has to be sorted, and rows beyond a limit, go to temporary files.
"""

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.kafka.recordings import Recording
from pipeline.policy.book import PolicyBook
from pipeline.runners.judging import Judging
from pipeline.runners.output_files import OUTPUTS, SHADOW, OutputFiles
from pipeline.runners.scan import Scan
from pipeline.runners.scanning import ScanPool
from pipeline.runners.shadow import Shadow
from pipeline.runners.shards import Parted, Terms
from pipeline.runners.signal_log import HearsOfLetters, signal_log
from pipeline.runners.steps import Progress


@dataclass(slots=True)
class Summary:
    """What a replay saw and made."""

    records: Counter[str] = field(default_factory=Counter)
    """By topic."""
    lines: Counter[str] = field(default_factory=Counter)
    """By output file."""
    skipped: int = 0
    notes: list[str] = field(default_factory=list)
    """Faults that were skipped, and the first gap in offsets, each with file and line."""
    digest: str = ""
    """Over all outputs: equal digests, equal bytes."""

    @classmethod
    def of(cls, recording: Recording) -> "Summary":
        """What was seen, once all of it was read."""
        notes = recording.faults.notes + ([recording.first_gap] if recording.first_gap else [])
        return cls(Counter(recording.counts), skipped=recording.faults.skipped, notes=notes)


def replay(  # noqa: PLR0913 - what is replayed, where to, and under what
    recording: Recording,
    out: Path,
    book: PolicyBook,
    scan: Scan | ScanPool,
    progress: Progress = lambda _: None,
    *,
    follows_log: bool = True,
    shadow: Shadow | None = None,
) -> Summary:
    """Writes what the recording comes to; `progress` hears of parts of `work_of(recording)`.

    The book holds until the recording says another, and throughout where `follows_log` is off. With a shadow there is
    one more file, `shadow.jsonl`. Where a pool scans, as many processes judge.

    Raises:
        RecordingError: the recording is damaged; what lay in `out` stays as it was.
        SettingsError: the book does not cover the recording's time.
    """
    with OutputFiles(out, OUTPUTS if shadow is None else (*OUTPUTS, SHADOW)) as files:
        if isinstance(scan, ScanPool):
            log = signal_log(recording, scan, files, progress, share=0.5)
            parted = Parted(Terms(book, shadow, follows_log), scan.processes, progress, recording.size_bytes() // 2)
            parted.judge(log, files.write)
        else:
            with closing(Judging(book, files, follows_log=follows_log, shadow=shadow)) as judging:
                for entry in signal_log(recording, scan, files, progress):
                    judging.feed(entry)
        summary = Summary.of(recording)
        summary.lines, summary.digest = files.lines, files.finish()
    return summary


def run(
    recording: Recording,
    scan: Scan | ScanPool,
    judging: Judging,
    watcher: HearsOfLetters,
    progress: Progress = lambda _: None,
) -> Summary:
    """Feeds a recording to a judging; its rows are there afterwards."""
    for entry in signal_log(recording, scan, watcher, progress):
        judging.feed(entry)
    return Summary.of(recording)
