"""Cases of policy owners: the shipped ones hold, and a difference says what was wanted and what came."""

import pytest
import yaml

from pipeline.errors import SettingsError
from pipeline.policy.book import SHIPPED, load_book
from pipeline.runners.policy_cases import cases_beside, differences, load_cases
from pipeline.runners.service import scan_step
from pipeline.settings import DEVELOPMENT_PSEUDONYM_KEY

BOOK = load_book()
SCAN = scan_step(BOOK, DEVELOPMENT_PSEUDONYM_KEY.encode())
LEAST_CASES = 30
SYSTEMS = {
    *("legitimacy", "purpose", "communication", "discretion", "risks"),
    *("verification", "alternatives", "reporting", "privacy"),
}
ASKED = {"at": "0m", "seller": "What is your phone number?"}


def file_of(folder, *events, **more):
    """A cases file with one case."""
    content = {"now": "2026-07-01T12:00:00Z", "cases": [{"case": "the case", "events": list(events), **more}]}
    file = folder / "my.cases.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


def came_of(file):
    """What differs, as a person reads it."""
    return [str(each) for each in differences(load_cases(file), BOOK, SCAN)]


def test_the_shipped_policy_says_what_its_cases_want():
    cases = load_cases(cases_beside(SHIPPED))
    assert not [str(each) for each in differences(cases, BOOK, SCAN)]
    assert len(cases.cases) >= LEAST_CASES
    assert {case.system for case in cases.cases} == SYSTEMS


def test_a_difference_names_case_event_and_the_rules_that_weighed(tmp_path):
    (told,) = came_of(file_of(tmp_path, ASKED | {"want": "permitted"}))
    assert "the case" in told
    assert "event 1, 0m: the seller's message" in told
    assert "wanted permitted" in told
    assert "request_contact" in told.split("got")[1]


@pytest.mark.parametrize(
    ("event", "more", "wanted"),
    [
        pytest.param(ASKED | {"want": "none"}, {}, "wanted none", id="a finding too many"),
        pytest.param({"at": "0m", "seller": "Thanks!", "want": "violation"}, {}, "got    none", id="no finding"),
        pytest.param(ASKED | {"rules": ["threat"]}, {}, "wanted also threat", id="a rule that did not weigh"),
        pytest.param(ASKED | {"risk": "phishing"}, {}, "wanted risk phishing", id="another risk"),
        pytest.param(ASKED, {"alerts": ["reports"]}, "wanted reports", id="an alert that did not come"),
        pytest.param(ASKED, {"advises": ["buyer_payment"]}, "wanted buyer_payment", id="an advisory missing"),
        pytest.param(ASKED, {"spares": ["buyer_unusual_request"]}, "wanted not buyer", id="an advisory too many"),
    ],
)
def test_each_kind_of_expectation_can_fail(tmp_path, event, more, wanted):
    (told,) = came_of(file_of(tmp_path, event, **more))
    assert wanted in told


@pytest.mark.parametrize(
    ("event", "told"),
    [
        pytest.param({"at": "yesterday", "seller": "hi"}, "events.0.at", id="a time that is none"),
        pytest.param({"at": "0m"}, "wanted one of", id="no event"),
        pytest.param({"at": "0m", "seller": "hi", "review": 1}, "wanted one of", id="two events"),
        pytest.param({"at": "0m", "seller": "hi", "want": "fine"}, "want is one of", id="no verdict"),
        pytest.param({"at": "0m", "review": 1, "want": "none"}, "only a message", id="a verdict on a review"),
        pytest.param({"at": "0m", "order": "placed", "items": ["sofa"]}, "no such item: sofa", id="unknown item"),
        pytest.param({"at": "0m", "sellr": "hi"}, "sellr", id="a misspelt field"),
    ],
)
def test_a_fault_in_a_cases_file_is_told_with_its_place(tmp_path, event, told):
    with pytest.raises(SettingsError, match=told) as caught:
        load_cases(file_of(tmp_path, event))
    assert "my.cases.yaml" in str(caught.value)
