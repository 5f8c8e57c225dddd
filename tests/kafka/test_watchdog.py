import pytest

from pipeline.kafka.exits import ExitReason
from pipeline.kafka.watchdog import Judgement, Limits, Vitals

LIMITS = Limits(unacked_seconds=30, rebalance_seconds=120, commit_seconds=60, loop_lag_seconds=15)


def vitals(*, unacked=0.0, out=0, rebalancing=False, committed_at=0.0, remaining=0):
    return Vitals(unacked, out, rebalancing, committed_at, remaining)


def looks(*pairs):
    """What the judgement says to each (time, vitals), one after the other."""
    judgement = Judgement(LIMITS, now=0.0)
    return [judgement.fault(seen, now) for now, seen in pairs]


def test_a_worker_at_rest_is_well_however_long_nothing_is_committed():
    assert looks((1, vitals()), (10_000, vitals()), (10_061, vitals())) == [None, None, None]


@pytest.mark.parametrize(("age", "fault"), [(30.0, None), (30.1, ExitReason.UNACKED)])
def test_a_batch_may_stay_unacknowledged_up_to_the_limit(age, fault):
    assert looks((40, vitals(unacked=age, out=1, committed_at=39))) == [fault]


def test_what_is_unacknowledged_while_partitions_move_is_no_fault():
    assert looks((40, vitals(unacked=35, out=1, rebalancing=True))) == [None]


def test_a_rebalance_that_does_not_end_is_a_fault_and_each_has_its_own_time():
    moving, resting = vitals(rebalancing=True), vitals()
    assert looks((0, moving), (120, moving), (121, moving)) == [None, None, ExitReason.REBALANCE]
    assert looks((0, moving), (100, resting), (101, moving), (200, moving)) == [None] * 4


def test_a_long_recovery_is_no_fault_while_it_moves():
    reading = [(at, vitals(rebalancing=True, remaining=1_000 - at)) for at in range(0, 900, 100)]
    assert looks(*reading) == [None] * 9
    stuck = vitals(rebalancing=True, remaining=7)
    assert looks((0, stuck), (120, stuck), (121, stuck)) == [None, None, ExitReason.REBALANCE]


def test_commits_that_stand_still_while_batches_are_out_are_a_fault():
    busy = vitals(unacked=1, out=3, committed_at=5)
    assert looks((10, busy), (65, busy), (66, busy)) == [None, None, ExitReason.COMMITS_STAND_STILL]


def test_a_batch_after_a_long_rest_has_its_full_time_to_be_committed():
    busy = vitals(unacked=1, out=1, committed_at=5)
    assert looks((1_000, vitals(committed_at=5)), (1_001, busy), (1_050, busy)) == [None, None, None]
