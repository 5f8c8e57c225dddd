"""Each system from event to finding, alert or advisory, on its own recording: fires, must not, at the limit."""

import sys
from pathlib import Path

import orjson
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
from pipeline.kafka.recordings import Recording
from pipeline.policy.book import load_book
from pipeline.runners.replay import OUTPUTS, replay
from pipeline.runners.service import scan_step
from pipeline.settings import DEVELOPMENT_PSEUDONYM_KEY
from tests.systems.scenarios import FIRES, LIMIT, MUST_NOT, SCENARIOS, played

FOLDER = Path(__file__).parent
BOOK = load_book()
SCAN = scan_step(BOOK, DEVELOPMENT_PSEUDONYM_KEY.encode())


def outputs(name, seller):
    """Verdicts, triggers and advice of one seller, as the golden files have them, each sorted and once."""
    folder = FOLDER / name / "expected"
    findings, alerts, advisories = (
        [orjson.loads(line) for line in (folder / f"{kind}.jsonl").read_bytes().splitlines()]
        for kind in ("findings", "alerts", "advisories")
    )
    verdicts = {each["verdict"] for each in findings if each["seller_id"] == seller}
    triggers = {t["code"] for each in alerts if each["seller_id"] == seller for t in each["triggers"]}
    advice = {each["code"] for each in advisories if each["seller_id"] == seller}
    return verdicts, triggers, advice


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_recording_of_the_log_replays_to_what_was_published(name, tmp_path):
    replay(Recording(FOLDER / name / "recording"), tmp_path, BOOK, SCAN)
    for file in (*OUTPUTS, "digest.txt"):
        assert (tmp_path / file).read_bytes() == (FOLDER / name / "expected" / file).read_bytes(), "see `make golden`"
    log = played(name)
    assert len((tmp_path / "findings.jsonl").read_bytes().splitlines()) == len(log.findings)
    assert len((tmp_path / "alerts.jsonl").read_bytes().splitlines()) == len(log.alerts)


@pytest.mark.parametrize(
    ("name", "fires", "must_not", "at_the_limit"),
    [
        pytest.param("legitimacy", {"violation"}, {"permitted"}, {"questionable"}, id="legitimacy"),
        pytest.param("purpose", {"violation"}, {"permitted"}, {"violation"}, id="purpose"),
        pytest.param("communication", {"violation"}, set(), {"questionable"}, id="communication"),
        pytest.param("discretion", {"violation"}, {"permitted"}, {"permitted"}, id="discretion"),
        pytest.param("risks", {"violation"}, set(), {"questionable", "violation"}, id="risks"),
    ],
)
def test_verdicts_where_a_system_fires_must_not_and_at_its_limit(name, fires, must_not, at_the_limit):
    assert [outputs(name, seller)[0] for seller in (FIRES, MUST_NOT, LIMIT)] == [fires, must_not, at_the_limit]


@pytest.mark.parametrize(
    ("name", "fires", "at_the_limit"),
    [
        pytest.param("verification", "complaint_surge", "verification_lapsed", id="verification"),
        pytest.param("discretion", "persistence", None, id="discretion"),
        pytest.param("alternatives", "phone_dependence", "phone_dependence", id="alternatives"),
        pytest.param("risks", "grave_act", None, id="risks"),
        pytest.param("reporting", "reports", None, id="reporting"),
        pytest.param("rings", "contact_ring", "contact_ring", id="rings"),
    ],
)
def test_triggers_where_a_system_fires_must_not_and_at_its_limit(name, fires, at_the_limit):
    assert fires in outputs(name, FIRES)[1]
    assert outputs(name, MUST_NOT)[1] == set()
    assert (at_the_limit in outputs(name, LIMIT)[1]) if at_the_limit else (fires not in outputs(name, LIMIT)[1])


def test_the_seller_is_told_to_delete_a_number_that_it_was_given_unless_the_buyer_is_erased():
    told = ["seller_delete_number" in outputs("privacy", seller)[2] for seller in (FIRES, MUST_NOT, LIMIT)]
    assert told == [True, False, False]


def test_an_alert_lives_as_long_as_what_it_rests_on():
    alerts = [orjson.loads(line) for line in (FOLDER / "late_orders/expected/alerts.jsonl").read_bytes().splitlines()]
    newest = {each["seller_id"]: each for each in alerts}
    assert {seller: each["is_withdrawn"] for seller, each in newest.items()} == {
        FIRES: False,
        MUST_NOT: True,
        LIMIT: True,
    }
