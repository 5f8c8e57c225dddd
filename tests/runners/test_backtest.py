"""Two policies over one recording: what changed, in figures, examples and a page that opens without a network."""

import re
from pathlib import Path

import pytest
import yaml

from pipeline.kafka.recordings import Recording
from pipeline.policy.book import SHIPPED, load_book
from pipeline.runners.backtest import Pair, backtest, change_rows, estimate, every_day
from pipeline.runners.backtest_page import page
from pipeline.runners.service import scan_step
from pipeline.settings import DEVELOPMENT_PSEUDONYM_KEY

RECORDING = Path(__file__).parents[1] / "replay" / "marketplace"


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    """The shipped book, and one under which whatever was a doubt is a violation."""
    content = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    content["policies"][0]["verdicts"]["violation"] = content["policies"][0]["verdicts"]["questionable"] + 1
    file = tmp_path_factory.mktemp("books") / "stricter.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return load_book(), load_book(file)


@pytest.fixture(scope="module")
def compared(books):
    scan = scan_step(books[0], DEVELOPMENT_PSEUDONYM_KEY.encode())
    return backtest(Recording(RECORDING), books, scan, names=("shipped", "stricter"))


def test_a_book_against_itself_changes_nothing(books):
    scan = scan_step(books[0], DEVELOPMENT_PSEUDONYM_KEY.encode())
    same = backtest(Recording(RECORDING), (books[0], books[0]), scan, names=("a", "b"))
    assert (same.changes, same.stricter, same.milder, same.sellers_gained, same.sellers_lost) == (0, (), (), (), ())
    assert same.alerts.old == same.alerts.new > 0


def test_a_stricter_book_turns_doubts_into_violations_and_says_which(compared):
    doubts = compared.verdicts["questionable"]
    assert doubts["violation"] == compared.changes > 0
    assert doubts["permitted"] == 0
    assert compared.stricter
    assert not compared.milder
    assert all(each.old_verdict == "questionable" for each in compared.stricter)


def test_every_figure_that_differs_is_told_by_what_it_is_of(compared):
    rows = change_rows(compared)
    assert ("findings by rule", "no_reason") not in {row[:2] for row in rows}  # a verdict's limit moves no rule
    assert {row[0] for row in rows} >= {"violations by marketplace"}
    assert all(old != new for *_, old, new in rows)


def test_alerts_that_appear_vanish_or_change_are_counted(compared):
    changes = compared.alert_changes
    assert changes["appear"] + changes["change"] + changes["same"] == compared.alerts.new
    assert changes["vanish"] + changes["change"] + changes["same"] == compared.alerts.old


def test_no_wording_and_no_seller_fills_the_examples(compared):
    excerpts = [each.excerpt for each in compared.stricter]
    assert len(set(excerpts)) == len(excerpts)


def test_precision_and_recall_are_told_with_their_interval(compared):
    assert compared.old_quality is not None
    assert compared.old_quality.precision.low <= compared.old_quality.precision.share <= 1.0


def test_days_without_an_alert_are_shown_too():
    shown = every_day({"2026-06-29": Pair(1, 0), "2026-07-02": Pair(0, 2)})
    assert list(shown) == ["2026-06-29", "2026-06-30", "2026-07-01", "2026-07-02"]
    assert shown["2026-07-01"] == Pair(0, 0)


def test_the_interval_is_wilsons():
    assert estimate(8, 10).low == pytest.approx(0.4902, abs=1e-4)
    assert estimate(8, 10).high == pytest.approx(0.9433, abs=1e-4)
    assert estimate(0, 0).share is None


def test_the_page_asks_nothing_of_a_network_and_names_both_books(compared):
    text = page(compared)
    assert "shipped" in text
    assert "stricter" in text
    assert not re.search(r"(?:src|href)=|url\(|@import|<script", text)
    assert text.count("<svg") >= 4
