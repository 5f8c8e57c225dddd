"""Breaks the service on purpose, on a real broker, and writes down what came out.

    python -m tests.faults                             every scenario, about twelve minutes
    python -m tests.faults --seed 7 --only end-txn     one, under another seed
    python -m tests.faults --out docs/reliability.md   puts the table into the page, between its markers

Exit status 1 where an invariant does not hold.
"""

import argparse
import logging
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import structlog

from tests.broker.conftest import load_broker_module
from tests.broker.harness import ROOT, Stage, shown_on_failure
from tests.faults import whole_service  # noqa: F401 - registers its scenarios
from tests.faults.ground import Ground, Outcome, ground
from tests.faults.scenarios import SCENARIOS

BEGIN, END = "<!-- made by `make faults` -->", "<!-- end -->"
COLUMNS = (
    *("fault", "times", "events", "missing", "repeated", "foreign", "wrong rows", "wrong dead letters"),
    *("lag", "recovered in", "exits", "memory", ""),
)
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", choices=sorted(SCENARIOS), default=[])
    parser.add_argument("--out", type=Path, help="a page with the markers, to put the table into")
    parser.add_argument("--short", action="store_true", help="a tenth of the events")
    chosen = parser.parse_args()
    started, outcomes, failed = time.monotonic(), [], []
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with (
        tempfile.TemporaryDirectory(prefix="ringfence-faults-") as name,
        ground(load_broker_module(), Path(name), chosen.seed, is_short=chosen.short) as made,
    ):
        for each in chosen.only or SCENARIOS:
            try:
                outcomes.append(played(made, each))
            except Exception as error:  # noqa: BLE001 - the others are still worth running
                failed.append(f"{each}: {type(error).__name__}: {error}")
                sys.stdout.write(f"FAILED {failed[-1]}\n")
                continue
            sys.stdout.write(line(outcomes[-1]))
            sys.stdout.flush()
    seconds = time.monotonic() - started
    if chosen.out and not failed and not chosen.only:
        write(chosen.out, table(outcomes, chosen.seed, seconds))
    broken = [each.fault for each in outcomes if not each.is_as_expected]
    sys.stdout.write(f"{len(outcomes)} scenarios in {seconds:.0f} s, {len(broken) + len(failed)} not as they must be\n")
    return 1 if broken or failed else 0


def played(made: Ground, name: str) -> Outcome:
    """One scenario on topics of its own."""
    folder = made.folder / name
    folder.mkdir()
    stage = Stage(f"127.0.0.1:{made.broker.port}", folder, f"faults-{name}-{made.seed}")
    stage.make_topics()
    with shown_on_failure(stage):
        try:
            return SCENARIOS[name](made, stage)
        finally:
            stage.close()


def line(each: Outcome) -> str:
    """A line of the table."""
    counts = each.tally
    verdict = ("fails, as it must" if each.is_control else "holds") if each.is_as_expected else "**does not hold**"
    cells = (
        each.fault,
        each.injected,
        f"{each.events:,}",
        counts.missing,
        counts.repeated,
        counts.foreign,
        counts.wrong_rows,
        counts.wrong_letters,
        each.lag,
        f"{each.recovered_seconds:.1f} s",
        each.exits,
        f"{each.peak_megabytes:.0f} MB",
        f"{verdict}{'; ' if each.note else ''}{each.note}",
    )
    return f"| {' | '.join(map(str, cells))} |\n"


def table(outcomes: list[Outcome], seed: int, seconds: float) -> str:
    """The table with what it was made from."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever git the developer has
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    made = f"Seed {seed}, commit {commit or 'unknown'}, {seconds / 60:.0f} minutes.\n\n"
    return made + HEAD + "".join(map(line, outcomes))


def write(page: Path, content: str) -> None:
    """Puts it between the page's markers."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n{content}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
