"""The buyer's discretion, harm, and what a seller's message may call for whatever the order says."""

import pytest
from judging import DAY_MS, HOUR_MS, NOW_MS, WARDROBE


def codes(finding):
    return {reason.code for reason in finding.reasons}


def test_a_refusal_is_final_and_weighs_more_each_time(desk):
    desk.order(WARDROBE, at_ms=NOW_MS - DAY_MS)
    need = {"reasons": ["delivery"]}
    first = desk.message("request", **need)
    desk.message("refuse", sender="buyer", at_ms=NOW_MS + 1)
    asked = [desk.message("request", at_ms=NOW_MS + hours * HOUR_MS, **need) for hours in (1, 2, 30)]
    assert [str(each.verdict) for each in [first, *asked]] == ["permitted", "questionable", "violation", "violation"]
    assert asked[0].score < asked[1].score < asked[2].score
    assert {str(each.risk) for each in asked} == {"harassment"}


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"conversation": "c2"}, id="in another conversation"),
        pytest.param({"language": "de"}, id="in another language"),
        pytest.param({"at_ms": NOW_MS + 40 * DAY_MS}, id="weeks later"),
        pytest.param({"order_id": "o2"}, id="about another order"),
    ],
)
def test_a_refusal_is_remembered(desk, again):
    desk.message("refuse", sender="buyer", at_ms=NOW_MS - HOUR_MS)
    assert "after_refusal" in codes(desk.message("request:whatsapp", **again))


def test_a_refusal_binds_one_seller_and_one_buyer_only(desk):
    desk.message("refuse", sender="buyer", at_ms=NOW_MS - HOUR_MS)
    assert "after_refusal" not in codes(desk.message("request", seller="s2", reasons=["delivery"]))
    assert "after_refusal" not in codes(desk.message("request", buyer="b_" + "2" * 24, reasons=["delivery"]))


@pytest.mark.parametrize("wish", ["request", "grant", "disclose"])
def test_a_buyer_who_wishes_contact_is_respected(desk, wish):
    desk.message(wish, sender="buyer", at_ms=NOW_MS - HOUR_MS)
    finding = desk.message("share:phone")
    assert str(finding.verdict) == "permitted"
    assert "buyer_wished" in codes(finding)


def test_the_buyers_last_word_holds(desk):
    desk.message("grant", sender="buyer", at_ms=NOW_MS - 3 * HOUR_MS)
    desk.message("withdraw", sender="buyer", at_ms=NOW_MS - 2 * HOUR_MS)
    assert "after_refusal" in codes(desk.message("request"))
    desk.message("grant", sender="buyer", at_ms=NOW_MS + HOUR_MS)
    assert "buyer_wished" in codes(desk.message("request", at_ms=NOW_MS + 2 * HOUR_MS))


def test_consent_given_under_a_threat_is_none(desk):
    desk.message(at_ms=NOW_MS - 2 * HOUR_MS, manners=["threat"])
    desk.message("grant", sender="buyer", at_ms=NOW_MS - HOUR_MS)
    assert "buyer_wished" not in codes(desk.message("request"))


@pytest.mark.parametrize("days", [pytest.param(30, id="at the limit"), pytest.param(31, id="too long ago")])
def test_a_wish_counts_for_the_policys_days(desk, days):
    desk.message("grant", sender="buyer", at_ms=NOW_MS - days * DAY_MS)
    assert ("buyer_wished" in codes(desk.message("request"))) is (days == 30)


@pytest.mark.parametrize(
    ("harm", "verdict", "risk", "severity"),
    [
        pytest.param({"manners": ["sensitive_data"]}, "violation", "phishing", "critical", id="wants a code"),
        pytest.param({"reasons": ["phishing"]}, "violation", "phishing", "critical", id="poses as the marketplace"),
        pytest.param({"manners": ["threat"]}, "violation", "harassment", "high", id="threatens"),
        pytest.param({"manners": ["harassment"]}, "violation", "harassment", "high", id="insults"),
        pytest.param(
            {"manners": ["off_platform_payment"]}, "violation", "off_platform", "medium", id="moves the payment"
        ),
    ],
)
def test_harm_is_never_met_with_silence_nor_excused(desk, harm, verdict, risk, severity):
    desk.order(WARDROBE, at_ms=NOW_MS - DAY_MS)
    desk.message("grant", sender="buyer", at_ms=NOW_MS - HOUR_MS)
    excuses = ["consent_sought", "use_limited", "alternative_offered"]
    manners, reasons = harm.get("manners", []), harm.get("reasons", [])
    finding = desk.message(manners=[*manners, *excuses], reasons=[*reasons, "delivery"])
    assert [str(each) for each in (finding.verdict, finding.risk, finding.severity)] == [verdict, risk, severity]


@pytest.mark.parametrize(
    ("says", "sender", "manners"),
    [
        pytest.param((), "seller", ["urgency"], id="a hurried seller who asks nothing"),
        pytest.param((), "seller", ["alternative_offered"], id="a seller who offers messages"),
        pytest.param((), "seller", ["review_reward"], id="a reward for a review without contact"),
        pytest.param(("request",), "buyer", [], id="a buyer who asks"),
        pytest.param(("disclose",), "buyer", [], id="a buyer who gives a number"),
    ],
)
def test_any_other_message_yields_no_finding(desk, says, sender, manners):
    assert desk.message(*says, sender=sender, manners=manners) is None
    assert not desk.alerts


def test_contact_soon_after_a_bad_review_is_harassment(desk):
    desk.review(1, at_ms=NOW_MS - DAY_MS)
    finding = desk.message("request")
    assert [str(finding.verdict), str(finding.risk)] == ["violation", "harassment"]


@pytest.mark.parametrize(("rating", "days"), [pytest.param(3, 1, id="fair review"), pytest.param(1, 15, id="long ago")])
def test_a_fair_or_an_old_review_does_not_weigh(desk, rating, days):
    desk.review(rating, at_ms=NOW_MS - days * DAY_MS)
    assert "after_bad_review" not in codes(desk.message("request"))


def test_a_complaint_makes_a_dispute_a_need(desk):
    before = desk.message("request", reasons=["dispute"], conversation="c1")
    desk.complaint(at_ms=NOW_MS)
    after = desk.message("request", reasons=["dispute"], conversation="c2", at_ms=NOW_MS + HOUR_MS)
    assert "needed" in codes(after)
    assert after.score < before.score


def test_another_way_tried_first_counts_in_the_sellers_favour(desk):
    desk.message(manners=["alternative_offered"], at_ms=NOW_MS - HOUR_MS)
    assert "alternative_tried" in codes(desk.message("request", reasons=["delivery"]))


@pytest.mark.parametrize(("others", "is_mass"), [pytest.param(4, False, id="four"), pytest.param(5, True, id="five")])
def test_one_wording_for_many_buyers_is_a_template(desk, others, is_mass):
    for number in range(others):
        desk.message("request", conversation=f"c{number}", buyer=f"b_{number:024d}", fingerprint="f" * 16)
    last = desk.message("request", conversation="last", buyer="b_" + "9" * 24, fingerprint="f" * 16)
    assert ("mass_wording" in codes(last)) is is_mass


def test_a_template_for_a_real_need_is_no_fault(desk):
    for number in range(8):
        desk.order(WARDROBE, at_ms=NOW_MS - DAY_MS, order_id=f"o{number}", buyer=f"b_{number:024d}")
        finding = desk.message(
            "request",
            conversation=f"c{number}",
            buyer=f"b_{number:024d}",
            order_id=f"o{number}",
            fingerprint="f" * 16,
            reasons=["delivery"],
        )
        assert str(finding.verdict) == "permitted"
    assert not desk.alerts


def test_a_report_joins_the_finding_that_it_is_about(desk):
    first = desk.message("request", message_id="m-1")
    (revised,) = desk.report(message_ids=("m-1", "m-unknown")).findings
    assert (revised.finding_id, revised.revision) == (first.finding_id, 1)
    assert "reported" in codes(revised)
    assert not desk.report(message_ids=("m-1",)).findings
