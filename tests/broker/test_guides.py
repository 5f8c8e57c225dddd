"""The commands of the guides, run against a real broker beside a running worker."""

import sys
from pathlib import Path

import orjson
import pytest

from pipeline.kafka.topics import Output
from pipeline.runners.sample import marketplace, now_ms
from tests.broker.harness import Stage, wait_for
from tests.house.doc_commands import run_page

SEASON_MS = 6 * 86_400_000


@pytest.fixture
def working(stage: Stage) -> Stage:
    stage.program = (str(Path(sys.executable).with_name("ringfence")), "run")
    stage.start()
    stage.produce([(each.topic, each.key, each.value) for each in marketplace(3, now_ms() - 2 * SEASON_MS, 1)])
    wait_for(lambda: stage.input_lag() == 0, "the end of the inputs")
    wait_for(lambda: bool(stage.output(Output.ALERTS)), "an alert")
    return stage


def test_the_commands_of_every_guide_work_beside_a_running_worker(working: Stage, tmp_path):
    environment = {
        "RINGFENCE_BROKERS": working.address,
        "RINGFENCE_APP_ID": working.names.app_id,
        "RINGFENCE_TOPIC_PREFIX": working.names.prefix,
        "SELLER": orjson.loads(working.output(Output.ALERTS)[0].value)["seller_id"],
    }
    for page in ("operators-guide.md", "analysts-guide.md", "policy-owners-guide.md"):
        folder = tmp_path / page
        folder.mkdir()
        done = run_page(page, folder, **environment)
        assert done.returncode == 0, f"{page}\n{done.stdout}\n{done.stderr}"
        assert done.stdout
