"""The whole service on a real broker: killed under traffic and 2,000 malformed records, exact in the end."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest
from kafka.admin import KafkaAdminClient

from bench.traffic import probe
from pipeline.kafka.codec import Fault
from pipeline.kafka.dead_letters import read_back
from pipeline.kafka.exits import EXIT_STATUS
from pipeline.kafka.topics import Input, Output
from pipeline.runners.sample import marketplace, now_ms
from tests.broker.harness import Stage, wait_for
from tests.broker.service import SERVICE, malformed, mixed_in, replayed

SEASON_MS = 6 * 86_400_000
QUICK_SESSION = {"RINGFENCE_SESSION_TIMEOUT_SECONDS": "3", "RINGFENCE_HEARTBEAT_INTERVAL_SECONDS": "0.5"}
SMALL_BATCHES = {"RINGFENCE_MAX_POLL_RECORDS": "50"}


def test_the_service_killed_under_traffic_says_what_a_replay_of_its_signals_says(stage: Stage, tmp_path):
    stage.program = SERVICE
    season = [(each.topic, each.key, each.value) for each in marketplace(5, now_ms() - 2 * SEASON_MS, 1)]
    records = mixed_in(season, malformed(6, 2_000), seed=7)
    third = len(records) // 3
    for start in (0, third):
        worker = stage.start(**QUICK_SESSION, **SMALL_BATCHES)
        before = stage.progress(Output.FINDINGS)
        stage.produce(records[start : start + third])
        wait_for(lambda before=before: stage.progress(Output.FINDINGS) > before + 5, "some findings")
        worker.kill()
    stage.produce(records[2 * third :])
    last = stage.start(**QUICK_SESSION, RINGFENCE_TICK_INTERVAL_SECONDS="3600")
    wait_for(lambda: stage.input_lag() == 0, "the end of the inputs")
    wait_for(stage.is_judged, "the end of the signals")
    assert last.stop() == 0

    letters = [read_back(each.key, each.value, each.headers).letter for each in stage.output(Output.DEAD_LETTERS)]
    own_poison = len(letters) - 2_000
    assert 0 < own_poison < 20
    assert len({letter.dead_letter_id for letter in letters}) == len(letters)
    assert {letter.reason for letter in letters} == set(Fault) - {Fault.TOO_LARGE}
    heard, rows = replayed(stage, tmp_path / "signals")
    assert len(heard.effects[Output.ALERTS]) > 10
    for topic, wanted in heard.effects.items():
        assert Counter(each.value for each in stage.output(topic)) == wanted
    assert rows
    assert stage.table(partition=stage.partitions - 1) == rows


@pytest.mark.parametrize(
    "is_stopped", [pytest.param(True, id="while no worker ran"), pytest.param(False, id="under it")]
)
def test_an_input_that_was_deleted_and_made_again_is_judged_from_its_first_record(stage: Stage, is_stopped):
    stage.program = SERVICE
    topic = stage.names.of(Input.MESSAGES)
    old, new = (
        [(Input.MESSAGES, b"", probe(n, datetime.now(UTC))) for n in numbers] for numbers in (range(9), range(9, 12))
    )
    worker = stage.start()
    stage.produce(old)
    wait_for(lambda: len(alerted(stage)) == len(old), "an alert for each seller")
    if is_stopped:
        assert worker.stop() == 0

    admin = KafkaAdminClient(bootstrap_servers=stage.address)
    admin.delete_topics([topic])
    wait_for(lambda: topic not in admin.list_topics(), "the topic's end")
    admin.close()
    stage.make_topics()
    stage.produce(new)  # fewer than there were: every offset of theirs was judged before
    if not is_stopped:
        assert worker.process.wait(timeout=60) == EXIT_STATUS
    stage.start()
    wait_for(lambda: alerted(stage) == {f"probe-{number}" for number in range(12)}, "an alert for each new seller")


def alerted(stage: Stage) -> set[str]:
    return {json.loads(each.value)["seller_id"] for each in stage.output(Output.ALERTS)}
