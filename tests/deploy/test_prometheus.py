"""The rules of deploy/prometheus: valid, tested one by one, over metrics that exist, each with its paragraph."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline.metrics import describe_metrics

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus/rules.yaml"
TESTS = ROOT / "deploy/prometheus/rules.test.yaml"
HISTOGRAM_PARTS = ("_bucket", "_count", "_sum")
GROUPS = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
ALERTS = {rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule}
RECORDED = {rule["record"] for group in GROUPS for rule in group["rules"] if "record" in rule}


def promtool() -> str:
    beside = Path(sys.executable).with_name("promtool")
    found = str(beside) if beside.exists() else shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is missing: `bash deploy/setup.sh --prometheus` fetches it where there is apt")
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("check", "rules", str(RULES)), id="rules are valid"),
        pytest.param(("test", "rules", str(TESTS)), id="every unit test passes"),
        pytest.param(
            ("check", "config", "--syntax-only", str(ROOT / "deploy/prometheus/prometheus.yaml")), id="configuration"
        ),
    ],
)
def test_promtool_finds_nothing(arguments):
    done = subprocess.run([promtool(), *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_unit_test_in_which_it_fires():
    cases = [case for test in yaml.safe_load(TESTS.read_text())["tests"] for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == set(ALERTS)


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_an_alert_links_its_paragraph_and_says_whom_it_wakes(name):
    page, _, anchor = ALERTS[name]["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert anchor == name.lower()
    assert name in headings
    assert ALERTS[name]["labels"]["severity"] in {"page", "ticket"}


@pytest.mark.parametrize(
    "rule", [rule for group in GROUPS for rule in group["rules"]], ids=lambda rule: str(next(iter(rule.values())))
)
def test_a_rule_asks_for_metrics_that_exist(rule):
    known = {name for name, *_ in describe_metrics()}
    known |= {name + part for name, kind, *_ in describe_metrics() if kind == "histogram" for part in HISTOGRAM_PARTS}
    asked = set(re.findall(r"\bringfence_\w+", rule["expr"]))
    assert asked <= known
    assert set(re.findall(r"\bringfence:[\w:]+", rule["expr"])) <= RECORDED
