"""Whatever is killed, and whenever: every finding, alert and dead letter once, and the rows exact."""

import random

import pytest

from pipeline.kafka.exits import EXIT_STATUS
from tests.broker.harness import Load, Stage, faults, wait_for, wait_for_end

SMALL_BATCHES = {"RINGFENCE_MAX_POLL_RECORDS": "200"}
QUICK_SESSION = {"RINGFENCE_SESSION_TIMEOUT_SECONDS": "3", "RINGFENCE_HEARTBEAT_INTERVAL_SECONDS": "0.5"}


def test_a_run_without_faults_gives_everything_once(stage: Stage):
    load = Load.seeded(1, 20_000)
    stage.produce(load.records)
    worker = stage.start()
    wait_for_end(stage, load)
    assert faults(stage, load) == []
    assert worker.stop() == 0


@pytest.mark.parametrize("seed", [11, 12])
def test_kills_at_random_moments_lose_and_repeat_nothing(stage: Stage, seed):
    load = Load.seeded(seed, 30_000)
    stage.produce(load.records)
    chance = random.Random(seed)
    for target in sorted(chance.randrange(1_000, 28_000) for _ in range(4)):
        worker = stage.start(**QUICK_SESSION, **SMALL_BATCHES)
        wait_for(lambda target=target: stage.progress() >= target, f"{target} findings")
        worker.kill()
    stage.start(**QUICK_SESSION)
    wait_for_end(stage, load)
    assert faults(stage, load) == []


@pytest.mark.parametrize(
    "point",
    [
        *(f"scan.{each}:2" for each in ("before_begin", "after_send", "after_gather", "after_commit", "after_ack")),
        *(f"judge.{each}:5" for each in ("before_begin", "after_send", "after_gather", "after_commit")),
        *(f"judge.{each}:5" for each in ("after_local_write", "after_ack")),
        "worker.in_assign:1",
    ],
)
def test_a_kill_at_each_point_of_a_transaction_loses_and_repeats_nothing(stage: Stage, point):
    load = Load.seeded(21, 3_000)
    stage.produce(load.records)
    victim = stage.start(wait=False, RINGFENCE_CRASH_AT=point, **QUICK_SESSION, **SMALL_BATCHES)
    wait_for(lambda: not victim.is_running(), f"the crash at {point}")
    assert victim.process.returncode == -9
    stage.start(**QUICK_SESSION)
    wait_for_end(stage, load)
    assert faults(stage, load) == []


def test_a_kill_during_recovery_is_recovered_from(stage: Stage):
    load = Load.seeded(22, 10_000, sellers=2_500)
    stage.produce(load.records)
    first = stage.start("first", **QUICK_SESSION)
    wait_for_end(stage, load)
    assert first.stop() == 0
    victim = stage.start("second", wait=False, RINGFENCE_CRASH_AT="worker.in_recovery:1", **QUICK_SESSION)
    wait_for(lambda: not victim.is_running(), "the crash in recovery")
    more = Load.seeded(22, 10_000, sellers=2_500)
    stage.start("second", **QUICK_SESSION)
    wait_for_end(stage, more)
    assert faults(stage, load) == []


def test_a_zombie_is_refused_and_ends_itself(stage: Stage):
    load = Load.seeded(31, 30_000)
    stage.produce(load.records[:15_000])
    zombie = stage.start("a", **QUICK_SESSION, **SMALL_BATCHES)
    wait_for(lambda: stage.progress() >= 2_000, "some findings")
    zombie.suspend()
    heir = stage.start("b", **QUICK_SESSION)
    stage.produce(load.records[15_000:])
    wait_for_end(stage, load)
    zombie.wake()
    wait_for(lambda: not zombie.is_running(), "the zombie's end")
    assert zombie.process.returncode == EXIT_STATUS
    assert faults(stage, load) == []
    assert heir.stop() == 0


def test_workers_that_come_and_go_share_the_work_exactly(stage: Stage):
    load = Load.seeded(41, 40_000)
    stage.produce(load.records[:20_000])
    first = stage.start("a", **QUICK_SESSION, **SMALL_BATCHES)
    wait_for(lambda: stage.progress() >= 2_000, "some findings")
    second = stage.start("b", **QUICK_SESSION, **SMALL_BATCHES)
    stage.produce(load.records[20_000:])
    wait_for(lambda: stage.progress() >= 15_000, "more findings")
    assert first.stop() == 0
    third = stage.start("c", **QUICK_SESSION)
    wait_for_end(stage, load)
    assert faults(stage, load) == []
    assert [worker.stop() for worker in (second, third)] == [0, 0]


def test_a_broker_that_is_killed_and_comes_back_loses_nothing(stage: Stage, broker):
    load = Load.seeded(51, 20_000)
    stage.produce(load.records)
    worker = stage.start(**SMALL_BATCHES)
    wait_for(lambda: stage.progress() >= 3_000, "some findings")
    broker.kill()
    broker.start()
    if not is_done_or_dead(stage, load, worker):
        assert worker.process.returncode == EXIT_STATUS
        stage.start()
        wait_for_end(stage, load)
    assert faults(stage, load) == []


def is_done_or_dead(stage, load, worker):
    """Whether the worker got through; `False` when it left, as it must when a commit's result is unknown."""
    events = len(load.records) - load.poison
    wait_for(lambda: not worker.is_running() or stage.progress() >= events, "findings, or the worker's exit")
    if worker.is_running():
        wait_for_end(stage, load)
    return worker.is_running()
