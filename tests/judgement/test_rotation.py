"""A new key: what was known under a person's former pseudonym is known under the new one."""

import pytest
from judging import BUYER, DAY_MS, HOUR_MS, NOW_MS, WARDROBE

from pipeline.judgement.privacy import Pseudonymiser
from schemas.signals import ContactSeen

NEW = "b_" + "9" * 24
ROTATED = {"buyer": NEW, "former_buyer": BUYER}


def everything(desk):
    return b"".join(key + row for key, row in desk.rows.items())


def codes(finding):
    return {reason.code for reason in finding.reasons}


def test_a_refusal_under_the_former_key_still_binds(desk):
    desk.message("refuse", sender="buyer", at_ms=NOW_MS - HOUR_MS)
    assert "after_refusal" in codes(desk.message("request", **ROTATED))
    assert BUYER.encode() not in everything(desk)


def test_a_message_without_the_former_key_meets_a_stranger(desk):
    desk.message("refuse", sender="buyer", at_ms=NOW_MS - HOUR_MS)
    assert "after_refusal" not in codes(desk.message("request", buyer=NEW))


def test_only_the_seller_at_hand_moves_and_the_others_when_they_are_met(desk):
    for seller in ("s1", "s2"):
        desk.message("refuse", sender="buyer", at_ms=NOW_MS - HOUR_MS, seller=seller)
        desk.report(seller=seller)
    desk.message("request", seller="s1", **ROTATED)
    assert desk.rows.get(b"p:" + BUYER.encode()) is not None
    assert "after_refusal" in codes(desk.message("request", seller="s2", **ROTATED))
    assert BUYER.encode() not in everything(desk)


@pytest.mark.parametrize("met", [pytest.param(False, id="never met again"), pytest.param(True, id="met by one seller")])
def test_an_erasure_reaches_what_lies_under_the_former_key(desk, met):
    for seller in ("s1", "s2"):
        desk.order(WARDROBE, seller=seller, at_ms=NOW_MS - DAY_MS)
        desk.message("request", seller=seller, at_ms=NOW_MS - HOUR_MS)
        desk.report(seller=seller)
    if met:
        desk.message("request", seller="s1", **ROTATED)
    desk.erasure(at_ms=NOW_MS + 1, buyer=NEW, former_buyer=BUYER)
    assert BUYER.encode() not in everything(desk)
    assert NEW.encode() not in everything(desk)


def test_a_ring_that_began_under_the_former_key_goes_on(desk):
    old, new = "c_" + "1" * 24, "c_" + "2" * 24
    desk.message("share:whatsapp", seller="s1", contacts=(ContactSeen(contact=old, channel="whatsapp"),))
    seen = ContactSeen(contact=new, former=old, channel="whatsapp")
    desk.message("share:whatsapp", seller="s2", contacts=(seen,))
    assert {alert.seller_id for alert in desk.alerts} == {"s1", "s2"}


def test_both_keys_stand_side_by_side_while_one_is_replaced():
    before, now = Pseudonymiser(b"the key before"), Pseudonymiser(b"the key now", b"the key before")
    assert now.former_buyer("anna") == before.buyer("anna") != now.buyer("anna")
    assert now.former_contact("+491") == before.contact("+491")
    assert before.former_buyer("anna") is None
