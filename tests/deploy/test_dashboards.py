"""The dashboards checked in are those that the code makes, over metrics that exist, and name no seller."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

from pipeline.metrics import describe_metrics

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("grafana_build", ROOT / "deploy/grafana/build.py")
build = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = build
spec.loader.exec_module(build)
PAGES = build.pages()
PANELS = [panel for board in build.BOARDS for row in board.rows for panel in row.panels]
OF_EVERY_PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total"}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_dashboard_is_the_one_that_the_code_makes(name):
    assert (build.DASHBOARDS / name).read_text(encoding="utf-8") == PAGES[name], "run `make docs`"


def test_no_dashboard_is_left_over():
    assert {path.name for path in build.DASHBOARDS.iterdir()} == set(PAGES)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_panels_of_a_dashboard_do_not_overlap(name):
    taken = set()
    for panel in json.loads(PAGES[name])["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < build.FULL
        taken |= cells


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_a_panel_says_why_and_asks_for_metrics_that_exist(panel):
    known = {name for name, *_ in describe_metrics()} | OF_EVERY_PROCESS
    known |= {
        name + part
        for name, kind, *_ in describe_metrics()
        if kind == "histogram"
        for part in ("_bucket", "_count", "_sum")
    }
    assert panel.why
    for query, _ in panel.queries:
        assert set(re.findall(r"\b(?:ringfence|process)_\w+", query)) <= known
        assert "seller" not in query
