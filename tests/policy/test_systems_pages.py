"""The pages on the systems say what the shipped policy says."""

import re
from pathlib import Path

import pytest

from pipeline.metrics import describe_metrics
from pipeline.policy.book import load_book
from pipeline.policy.codes import RULE_CODES, TRIGGER_CODES

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs/systems").glob("[a-z]*.md"))
POLICY = load_book().policies[-1]
TEXTS = {page.stem: page.read_text(encoding="utf-8") for page in PAGES}
ROWS = [row for text in TEXTS.values() for row in re.findall(r"^\| (`[^|]*`) \|(.*)\|$", text, re.MULTILINE)]


def test_every_system_of_the_design_has_its_page():
    assert len(PAGES) == 9
    index = (ROOT / "docs/systems/README.md").read_text(encoding="utf-8")
    assert all(f"({page.name})" in index for page in PAGES)


def test_the_points_on_the_pages_are_those_of_the_policy():
    compared = 0
    for names, rest in ROWS:
        codes = [code for code in re.findall(r"`(\w+)`", names) if code in RULE_CODES]
        points = [int(number) for number in re.findall(r"-?\d+", rest.split("|")[0])]
        for code, told in zip(codes, points * len(codes) if len(points) == 1 else points, strict=False):
            assert POLICY.rules[code].points == told, code
            compared += 1
    assert compared >= 25


def test_every_trigger_is_told_with_its_severity():
    told = {code: rest.split("|")[-1].strip() for names, rest in ROWS for code in re.findall(r"`(\w+)`", names)}
    assert set(TRIGGER_CODES) <= set(told)
    assert {code: told[code] for code in TRIGGER_CODES} == {
        code: str(POLICY.triggers.severity[code]) for code in TRIGGER_CODES
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_metrics_tests_and_figures_that_exist(page):
    text = page.read_text(encoding="utf-8")
    known = {name for name, *_ in describe_metrics()}
    metrics = re.findall(r"`(ringfence_\w+)", text)
    assert metrics
    assert set(metrics) <= known
    for file in re.findall(r"`(tests/[\w/]+\.(?:py|yaml))`", text):
        assert (ROOT / file).exists(), file
    assert "**Tune**" in text
