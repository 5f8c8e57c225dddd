"""Pressing on without naming what: a request where one came before, nothing where none did."""

import pytest


def test_pressing_on_after_a_refusal_is_a_request_after_a_refusal(desk):
    desk.message("request", reasons=["delivery"], conversation="c1")
    desk.message("refuse", sender="buyer")
    finding = desk.message(manners=["insistence"], reasons=["carrier"])
    assert finding is not None
    assert "after_refusal" in {reason.code for reason in finding.reasons}
    assert "judge.insists" in finding.rules


def test_pressing_on_in_another_conversation_with_a_buyer_who_refused_is_one_too(desk):
    desk.message("request", conversation="c1")
    desk.message("refuse", sender="buyer", conversation="c1")
    assert desk.message(manners=["insistence"], conversation="c2") is not None


@pytest.mark.parametrize("before", [(), ("grant",)])
def test_where_nothing_was_asked_it_is_nothing(desk, before):
    for wish in before:
        desk.message(wish, sender="buyer")
    assert desk.message(manners=["insistence"]) is None


def test_it_counts_once_beside_a_request_that_is_named(desk):
    desk.message("request")
    finding = desk.message("request", manners=["insistence"])
    assert "judge.insists" not in finding.rules
