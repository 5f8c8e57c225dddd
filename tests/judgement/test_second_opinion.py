"""What only the learned second opinion sees is for a person to look at, and leads to nothing else."""

import pytest
from judging import DAY_MS, NOW_MS, PHONE_CASE, WARDROBE

from schemas.signals import ActSeen

BY_OPINION = {"acts": (ActSeen(act="request", channel="phone", rule="opinion.request"),), "rules": ("opinion.request",)}
BY_RULE = {"acts": (ActSeen(act="request", channel="phone", rule="en.request"),), "rules": ("en.request",)}


def test_a_doubt_is_at_most_questionable_where_a_rule_would_make_it_a_violation(desk):
    desk.order(PHONE_CASE)
    assert str(desk.message(**BY_RULE, conversation="c1").verdict) == "violation"
    finding = desk.message(**BY_OPINION, conversation="c2", buyer="b_" + "2" * 24)
    desk.order(PHONE_CASE, order_id="o2", buyer="b_" + "2" * 24)
    assert str(finding.verdict) == "questionable"
    assert "second_opinion" in {reason.code for reason in finding.reasons}
    assert "second opinion" in finding.explanation


def test_a_doubt_that_the_order_bears_out_is_permitted(desk):
    desk.order(WARDROBE)
    assert str(desk.message(**BY_OPINION, reasons=["delivery"]).verdict) == "permitted"


def test_any_number_of_doubts_raises_no_alert_and_no_advisory(desk):
    for number in range(50):
        buyer = f"b_{number:024d}"
        desk.message("refuse", sender="buyer", buyer=buyer, at_ms=NOW_MS + number)
        desk.message(**BY_OPINION, buyer=buyer, conversation=f"c{number}", at_ms=NOW_MS + number + 1)
    assert len(desk.findings) == 50
    assert not desk.alerts
    assert not desk.advisories


def test_a_late_order_revises_a_doubt_without_counting_it(desk):
    desk.message(**BY_OPINION, reasons=["delivery"], order_id="o1")
    desk.order(WARDROBE, at_ms=NOW_MS - DAY_MS, arrived_at_ms=NOW_MS + 1)
    assert [str(finding.verdict) for finding in desk.findings][-1] == "permitted"
    assert not desk.alerts


def test_a_threat_that_a_rule_saw_is_no_doubt(desk):
    finding = desk.message(**BY_OPINION, manners=["threat"])
    assert str(finding.verdict) == "violation"


@pytest.mark.parametrize(("rules", "is_prohibited"), [(("opinion.reason.marketing",), False), (("en.reason",), True)])
def test_a_prohibited_purpose_wants_a_rule_that_saw_it(desk, rules, is_prohibited):
    finding = desk.message("request", reasons=["marketing"], rules=rules)
    assert ("prohibited_purpose" in {reason.code for reason in finding.reasons}) is is_prohibited
