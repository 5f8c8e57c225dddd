"""Forgetting: a buyer or a seller on request, and everybody in time."""

from judging import BUYER, DAY_MS, HOUR_MS, NOW_MS, WARDROBE

OTHER = "b_" + "2" * 24


def everything(desk):
    return b"".join(key + row for key, row in desk.rows._rows.items())


def test_an_erased_buyer_is_in_no_row_and_in_no_latest_finding(desk):
    for seller in ("s1", "s2"):
        desk.order(WARDROBE, seller=seller, at_ms=NOW_MS - HOUR_MS)
        desk.message("request", seller=seller, excerpt="Give me your number")
        desk.report(seller=seller)
    desk.message("request", buyer=OTHER, conversation="c2")
    assert BUYER.encode() in everything(desk)
    desk.erasure(buyer=BUYER, at_ms=NOW_MS + 1)
    assert BUYER.encode() not in everything(desk)
    assert b"Give me" not in everything(desk)
    assert OTHER.encode() in everything(desk)
    latest = {finding.finding_id: finding for finding in desk.findings}
    assert [finding.buyer for finding in latest.values()] == ["b_" + "0" * 24] * 2 + [OTHER]
    assert [finding.excerpt for finding in latest.values()] == ["", "", "…"]


def test_figures_already_counted_stay(desk):
    desk.order(WARDROBE)
    desk.complaint()
    desk.erasure(buyer=BUYER, at_ms=NOW_MS + 1)
    assert desk.rows._rows[b"s:s1"].count(b"[1,1]") == 1


def test_an_erased_seller_is_in_no_row(desk):
    for seller in ("s1", "s12"):
        desk.order(WARDROBE, seller=seller)
        desk.message("request", seller=seller, excerpt="Give me your number")
        desk.report(seller=seller)
    desk.order(WARDROBE, seller="s1", buyer=OTHER, order_id="o2")
    desk.erasure(seller="s1", at_ms=NOW_MS + 1)
    assert b'"s1"' not in everything(desk)
    assert b":s1:" not in everything(desk)
    assert {key for key, _ in desk.rows.items()} >= {b"s:s12", b"o:3:s12:o1", b"p:" + BUYER.encode()}
    assert b"p:" + OTHER.encode() not in desk.rows._rows
    assert [finding.excerpt for finding in desk.findings if finding.seller_id == "s1"][-1] == ""


def test_an_erased_seller_starts_from_nothing(desk):
    desk.message("share:whatsapp")
    desk.erasure(seller="s1", at_ms=NOW_MS + 1)
    assert "repeated" not in {each.code for each in desk.message("request", at_ms=NOW_MS + 2).reasons}


def test_an_erasure_of_somebody_unknown_changes_nothing(desk):
    desk.order(WARDROBE)
    before = dict(desk.rows._rows)
    desk.erasure(buyer=OTHER)
    assert dict(desk.rows._rows) == before


def test_a_buyer_with_a_living_dealing_can_still_be_erased_late(desk):
    desk.message("refuse", sender="buyer")
    desk.message("refuse", sender="buyer", at_ms=NOW_MS + 170 * DAY_MS)
    desk.tick(NOW_MS + 200 * DAY_MS)
    desk.erasure(buyer=BUYER, at_ms=NOW_MS + 201 * DAY_MS)
    assert BUYER.encode() not in everything(desk)
