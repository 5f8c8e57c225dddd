"""A candidate beside the policy in force: it sees the same, keeps rows of its own, and never touches the real one."""

import sys
from pathlib import Path

import orjson
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))
from pipeline.kafka.recordings import Recording
from pipeline.policy.book import SHIPPED, load_book
from pipeline.runners.judge import Judge
from pipeline.runners.memory_rows import MemoryRows
from pipeline.runners.output_files import OUTPUTS, SHADOW
from pipeline.runners.replay import replay
from pipeline.runners.service import scan_step
from pipeline.runners.shadow import PREFIX, Shadow, Shadowed, Unshadowed, is_released
from pipeline.settings import DEVELOPMENT_PSEUDONYM_KEY
from tests.replay.golden import EXPECTED, RECORDING

BOOK = load_book()
SCAN = scan_step(BOOK, DEVELOPMENT_PSEUDONYM_KEY.encode())
SIGNALS = list(Recording(Path(__file__).parents[1] / "systems" / "discretion" / "recording").records())


@pytest.fixture(scope="module")
def stricter(tmp_path_factory):
    """The shipped book, and one under which whatever was a doubt is a violation."""
    content = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    content["policies"][0]["verdicts"]["violation"] = content["policies"][0]["verdicts"]["questionable"] + 1
    content["policies"][-1]["version"] = "stricter"
    file = tmp_path_factory.mktemp("books") / "stricter.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return load_book(file)


def replayed(out, shadow):
    replay(Recording(RECORDING), out, BOOK, SCAN, shadow=shadow)
    return {name: lines(out / name) for name in (*OUTPUTS, SHADOW)}


def lines(file):
    return file.read_bytes().splitlines()


def alone(book, out):
    replay(Recording(RECORDING), out, book, SCAN)
    return {name: lines(out / name) for name in OUTPUTS}


def test_a_shadow_changes_no_byte_of_what_the_policy_in_force_says(stricter, tmp_path):
    told = replayed(tmp_path, Shadow(stricter))
    for name in OUTPUTS:
        assert told[name] == lines(EXPECTED / name)


def test_the_shadow_says_what_the_candidate_would_say_alone(stricter, tmp_path):
    told = [orjson.loads(line) for line in replayed(tmp_path / "beside", Shadow(stricter))[SHADOW]]
    expected = alone(stricter, tmp_path / "alone")
    findings = [each["finding"] for each in told if "finding" in each]
    alerts = [each["alert"] for each in told if "alert" in each]
    assert findings == [orjson.loads(line) for line in expected["findings.jsonl"]]
    assert alerts == [orjson.loads(line) for line in expected["alerts.jsonl"]]


def test_a_release_lets_the_candidate_speak_for_its_share_of_the_sellers(stricter, tmp_path):
    told = replayed(tmp_path / "half", Shadow(stricter, 0.5))
    by_book = {False: lines(EXPECTED / "findings.jsonl"), True: alone(stricter, tmp_path / "all")["findings.jsonl"]}
    for seller in {orjson.loads(line)["seller_id"] for line in told["findings.jsonl"]}:
        said, wanted = (
            [line for line in each if orjson.loads(line)["seller_id"] == seller]
            for each in (told["findings.jsonl"], by_book[is_released(seller.encode(), 0.5)])
        )
        assert said == wanted
    full = replayed(tmp_path / "full", Shadow(stricter, 1.0))
    assert sorted(full["findings.jsonl"]) == sorted(by_book[True])


def test_the_released_sellers_are_the_same_everywhere_and_only_grow():
    sellers = [f"seller-{number}".encode() for number in range(2_000)]
    tenth = {each for each in sellers if is_released(each, 0.1)}
    half = {each for each in sellers if is_released(each, 0.5)}
    assert tenth < half
    assert 150 < len(tenth) < 250
    assert not any(is_released(each, 0.0) for each in sellers)
    assert all(is_released(each, 1.0) for each in sellers)
    assert [is_released(b"seller-1", share) for share in (0.1, 0.9)] == [b"seller-1" in tenth, True]


def test_a_candidate_that_fails_costs_nothing_but_a_count(monkeypatch, stricter):
    shadowed = Shadowed(Judge(BOOK), stricter, 1.0)

    def fails(*_):
        raise KeyError("the candidate knows a rule that the code does not")

    monkeypatch.setattr(shadowed, "_candidate", fails)
    result, wanted = shadowed(MemoryRows(), {}, SIGNALS), Judge(BOOK)(MemoryRows(), {}, SIGNALS)
    assert (result.findings, result.alerts, result.changed) == (wanted.findings, wanted.alerts, wanted.changed)
    assert result.counts["ringfence_shadow_failures_total", "stricter", "KeyError"] == 1


def test_verdicts_are_counted_under_both_with_the_candidates_version(stricter):
    counts = Shadowed(Judge(BOOK), stricter)(MemoryRows(), {}, SIGNALS).counts
    compared = {name[1:]: n for name, n in counts.items() if name[0] == "ringfence_shadow_verdicts_total"}
    assert sum(compared.values()) > 0
    assert {version for version, _, _ in compared} == {"stricter"}


def test_rows_of_a_candidate_that_is_gone_are_forgotten_and_never_disturb(stricter):
    rows = MemoryRows()
    rows.apply(Shadowed(Judge(BOOK), stricter)(rows, {}, SIGNALS).changed)
    assert any(key.startswith(PREFIX) for key, _ in rows.items())
    rows.apply(Unshadowed(Judge(BOOK))(rows, {"nothing": 0}, []).changed)
    assert not any(key.startswith(PREFIX) for key, _ in rows.items())
