"""Every query of every dashboard, on a real Prometheus that has scraped the real service under sample traffic."""

import contextlib
import importlib.util
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import yaml

from pipeline.kafka.topics import Input, Output
from pipeline.runners.sample import marketplace, now_ms
from tests.broker.harness import ROOT, Stage, wait_for

SEASON_MS = 6 * 86_400_000
PICTURES = os.environ.get("DASHBOARD_PICTURES")
"""Where to leave the data of all panels, for deploy/grafana/pictures.py; not kept when unset."""


def build_module():
    spec = importlib.util.spec_from_file_location("grafana_build", ROOT / "deploy/grafana/build.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def prometheus(folder: Path, target_port: int):
    beside = Path(sys.executable).with_name("prometheus")
    program = str(beside) if beside.exists() else shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is missing: `bash deploy/setup.sh --prometheus` fetches it where there is apt")
    configuration = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yaml").read_text())
    configuration |= {"alerting": {}, "rule_files": [str(ROOT / "deploy/prometheus/rules.yaml")]}
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{target_port}"]
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(configuration))
    port = free_port()
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={file}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(lambda: bool(asked(port, "query", query="up == 1")), "the first scrape")
        yield port
    finally:
        process.terminate()
        process.wait(20)


def asked(port: int, path: str, **parameters: object):
    query = urllib.parse.urlencode(parameters)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}?{query}", timeout=10) as answer:
            return json.load(answer)["data"]["result"]
    except OSError:  # it is starting
        return []


def as_asked_by_grafana(query: str) -> str:
    return query.replace("$__rate_interval", "10s").replace("$marketplace", ".*").replace("$rule", ".*")


def has_data(port: int, query: str) -> bool:
    return any(not math.isnan(float(series["value"][1])) for series in asked(port, "query", query=query))


def decisions(stage: Stage) -> list[tuple[Input, bytes, bytes]]:
    """An analyst's answer to each open alert, every second one confirmed."""
    alerts = {orjson.loads(each.value)["alert_id"]: orjson.loads(each.value) for each in stage.output(Output.ALERTS)}
    return [
        (
            Input.OUTCOMES,
            alert["seller_id"].encode(),
            orjson.dumps(
                {
                    "outcome_id": f"decided-{number}",
                    "seller_id": alert["seller_id"],
                    "alert_id": alert["alert_id"],
                    "verdict": "confirmed" if number % 2 else "dismissed",
                    "action": "reverified" if number % 2 else "none",
                    "analyst": "analyst-1",
                    "at": datetime.now(UTC).isoformat(),
                }
            ),
        )
        for number, alert in enumerate(alerts.values())
    ]


def test_every_query_of_every_dashboard_has_data(stage: Stage, tmp_path):
    build = build_module()
    stage.program = (str(Path(sys.executable).with_name("ringfence")), "run")
    worker_port = free_port()
    stage.start(RINGFENCE_HTTP_PORT=str(worker_port))
    # Three seasons that begin one after the other: what the scrapes see grows, and the past is judged as the past.
    records = [(each.topic, each.key, each.value) for each in marketplace(5, now_ms() - 4 * SEASON_MS, 3)]
    with prometheus(tmp_path, worker_port) as port:
        part = len(records) // 12
        for start in range(0, len(records), part):
            stage.produce(records[start : start + part])
            time.sleep(1.0)  # what a rate is made of: scrapes in between, one a second
        wait_for(lambda: stage.input_lag() == 0, "the end of the inputs")
        wait_for(lambda: bool(stage.output(Output.ALERTS)), "alerts")
        answers = decisions(stage)
        assert len(answers) > 4
        for start in range(0, len(answers), 10):
            stage.produce(answers[start : start + 10])
            time.sleep(1.0)
        queries = {
            (board.uid, panel.title, query): as_asked_by_grafana(query)
            for board in build.BOARDS
            for row in board.rows
            for panel in row.panels
            for query, _ in panel.queries
        }
        missing = set(queries)

        def all_answered() -> bool:
            missing.difference_update([each for each in missing if has_data(port, queries[each])])
            return not missing

        with contextlib.suppress(AssertionError):
            wait_for(all_answered, "data", 20)
        assert not missing
        if PICTURES:
            now = time.time()
            data = {
                "\n".join(each): asked(port, "query_range", query=query, start=now - 60, end=now, step=1)
                for each, query in queries.items()
            }
            Path(PICTURES).write_text(json.dumps(data))
