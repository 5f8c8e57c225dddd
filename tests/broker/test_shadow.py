"""A candidate in the shadow of a live service: heard apart, never acted on, gone without a trace."""

import sys
from collections import Counter
from pathlib import Path

import orjson
import yaml

from pipeline.kafka.topics import Output
from pipeline.policy.book import SHIPPED
from pipeline.runners.sample import marketplace, now_ms
from pipeline.runners.shadow import PREFIX
from tests.broker.harness import Stage, wait_for

SEASON_MS = 6 * 86_400_000
SERVICE = (str(Path(sys.executable).with_name("ringfence")), "run")


def stricter(folder: Path) -> Path:
    """The shipped book, but whatever was a doubt is a violation."""
    content = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    content["policies"][0]["verdicts"]["violation"] = content["policies"][0]["verdicts"]["questionable"] + 1
    content["policies"][-1]["version"] = "stricter"
    file = folder / "stricter.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return file


def shadow_rows(stage: Stage) -> int:
    return sum(key.startswith(PREFIX) for key in stage.table())


def test_a_candidate_is_heard_on_its_own_topic_and_leaves_no_rows_behind(stage: Stage, tmp_path):
    stage.program = SERVICE
    worker = stage.start(RINGFENCE_SHADOW_POLICY=str(stricter(tmp_path)))
    stage.produce([(each.topic, each.key, each.value) for each in marketplace(5, now_ms() - 2 * SEASON_MS, 1)])
    wait_for(lambda: stage.input_lag() == 0, "the end of the inputs")
    wait_for(stage.is_judged, "the end of the signals")
    assert worker.stop() == 0
    shadow = [orjson.loads(each.value) for each in stage.output(Output.SHADOW)]
    findings = [orjson.loads(each.value) for each in stage.output(Output.FINDINGS)]
    assert Counter(each["finding"]["finding_id"] for each in shadow if "finding" in each) == Counter(
        each["finding_id"] for each in findings
    )
    assert "stricter" not in {each["policy_version"] for each in findings}
    assert any("alert" in each for each in shadow)
    assert shadow_rows(stage) > 0

    worker = stage.start()
    wait_for(lambda: shadow_rows(stage) == 0, "the candidate's rows to go")
    assert worker.stop() == 0
