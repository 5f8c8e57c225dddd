"""Static membership: a worker that comes back under its name within the session timeout disturbs nobody."""

from tests.broker.harness import Load, Stage, faults, wait_for, wait_for_end

LONG_SESSION = {"RINGFENCE_SESSION_TIMEOUT_SECONDS": "20"}


def assignments(worker) -> int:
    return worker.output.read_text().count("partitions_assigned")


def test_a_worker_that_comes_back_under_its_name_causes_no_rebalance(stage: Stage):
    stays = stage.start("a", RINGFENCE_MEMBER_ID="ringfence-0", **LONG_SESSION)
    goes = stage.start("b", RINGFENCE_MEMBER_ID="ringfence-1", **LONG_SESSION)
    wait_for(lambda: assignments(stays) >= 2, "both to share the partitions")
    load = Load.seeded(41, 3_000)
    stage.produce(load.records[:1_500])
    wait_for(lambda: stage.progress() > 200, "some findings")
    before = assignments(stays)
    goes.kill()
    stage.start("b", RINGFENCE_MEMBER_ID="ringfence-1", **LONG_SESSION)
    stage.produce(load.records[1_500:])
    wait_for_end(stage, load)
    assert not faults(stage, load)
    assert assignments(stays) == before
