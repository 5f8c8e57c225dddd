"""The check can fail: what Faust offers by itself does not pass it."""

import pytest

from tests.broker.harness import ROOT, Load, Stage, faults, wait_for

QUICK_SESSION = {"RINGFENCE_SESSION_TIMEOUT_SECONDS": "3", "RINGFENCE_HEARTBEAT_INTERVAL_SECONDS": "0.5"}


@pytest.mark.parametrize("transport", ["kafka", "naive"])
def test_faust_by_itself_loses_or_repeats_when_it_is_killed(stage: Stage, transport):
    stage.program = (str(ROOT / "tests/broker/unfenced_worker.py"),)
    load = Load.seeded(71, 15_000)
    events = len(load.records) - load.poison
    stage.produce(load.records)
    for target in (3_000, 8_000):
        worker = stage.start(UNFENCED_TRANSPORT=transport, **QUICK_SESSION)
        is_reached(stage, target)
        worker.kill()
    stage.start(UNFENCED_TRANSPORT=transport, **QUICK_SESSION)
    is_complete = is_reached(stage, events)
    assert not is_complete or faults(stage, load) != []


def is_reached(stage: Stage, findings: int) -> bool:
    """Whether so many findings come: what was acknowledged unprocessed never does, and going quiet is a failure too."""
    try:
        wait_for(lambda: stage.progress() >= findings, f"{findings} findings", limit_seconds=25)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("transport", ["kafka", "naive"])
def test_the_same_program_passes_when_nothing_is_killed(stage: Stage, transport):
    stage.program = (str(ROOT / "tests/broker/unfenced_worker.py"),)
    load = Load.seeded(72, 3_000)
    stage.produce(load.records)
    stage.start(UNFENCED_TRANSPORT=transport)
    wait_for(lambda: stage.progress() >= len(load.records) - load.poison, "the findings")
    wait_for(lambda: faults(stage, load) == [], "the rest of the output")
