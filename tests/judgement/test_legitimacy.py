"""Legitimacy and purpose: the reason that a message gives, held against the order that it is about."""

import pytest
from judging import DAY_MS, EBOOK, HOUR_MS, MINUTE_MS, NOW_MS, PHONE_CASE, PRINTER, RING, WARDROBE, Desk

from schemas.signals import ItemSeen


def verdict_on(*says, bought=None, ago_ms=HOUR_MS * 3, then=(), **more):
    """The verdict on a seller's message about an order placed `ago_ms` before; `then` are its later stages."""
    desk = Desk()
    if bought is not None:
        desk.order(bought, at_ms=NOW_MS - ago_ms)
    for hours_ago, status in then:
        desk.order(at_ms=NOW_MS - hours_ago * HOUR_MS, status=status)
    return str(desk.message(*says, **more).verdict)


@pytest.mark.parametrize(
    ("says", "more", "verdict"),
    [
        pytest.param(
            ["request"],
            {"bought": PHONE_CASE, "ago_ms": 5 * MINUTE_MS},
            "violation",
            id="standard item, at once, no reason",
        ),
        pytest.param(["request"], {"bought": PHONE_CASE, "ago_ms": DAY_MS}, "violation", id="standard item, no reason"),
        pytest.param(["request"], {"bought": WARDROBE}, "questionable", id="wardrobe, no reason"),
        pytest.param(["request"], {}, "questionable", id="no order, no reason"),
        pytest.param(
            ["request"], {"bought": WARDROBE, "reasons": ["delivery"]}, "permitted", id="delivery window for a wardrobe"
        ),
        pytest.param(
            ["request:whatsapp"], {"bought": WARDROBE, "reasons": ["delivery"]}, "permitted", id="the same on WhatsApp"
        ),
        pytest.param(
            ["request"],
            {"bought": WARDROBE, "reasons": ["delivery"], "ago_ms": MINUTE_MS},
            "permitted",
            id="the same at once",
        ),
        pytest.param(
            ["share"],
            {"bought": WARDROBE, "reasons": ["delivery"]},
            "permitted",
            id="the driver's number for a wardrobe",
        ),
        pytest.param(
            ["request"], {"bought": PHONE_CASE, "reasons": ["delivery"]}, "violation", id="freight of a phone case"
        ),
        pytest.param(
            ["request"],
            {"bought": PHONE_CASE, "reasons": ["delivery"], "then": [(1, "shipped")]},
            "questionable",
            id="a parcel that is stuck",
        ),
        pytest.param(["request"], {"bought": EBOOK, "reasons": ["delivery"]}, "violation", id="delivery of an e-book"),
        pytest.param(
            ["request"],
            {"bought": WARDROBE, "reasons": ["delivery"], "then": [(1, "cancelled")]},
            "violation",
            id="delivery of a cancelled order",
        ),
        pytest.param(
            ["request"],
            {"bought": WARDROBE, "reasons": ["delivery"], "then": [(1, "delivered")]},
            "questionable",
            id="delivery after delivery",
        ),
        pytest.param(
            ["request"],
            {"bought": WARDROBE, "reasons": ["delivery"], "then": [(0.05, "delivered")]},
            "permitted",
            id="from the door, delivered three minutes before by another clock",
        ),
        pytest.param(
            ["request"],
            {"bought": WARDROBE, "reasons": ["delivery"], "then": [(-0.05, "cancelled")]},
            "permitted",
            id="an order that is cancelled three minutes later",
        ),
        pytest.param(["request"], {"reasons": ["delivery"]}, "permitted", id="delivery, order not known"),
        pytest.param(
            ["request"],
            {"bought": PHONE_CASE, "reasons": ["carrier"]},
            "questionable",
            id="a carrier that wants a number for a parcel",
        ),
        pytest.param(
            ["request"],
            {"bought": PHONE_CASE, "reasons": ["carrier"], "manners": ["consent_sought", "use_limited"]},
            "permitted",
            id="the same, asked well",
        ),
        pytest.param(
            ["request"],
            {"bought": PRINTER, "reasons": ["technical"], "then": [(1, "delivered")]},
            "permitted",
            id="help with a printer",
        ),
        pytest.param(
            ["request"],
            {"bought": PHONE_CASE, "reasons": ["technical"]},
            "questionable",
            id="technical help with a phone case",
        ),
        pytest.param(["request"], {"bought": RING, "reasons": ["customization"]}, "permitted", id="what to engrave"),
        pytest.param(
            ["request"],
            {"bought": PHONE_CASE, "reasons": ["vague"], "ago_ms": MINUTE_MS},
            "violation",
            id="for better service, at once",
        ),
        pytest.param(
            ["request"], {"bought": WARDROBE, "reasons": ["vague"]}, "questionable", id="for better service, wardrobe"
        ),
        pytest.param(["request"], {"bought": WARDROBE, "reasons": ["marketing"]}, "violation", id="promotion"),
        pytest.param(
            ["request"],
            {"bought": WARDROBE, "reasons": ["marketing"], "manners": ["consent_sought"]},
            "violation",
            id="promotion, asked well",
        ),
        pytest.param(
            ["request"],
            {"bought": WARDROBE, "reasons": ["delivery", "marketing"]},
            "violation",
            id="promotion beside delivery",
        ),
        pytest.param(["request"], {"reasons": ["feedback"]}, "violation", id="feedback"),
        pytest.param(["share:whatsapp"], {}, "violation", id="add me on WhatsApp"),
        pytest.param(["hint"], {"bought": PHONE_CASE}, "violation", id="look our shop up"),
        pytest.param(
            ["share:phone"],
            {"bought": WARDROBE, "reasons": ["delivery"], "techniques": ["digit_words"]},
            "questionable",
            id="a hidden number is never innocent",
        ),
        pytest.param(
            ["request"],
            {"bought": ItemSeen(title="Kleiderschrank weiß"), "reasons": ["delivery"]},
            "permitted",
            id="a wardrobe by its German name",
        ),
        pytest.param(
            ["request"],
            {"bought": ItemSeen(title="Desk lamp"), "reasons": ["delivery"]},
            "violation",
            id="a desk lamp is no desk",
        ),
        pytest.param(
            ["request"],
            {"bought": ItemSeen(title="Crate", weight_grams=20_000), "reasons": ["delivery"]},
            "permitted",
            id="just heavy enough for freight",
        ),
        pytest.param(
            ["request"],
            {"bought": ItemSeen(title="Crate", weight_grams=19_999), "reasons": ["delivery"]},
            "questionable",
            id="just too light for freight",
        ),
        pytest.param(
            ["request"],
            {"bought": ItemSeen(title="Estate car, used", category="vehicles")},
            "permitted",
            id="vehicles are talked about",
        ),
    ],
)
def test_a_request_is_judged_against_its_order(says, more, verdict):
    assert verdict_on(*says, **more) == verdict


def test_a_reason_that_the_order_contradicts_is_worse_than_none(desk):
    desk.order(PHONE_CASE, at_ms=NOW_MS - DAY_MS)
    bare = desk.message("request", conversation="c1")
    contradicted = desk.message("request", conversation="c2", reasons=["delivery"])
    assert contradicted.score > bare.score


def test_points_add_up_to_the_score_and_come_heaviest_first(desk):
    desk.order(PHONE_CASE, at_ms=NOW_MS - MINUTE_MS)
    finding = desk.message("request:whatsapp", manners=["urgency"])
    assert finding.score == sum(reason.points for reason in finding.reasons)
    weights = [abs(reason.points) for reason in finding.reasons]
    assert weights == sorted(weights, reverse=True)
    assert "gave no reason" in finding.explanation


@pytest.mark.parametrize(
    ("minutes", "is_early"),
    [
        pytest.param(59, True, id="within the hour"),
        pytest.param(60, False, id="at the hour"),
        pytest.param(-4, True, id="clocks differ"),
    ],
)
def test_a_request_is_early_within_the_policys_minutes(desk, minutes, is_early):
    desk.order(PHONE_CASE, at_ms=NOW_MS - minutes * MINUTE_MS)
    codes = {reason.code for reason in desk.message("request").reasons}
    assert ("early_request" in codes) is is_early


def test_what_happens_within_minutes_of_a_permitted_request_makes_it_no_worse(desk):
    desk.order(WARDROBE, at_ms=NOW_MS - DAY_MS)
    assert desk.message("request", reasons=["delivery"]).verdict == "permitted"
    desk.order(at_ms=NOW_MS + 3 * MINUTE_MS, status="delivered")
    assert len(desk.findings) == 1


def test_an_order_that_arrives_after_the_message_revises_the_finding_instead_of_adding_one(desk):
    first = desk.message("request", reasons=["delivery"], order_id="o1")
    state = desk.order(PHONE_CASE, at_ms=NOW_MS - HOUR_MS, arrived_at_ms=NOW_MS + HOUR_MS)
    (second,) = state.findings
    assert (first.finding_id, first.revision, str(first.verdict)) == (second.finding_id, 0, "permitted")
    assert (second.revision, str(second.verdict)) == (1, "violation")
    assert not desk.order(PHONE_CASE, at_ms=NOW_MS - HOUR_MS).findings


@pytest.mark.parametrize(
    "order",
    [
        pytest.param({"at_ms": NOW_MS + HOUR_MS}, id="placed after the message"),
        pytest.param({"at_ms": NOW_MS - HOUR_MS, "arrived_at_ms": NOW_MS + 49 * HOUR_MS}, id="beyond the grace"),
        pytest.param({"at_ms": NOW_MS - HOUR_MS, "order_id": "another"}, id="another order"),
        pytest.param({"at_ms": NOW_MS - HOUR_MS, "seller": "s2"}, id="another seller's"),
    ],
)
def test_an_order_that_the_message_cannot_have_meant_revises_nothing(desk, order):
    desk.message("request", reasons=["delivery"], order_id="o1")
    assert not desk.order(PHONE_CASE, **order).findings


def test_a_number_that_would_cross_a_border_is_marked(desk):
    desk.order(WARDROBE, at_ms=NOW_MS - HOUR_MS, seller_country="CN")
    finding = desk.message("request", reasons=["delivery"])
    assert "cross_border" in {reason.code for reason in finding.reasons}
    assert str(finding.verdict) == "permitted"


@pytest.mark.parametrize(
    ("days", "bought", "is_new"),
    [
        pytest.param(30, PHONE_CASE, True, id="at the limit"),
        pytest.param(31, PHONE_CASE, False, id="after it"),
        pytest.param(1, WARDROBE, False, id="a real need outweighs it"),
    ],
)
def test_a_seller_is_new_for_the_policys_days(desk, days, bought, is_new):
    desk.verification("verified", at_ms=NOW_MS - HOUR_MS, registered_at_ms=NOW_MS - days * DAY_MS)
    desk.order(bought, at_ms=NOW_MS - DAY_MS)
    codes = {reason.code for reason in desk.message("request", reasons=["delivery"]).reasons}
    assert ("new_seller" in codes) is is_new
