"""A buyer's no and nothing else: a refusal where the seller has just asked, nothing anywhere else."""

import pytest
from judging import HOUR_MS, NOW_MS

from schemas.signals import ActSeen


def codes(finding):
    return {reason.code for reason in finding.reasons}


def test_a_no_right_after_a_request_is_a_refusal(desk):
    desk.message("request", reasons=["delivery"])
    desk.message(sender="buyer", is_bare_no=True)
    assert "after_refusal" in codes(desk.message("request", reasons=["delivery"]))


def test_a_no_to_anything_else_refuses_nothing(desk):
    desk.message(sender="buyer", is_bare_no=True)
    assert "after_refusal" not in codes(desk.message("request"))


def test_a_no_after_the_buyer_had_answered_refuses_nothing(desk):
    desk.message("request")
    desk.message("grant", sender="buyer")
    desk.message(sender="buyer", is_bare_no=True)
    assert "after_refusal" not in codes(desk.message("request"))


def test_a_no_in_another_conversation_refuses_nothing(desk):
    desk.message("request", conversation="c1")
    desk.message(sender="buyer", is_bare_no=True, conversation="c2")
    assert "after_refusal" not in codes(desk.message("request", conversation="c1"))


@pytest.mark.parametrize(("hours", "is_refusal"), [(-1, False), (0, True), (24, True), (25, False)])
def test_a_no_said_before_the_request_or_too_late_refuses_nothing(desk, hours, is_refusal):
    desk.message("request", at_ms=NOW_MS)
    desk.message(sender="buyer", is_bare_no=True, at_ms=NOW_MS + hours * HOUR_MS)
    assert ("after_refusal" in codes(desk.message("request", at_ms=NOW_MS + 26 * HOUR_MS))) is is_refusal


def test_a_doubt_asks_nothing_that_a_no_could_answer(desk):
    desk.message(acts=(ActSeen(act="request", channel="phone", rule="opinion.request"),))
    desk.message(sender="buyer", is_bare_no=True)
    assert "after_refusal" not in codes(desk.message("request"))
