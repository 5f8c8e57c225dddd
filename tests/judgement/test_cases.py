"""Verdicts on the situations in `cases/`, beside what an experienced analyst would say."""

import functools
from pathlib import Path

import pytest
from situations import load, staged, verdict_of

from pipeline.detection.shipped import shipped_detector
from schemas.signals import ActSeen
from schemas.vocabulary import Sender

CASES = load()
SEEN = [case for case in CASES if not case.is_unseen]
UNSEEN = [case for case in CASES if case.is_unseen]
LANGUAGES = {path.stem for path in Path(__file__).parents[2].glob("pipeline/detection/languages/[a-z]*.yaml")}
READABLE = [case for case in CASES if case.content.get("lang", "en") in LANGUAGES]
LEAST_RIGHT = 0.88
MOST_ACCUSED = 0.02
LEAST_RIGHT_AS_READ = 0.85
"""Of the way through the detector; its own corpus measures it by itself."""


@pytest.mark.parametrize("case", SEEN, ids=str)
def test_a_situation_gets_the_verdict_that_an_analyst_would_give(case):
    verdict, finding = verdict_of(case)
    assert verdict in case.wanted, finding and finding.reasons
    if "risk" in case.content:
        assert str(finding.risk) == case.content["risk"]


def test_verdicts_are_right_on_the_third_that_was_put_aside():
    assert len(UNSEEN) >= len(CASES) // 4
    right = sum(verdict_of(case)[0] in case.wanted for case in UNSEEN)
    assert right / len(UNSEEN) >= LEAST_RIGHT


def test_a_legitimate_request_is_hardly_ever_called_a_violation():
    legitimate = [case for case in CASES if case.wanted == ["permitted"]]
    accused = sum(verdict_of(case)[0] == "violation" for case in legitimate)
    assert accused / len(legitimate) <= MOST_ACCUSED


@pytest.mark.parametrize("case", [case for case in CASES if "harm" in case.content], ids=str)
def test_phishing_threats_and_persistence_are_never_met_with_silence(case):
    assert verdict_of(case)[0] in {"questionable", "violation"}


def test_every_system_has_cases_that_fire_and_cases_that_must_not():
    for system in {case.system for case in CASES}:
        wanted = {tuple(case.wanted) for case in CASES if case.system == system}
        assert ("violation",) in wanted
        assert {("permitted",), ("none",)} & wanted


@functools.cache
def detector():
    return shipped_detector()


def as_detected(desk, _seen, text, **about):
    """A message as the detector reads it."""
    sender = Sender(about.get("sender", "seller"))
    found = detector().detect(text, sender, ("DE",))
    says = tuple(ActSeen(act=each.act, channel=each.channel, rule=each.rule) for each in found.acts)
    fields = {"reasons": found.reasons, "manners": found.manners, "techniques": found.techniques}
    fields["rules"] = tuple(match.rule for match in found.matches)
    fields["is_bare_no"] = sender is Sender.BUYER and detector().is_bare_no(text)
    return desk.message(acts=says, **fields, **about)


def test_texts_are_judged_right_through_the_detector(desk):
    right = 0
    for case in READABLE:
        finding = staged(type(desk)(), case, as_detected)
        right += ("none" if finding is None else str(finding.verdict)) in case.wanted
    assert right / len(READABLE) >= LEAST_RIGHT_AS_READ, f"{right} of {len(READABLE)}"
