"""What every scenario stands on: a broker with a second way in through a proxy, and workers that come back."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from tests.broker.harness import Load, Stage, Tally, WorkerProcess, tally, wait_for, wait_for_end
from tests.faults.proxy import Proxy

QUICK_SESSION = {"RINGFENCE_SESSION_TIMEOUT_SECONDS": "3", "RINGFENCE_HEARTBEAT_INTERVAL_SECONDS": "0.5"}
SMALL_BATCHES = {"RINGFENCE_MAX_POLL_RECORDS": "200"}
STOP_SECONDS = 10.0
REASON = re.compile(r'worker_exits"?[^\n]*?reason"?[:=] ?"?([a-z_]+)')
PAGE_BYTES = 4096


@dataclass
class Ground:
    """A broker for all scenarios, its proxy, and where they write."""

    broker: object
    proxy: Proxy
    folder: Path
    seed: int
    is_short: bool = False
    """A tenth of the events: for `make test`."""

    def load(self, events: int, **more: int) -> Load:
        """Seeded events."""
        return Load.seeded(self.seed, events // 10 if self.is_short else events, **more)

    @property
    def proxied(self) -> dict[str, str]:
        """For a worker that goes through the proxy."""
        return {"RINGFENCE_BROKERS": f"127.0.0.1:{self.proxy.port}"}


@contextmanager
def ground(module: ModuleType, folder: Path, seed: int, *, is_short: bool = False) -> Iterator[Ground]:
    """Starts the broker and the proxy; ends both."""
    behind, front = module.free_port(), module.free_port()
    port = module.free_port()
    broker = module.Broker(
        folder / "kafka",
        port,
        more_listeners={"PROXIED": behind},
        more_settings={
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{front}",
            "log.cleaner.backoff.ms": "300",
        },
    )
    broker.start()
    proxy = Proxy(front, behind)
    proxy.start()
    try:
        yield Ground(broker, proxy, folder, seed, is_short)
    finally:
        proxy.stop()
        broker.stop()


@dataclass
class Crew:
    """Workers that a supervisor starts again whenever they leave, each in a place of its own."""

    stage: Stage
    extra: dict[str, str] = field(default_factory=lambda: QUICK_SESSION | SMALL_BATCHES)
    at: dict[str, WorkerProcess] = field(default_factory=dict)
    returns: int = 0
    peak_megabytes: float = 0.0

    def join(self, place: str = "a", **more: str) -> WorkerProcess:
        """A worker more."""
        worker = self.at[place] = self.stage.start(place, **(self.extra | more))
        return worker

    def tend(self) -> None:
        """Starts again who left, and looks at memory."""
        for place, worker in self.at.items():
            if worker.is_running():
                self.peak_megabytes = max(self.peak_megabytes, resident_megabytes(worker.process.pid))
            else:
                self.returns += 1
                self.at[place] = self.stage.start(place, wait=False, **self.extra)

    def until(self, condition: Callable[[], bool], what: str, limit_seconds: float = 150.0) -> None:
        """Waits, and tends meanwhile."""

        def is_so() -> bool:
            self.tend()
            return condition()

        wait_for(is_so, what, limit_seconds)

    def until_findings(self, count: int) -> None:
        """Waits for so many."""
        self.until(lambda: self.stage.progress() >= count, f"{count} findings")

    def leave(self) -> bool:
        """Whether all stop on SIGTERM with status 0 within ten seconds."""
        self.until(
            lambda: all(b"partitions_assigned" in w.output.read_bytes() for w in self.at.values()), "assignments"
        )
        return all(worker.stop(STOP_SECONDS) == 0 for worker in self.at.values())


@dataclass(frozen=True)
class Outcome:
    """One line of the table."""

    fault: str
    injected: int
    events: int
    tally: Tally
    lag: int
    recovered_seconds: float
    """From the last fault to the last finding."""
    exits: str
    peak_megabytes: float
    is_clean_stop: bool
    note: str = ""
    is_control: bool = False
    """Done to what Faust offers by itself: the check has to find fault."""

    @property
    def is_as_expected(self) -> bool:
        """Whether every invariant holds; for a control, whether one does not."""
        holds = not self.tally.faults and not self.lag and self.is_clean_stop
        return holds is not self.is_control


def outcome(fault: str, crew: Crew, load: Load, injected: int, note: str = "") -> Outcome:
    """Waits for the end of a load whose last fault was just now, and takes stock of everything."""
    since = time.monotonic()
    stage = crew.stage
    events = len(load.records) - load.poison
    crew.until_findings(events)
    wait_for_end(stage, load)
    recovered = time.monotonic() - since
    crew.until(lambda: stage.input_lag() == 0, "the group's offsets")
    is_clean = crew.leave()
    return Outcome(
        fault,
        injected,
        events,
        tally(stage, load),
        stage.input_lag(),
        recovered,
        exit_reasons(stage),
        crew.peak_megabytes,
        is_clean,
        note,
    )


def exit_reasons(stage: Stage) -> str:
    """Why workers left by themselves, and how often."""
    told = Counter(reason for worker in stage.workers for reason in REASON.findall(worker.output.read_text("utf-8")))
    return ", ".join(f"{reason} {count}" for reason, count in sorted(told.items())) or "–"


def resident_megabytes(pid: int) -> float:
    """Resident memory of a process; 0 for one that has gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * PAGE_BYTES / 1e6
    except (OSError, IndexError):
        return 0.0
