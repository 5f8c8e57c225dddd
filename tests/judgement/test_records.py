"""Records: of reporters, of rules, of a seller's habits; and the statement that a recommended step needs."""

import pytest
from judging import BOOK, DAY_MS, NOW_MS, PHONE_CASE, WARDROBE, Desk

from pipeline.judgement.rates import wilson_interval
from pipeline.judgement.rows import Person
from pipeline.judgement.triggers import reporter_weight

POLICY = BOOK.policies[-1]


def a_buyer(number):
    return f"b_{number:024d}"


def dismiss_reports_of(desk, buyers, seller):
    """An alert on another seller that these buyers reported, and that an analyst dismisses."""
    for number in buyers:
        desk.report(seller=seller, buyer=a_buyer(number))
    desk.outcome("dismissed", at_ms=NOW_MS + 1, seller=seller, alert_id=desk.alerts[-1].alert_id)


def test_buyers_whose_reports_did_not_hold_weigh_less(desk):
    dismiss_reports_of(desk, range(3), "other")
    told = len(desk.alerts)
    for number in range(3):
        desk.report(at_ms=NOW_MS + DAY_MS, buyer=a_buyer(number))
    assert len(desk.alerts) == told
    desk.report(at_ms=NOW_MS + DAY_MS, buyer=a_buyer(9))
    (trigger,) = desk.alerts[-1].triggers
    assert (trigger.code, trigger.figures["buyers"], trigger.figures["weight"]) == ("reports", 4, 3.0)


def test_an_outcome_counts_a_report_once(desk):
    dismiss_reports_of(desk, range(3), "other")
    desk.outcome("dismissed", at_ms=NOW_MS + 2, seller="other")
    assert desk.take(desk_tick(desk)).person(a_buyer(0)).dismissed == 1


def desk_tick(desk):
    from schemas.signals import Origin, Tick  # noqa: PLC0415 - only here

    desk.offset += 1
    origin = Origin(topic="ringfence.ticks", partition=0, offset=desk.offset)
    return Tick(origin=origin, at_ms=NOW_MS, arrived_at_ms=NOW_MS, seller_id="")


@pytest.mark.parametrize(
    ("confirmed", "dismissed", "weight"),
    [(0, 0, 1.0), (5, 0, 1.0), (0, 2, 0.5), (0, 6, 0.25), (6, 2, 0.8)],
)
def test_a_reporters_weight_is_the_share_of_its_reports_that_held(confirmed, dismissed, weight):
    assert reporter_weight(POLICY, Person(confirmed=confirmed, dismissed=dismissed)) == weight


def test_a_buyer_who_only_reported_is_erased_too(desk):
    desk.report(buyer=a_buyer(5))
    assert a_buyer(5).encode() in b"".join(key + row for key, row in desk.rows.items())
    desk.erasure(buyer=a_buyer(5), at_ms=NOW_MS + 1)
    assert a_buyer(5).encode() not in b"".join(key + row for key, row in desk.rows.items())


def test_a_statement_of_reasons_has_every_part(desk):
    desk.message(manners=["sensitive_data"])
    said = desk.alerts[-1].statement
    assert said.step is desk.alerts[-1].recommended_action
    assert said.effect == POLICY.statement.steps[said.step]
    assert "asked for secrets" in said.facts[0]
    assert said.clauses == ("7",)
    assert not said.is_from_reports
    assert "automated" in said.automated
    assert (said.redress_until - desk.alerts[-1].at).days == POLICY.statement.redress_days


def test_a_statement_says_that_buyers_reported(desk):
    for number in range(3):
        desk.report(buyer=a_buyer(number))
    assert desk.alerts[-1].statement.is_from_reports


def sell_and_ask(desk, orders, asked, item):
    for number in range(orders):
        desk.order(item, at_ms=NOW_MS + number, order_id=f"o{number}", buyer=a_buyer(number))
    for number in range(asked):
        said = {"reasons": ["delivery"], "manners": ["consent_sought", "use_limited", "alternative_offered"]}
        desk.message(
            "request",
            at_ms=NOW_MS + DAY_MS + number,
            order_id=f"o{number}",
            buyer=a_buyer(number),
            conversation=f"c{number}",
            **said,
        )


@pytest.mark.parametrize(
    ("item", "asked", "fires"),
    [
        pytest.param(PHONE_CASE, 20, True, id="phone cases, one order in two"),
        pytest.param(PHONE_CASE, 9, False, id="too few to tell"),
        pytest.param(WARDROBE, 38, False, id="furniture, nearly every order"),
    ],
)
def test_a_seller_who_depends_on_the_phone_where_others_do_not_is_told(desk, item, asked, fires):
    sell_and_ask(desk, 40, asked, item)
    assert any("phone_dependence" in {t.code for t in alert.triggers} for alert in desk.alerts) is fires


def test_a_buyer_who_asked_first_makes_nobody_depend(desk):
    for number in range(30):
        desk.order(PHONE_CASE, at_ms=NOW_MS + number, order_id=f"o{number}", buyer=a_buyer(number))
        about = {"buyer": a_buyer(number), "conversation": f"c{number}"}
        desk.message("request", sender="buyer", at_ms=NOW_MS + number, **about)
        desk.message("share:phone", at_ms=NOW_MS + number + 1, **about)
    assert not desk.alerts


@pytest.mark.parametrize(
    ("strikes", "days"),
    [
        pytest.param(0, POLICY.triggers.periodic_days, id="without a strike"),
        pytest.param(1, POLICY.triggers.periodic_days_at_risk, id="with one"),
    ],
)
def test_a_seller_at_risk_is_verified_again_sooner(strikes, days):
    desk = Desk()
    for number in range(strikes):
        desk.message("share:whatsapp", conversation=f"c{number}", at_ms=NOW_MS - 1)
    desk.verification("verified")
    desk.tick(NOW_MS + days * DAY_MS - 1)
    assert "periodic" not in desk.triggers
    desk.tick(NOW_MS + days * DAY_MS)
    assert "periodic" in desk.triggers


@pytest.mark.parametrize(
    ("level", "days"),
    [
        pytest.param("basic", POLICY.triggers.periodic_days_by_level["basic"], id="a level with a period of its own"),
        pytest.param("full", POLICY.triggers.periodic_days, id="another level"),
        pytest.param(None, POLICY.triggers.periodic_days, id="no level"),
    ],
)
def test_a_lower_level_of_verification_is_due_again_sooner(level, days):
    desk = Desk()
    desk.verification("verified", level=level)
    desk.tick(NOW_MS + days * DAY_MS - 1)
    assert "periodic" not in desk.triggers
    desk.tick(NOW_MS + days * DAY_MS)
    assert "periodic" in desk.triggers


@pytest.mark.parametrize(
    ("held", "of", "low", "high"),
    [
        pytest.param(0, 0, 0.0, 1.0, id="nothing decided"),
        pytest.param(10, 10, 0.722, 1.0, id="all of ten"),
        pytest.param(0, 10, 0.0, 0.278, id="none of ten"),
        pytest.param(50, 100, 0.404, 0.596, id="half of a hundred"),
    ],
)
def test_a_precision_has_its_interval(held, of, low, high):
    assert wilson_interval(held, of) == pytest.approx((low, high), abs=0.001)
