"""What is done to the service: each scenario breaks something under load and says what came out."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from tests.broker.harness import SESSION_SECONDS, Load, Stage, wait_for
from tests.faults.ground import QUICK_SESSION, SMALL_BATCHES, Crew, Ground, Outcome, outcome

Scenario = Callable[[Ground, Stage], Outcome]
SCENARIOS: dict[str, Scenario] = {}
POINTS = (
    *(f"scan.{each}:2" for each in ("before_begin", "after_send", "after_gather", "after_commit", "after_ack")),
    *(f"judge.{each}:5" for each in ("before_begin", "after_send", "after_gather", "after_commit")),
    *(f"judge.{each}:5" for each in ("after_local_write", "after_ack")),
    "worker.in_assign:1",
    "worker.in_recovery:1",
)


def scenario(name: str) -> Callable[[Scenario], Scenario]:
    """Registers a scenario under the name that `--only` takes."""

    def register(function: Scenario) -> Scenario:
        SCENARIOS[name] = function
        return function

    return register


@scenario("kills")
def kills(ground: Ground, stage: Stage) -> Outcome:
    """SIGKILL at random moments."""
    load = ground.load(30_000)
    stage.produce(load.records)
    chance = random.Random(ground.seed)
    events = len(load.records)
    crew = Crew(stage)
    crew.join()
    for target in sorted(chance.randrange(events // 30, events * 9 // 10) for _ in range(5)):
        crew.until_findings(target)
        crew.at["a"].kill()
    return outcome("kill -9 at random moments", crew, load, 5)


@scenario("points")
def points(ground: Ground, stage: Stage) -> Outcome:
    """SIGKILL at every named point of a transaction, of assignment and of recovery, one after another."""
    load = ground.load(26_000)
    share = len(load.records) // len(POINTS)
    crew = Crew(stage)
    for number, point in enumerate(POINTS):
        last = number == len(POINTS) - 1
        stage.produce(load.records[number * share : None if last else (number + 1) * share])
        victim = stage.start(wait=False, RINGFENCE_CRASH_AT=point, **crew.extra)
        wait_for(lambda victim=victim: not victim.is_running(), f"the kill at {point}")
        assert victim.process.returncode == -signal.SIGKILL, f"{point}: {victim.process.returncode}"
        if point.startswith("worker"):
            shutil.rmtree(stage.folder / "data-a", ignore_errors=True)  # so that the next has something to recover
    crew.join()
    return outcome("kill -9 at each of 13 named points", crew, load, len(POINTS))


@scenario("zombie")
def zombie(ground: Ground, stage: Stage) -> Outcome:
    """SIGSTOP beyond the session: the heir takes over, the zombie wakes and is refused."""
    load = ground.load(30_000)
    half = len(load.records) // 2
    stage.produce(load.records[:half])
    sleeper = stage.start("z", **QUICK_SESSION, **SMALL_BATCHES)
    wait_for(lambda: stage.progress() >= half // 10, "some findings")
    sleeper.suspend()
    crew = Crew(stage)
    crew.join("a")
    stage.produce(load.records[half:])
    wait_for(lambda: stage.progress() >= half, "the heir's findings")
    sleeper.wake()
    wait_for(lambda: not sleeper.is_running(), "the zombie's end")
    return outcome("SIGSTOP beyond the session, then awake", crew, load, 1)


@scenario("rebalance")
def rebalance(ground: Ground, stage: Stage) -> Outcome:
    """One worker, two, three, and one again, under load; two leave by SIGKILL, one by SIGTERM."""
    load = ground.load(40_000)
    events = len(load.records)
    stage.produce(load.records[: events // 2])
    crew = Crew(stage)
    crew.join("a")
    crew.until_findings(events // 20)
    crew.join("b")
    crew.until_findings(events // 5)
    crew.join("c")
    stage.produce(load.records[events // 2 :])
    crew.until_findings(events // 3)
    crew.at.pop("b").kill()
    crew.until_findings(events // 2)
    crew.at.pop("a").stop()
    return outcome("1, 2, 3 and 1 workers under load", crew, load, 4)


@scenario("broker-killed")
def broker_killed(ground: Ground, stage: Stage) -> Outcome:
    """The broker dies mid-batch and comes back, twice."""
    load = ground.load(30_000)
    events = len(load.records)
    stage.produce(load.records)
    crew = Crew(stage, dict(SMALL_BATCHES))
    crew.join()
    for share in (10, 3):
        crew.until_findings(events // share)
        ground.broker.kill()
        ground.broker.start()
    return outcome("broker killed and started again", crew, load, 2)


@scenario("broker-paused")
def broker_paused(ground: Ground, stage: Stage) -> Outcome:
    """The broker stands still for longer than two sessions."""
    load = ground.load(20_000)
    stage.produce(load.records)
    crew = Crew(stage, dict(SMALL_BATCHES))
    crew.join()
    crew.until_findings(len(load.records) // 10)
    pid = int((ground.broker.folder / "pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    pause(2 * SESSION_SECONDS)
    os.kill(pid, signal.SIGCONT)
    return outcome("broker paused for 12 s", crew, load, 1)


def pause(seconds: float) -> None:
    """The fault is the time that passes: there is no condition to wait for."""
    time.sleep(seconds)


@scenario("delay")
def delay(ground: Ground, stage: Stage) -> Outcome:
    """Every packet takes 200 ms more each way."""
    load = ground.load(10_000)
    stage.produce(load.records)
    crew = Crew(stage, {"RINGFENCE_MAX_POLL_RECORDS": "2000"} | ground.proxied)
    ground.proxy.delay_seconds = 0.2
    try:
        crew.join()
        return outcome("200 ms on the way to the broker, and back", crew, load, 1)
    finally:
        ground.proxy.delay_seconds = 0.0


@scenario("half-open")
def half_open(ground: Ground, stage: Stage) -> Outcome:
    """The connection swallows everything for longer than the session, then breaks."""
    load = ground.load(20_000)
    stage.produce(load.records)
    crew = Crew(stage, SMALL_BATCHES | ground.proxied)
    crew.join()
    crew.until_findings(len(load.records) // 10)
    ground.proxy.is_silent = True
    pause(2 * SESSION_SECONDS)
    ground.proxy.is_silent = False
    ground.proxy.reset()
    return outcome("half-open connections for 12 s, then reset", crew, load, 1)


@scenario("resets")
def resets(ground: Ground, stage: Stage) -> Outcome:
    """All connections are reset, again and again."""
    load = ground.load(30_000)
    events = len(load.records)
    stage.produce(load.records)
    crew = Crew(stage, QUICK_SESSION | SMALL_BATCHES | ground.proxied)
    crew.join()
    for number in range(1, 6):
        crew.until_findings(events * number // 8)
        ground.proxy.reset()
    return outcome("connections reset", crew, load, 5)


@scenario("end-txn")
def end_txn(ground: Ground, stage: Stage) -> Outcome:
    """The connection is reset right behind the end of a transaction: committed or not, the answer is lost."""
    load = ground.load(30_000)
    events = len(load.records)
    stage.produce(load.records)
    crew = Crew(stage, QUICK_SESSION | SMALL_BATCHES | ground.proxied)
    crew.join()
    for number in range(1, 5):
        crew.until_findings(events * number // 8)
        left = crew.returns
        ground.proxy.resets_behind_end = 1
        crew.until(lambda left=left: crew.returns > left, "the exit of a worker that does not know")
    return outcome("reset right behind EndTxn", crew, load, 4)


@scenario("disk-full")
def disk_full(ground: Ground, stage: Stage) -> Outcome:
    """The store's disk fills up and is freed."""
    load = Load.seeded(ground.seed, 40_000, sellers=20_000)  # so many rows that the store has to write them out
    events = len(load.records)
    stage.produce(load.records)
    disk = stage.folder / "data-a"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)], check=True, capture_output=True)  # noqa: S607
    try:
        crew = Crew(stage, QUICK_SESSION | SMALL_BATCHES)
        crew.join()
        crew.until_findings(events // 10)
        ballast = disk / "ballast"
        fill(ballast)
        left = crew.returns
        crew.until(lambda: crew.returns > left, "the exit of a worker whose disk is full")
        ballast.unlink()
        return outcome("disk full under the store, then freed", crew, load, 1)
    finally:
        stage.close()
        subprocess.run(["umount", "-l", str(disk)], check=False, capture_output=True)  # noqa: S607


def fill(path: Path) -> None:
    """Takes all the room that there is."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


@scenario("store")
def store(ground: Ground, stage: Stage) -> Outcome:
    """The store is deleted, put back from an older copy, and damaged, each between two kills."""
    load = ground.load(24_000)
    events = len(load.records)
    share = events // 4
    data, copy = stage.folder / "data-a", stage.folder / "copy"
    crew = Crew(stage)
    for number in range(4):
        stage.produce(load.records[number * share : None if number == 3 else (number + 1) * share])
        crew.join()
        crew.until_findings(share * number + share // 2)
        crew.at.pop("a").kill()
        if number == 0:
            shutil.copytree(data, copy)
        elif number == 1:
            shutil.rmtree(data)
            shutil.copytree(copy, data)
        elif number == 2:
            for file in data.rglob("*.sst"):
                content = bytearray(file.read_bytes())
                content[len(content) // 2] ^= 0xFF
                file.write_bytes(content)
            for file in data.rglob("CURRENT"):
                file.write_bytes(b"\xff" * file.stat().st_size)
        else:
            shutil.rmtree(data)
    crew.join()
    return outcome("store aged, damaged, deleted", crew, load, 4)


@scenario("compacted")
def compacted(ground: Ground, stage: Stage) -> Outcome:
    """The changelog is compacted to its last values, and the store is lost."""
    load = ground.load(20_000)
    half = len(load.records) // 2
    admin = KafkaAdminClient(bootstrap_servers=stage.address)
    eager = {"segment.ms": "1000", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "1000"}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, stage.names.changelog, configs=eager)])
    admin.close()
    stage.produce(load.records[:half])
    crew = Crew(stage)
    crew.join()
    crew.until_findings(half - load.poison)
    first = stage.read(stage.names.changelog)
    ends = {each.partition: each.offset for each in first}
    more = iter(range(half, len(load.records), max(half // 40, 1)))
    done = half

    def is_compacted() -> bool:
        """Writes a little more, so that segments roll, and looks whether old values are gone."""
        nonlocal done
        step = next(more, None)
        if step is not None:
            stage.produce(load.records[done:step])
            done = step
        now = stage.read(stage.names.changelog)
        return sum(each.offset <= ends[each.partition] for each in now) < len(first)

    crew.until(is_compacted, "the compaction")
    crew.at.pop("a").kill()
    shutil.rmtree(stage.folder / "data-a")
    stage.produce(load.records[done:])
    crew.join()
    return outcome("changelog compacted, store lost", crew, load, 1)


@scenario("hot-seller")
def hot_seller(ground: Ground, stage: Stage) -> Outcome:
    """One seller has half of all traffic, and the worker is killed."""
    load = Load.seeded(ground.seed, 3_000 if ground.is_short else 30_000, is_hot=True)
    stage.produce(load.records)
    crew = Crew(stage)
    crew.join()
    crew.until_findings(len(load.records) // 3)
    crew.at["a"].kill()
    return outcome("half of all traffic is one seller's, kill -9", crew, load, 1)


@scenario("clock")
def clock(ground: Ground, stage: Stage) -> Outcome:
    """The worker's clock is an hour ahead, then an hour behind."""
    load = ground.load(20_000)
    half = len(load.records) // 2
    library = faketime()
    crew = Crew(stage)
    for number, shift in enumerate(("+1h", "-1h")):
        stage.produce(load.records[number * half : None if number else half])
        crew.extra = QUICK_SESSION | {"LD_PRELOAD": str(library), "FAKETIME": shift, "DONT_FAKE_MONOTONIC": "1"}
        crew.join()
        crew.until_findings((half - load.poison) * (number + 1) // 2 + number * half // 4)
        crew.at.pop("a").kill()
    crew.extra = dict(QUICK_SESSION)
    crew.join()
    return outcome("worker's clock +1 h, then -1 h", crew, load, 2)


def faketime() -> Path:
    """The library that shifts a process's clock (Debian: `faketime`)."""
    found = next(iter(Path("/usr/lib").rglob("libfaketimeMT.so.1")), None)
    if found is None:
        subprocess.run(["apt-get", "install", "-qq", "-y", "faketime"], check=True, capture_output=True)  # noqa: S607
        found = next(iter(Path("/usr/lib").rglob("libfaketimeMT.so.1")))
    return found


@scenario("stall")
def stall(ground: Ground, stage: Stage) -> Outcome:
    """The judge hangs for ever in the middle of a batch: the watchdog ends the process."""
    load = ground.load(10_000)
    stage.produce(load.records)
    crew = Crew(stage)
    crew.join(TOY_HANG_AT=str(len(load.records) // 5))
    hung = crew.at["a"]
    wait_for(lambda: b"toy_hangs" in hung.output.read_bytes(), "the stall")
    since = time.monotonic()
    wait_for(lambda: not hung.is_running(), "the watchdog")
    found = time.monotonic() - since
    assert found <= 60, f"found only after {found:.0f} s"
    return outcome("judge hung for ever", crew, load, 1, f"found after {found:.0f} s")
