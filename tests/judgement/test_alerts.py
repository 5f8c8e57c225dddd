"""Triggers, episodes, outcomes: when a seller is to be verified again, and when not."""

import pytest
from judging import BOOK, DAY_MS, HOUR_MS, NOW_MS, WARDROBE, Desk

POLICY = BOOK.policies[-1]


def a_buyer(number):
    return f"b_{number:024d}"


def ask_many(desk, count, at_ms=NOW_MS, *, seller="s1"):
    for number in range(count):
        desk.message(
            "request:whatsapp", seller=seller, conversation=f"c{number}", buyer=a_buyer(number), at_ms=at_ms + number
        )


def test_a_single_grave_act_opens_an_alert_at_once(desk):
    finding = desk.message(manners=["sensitive_data"])
    (alert,) = desk.alerts
    assert desk.triggers == ["grave_act"]
    assert alert.finding_ids == (finding.finding_id,)
    assert str(alert.severity) == "critical"


def test_an_honest_furniture_seller_never_raises_one(desk):
    for number in range(60):
        order = {"order_id": f"o{number}", "buyer": a_buyer(number)}
        at_ms = NOW_MS + number * 4 * HOUR_MS
        desk.order(WARDROBE, at_ms=at_ms, **order)
        said = {"conversation": f"c{number}", "reasons": ["delivery"], "manners": ["urgency"]}
        desk.message("request", at_ms=at_ms + HOUR_MS, **order, **said)
    assert {str(finding.verdict) for finding in desk.findings} == {"permitted"}
    assert not desk.alerts


@pytest.mark.parametrize(
    ("complaints", "orders", "fires"),
    [
        pytest.param(8, 40, True, id="one order in five"),
        pytest.param(2, 100, False, id="as many as usual"),
        pytest.param(3, 3, False, id="too few to tell"),
    ],
)
def test_a_complaint_surge_stands_out_from_past_and_marketplace(desk, complaints, orders, fires):
    for number in range(orders):
        desk.order(WARDROBE, at_ms=NOW_MS + number, order_id=f"o{number}", buyer=a_buyer(number))
    for number in range(complaints):
        desk.complaint(at_ms=NOW_MS + HOUR_MS + number, buyer=a_buyer(number))
    assert ("complaint_surge" in desk.triggers) is fires


def test_a_seller_that_was_always_so_has_no_surge(desk):
    for day in range(60):
        for number in range(10):
            desk.order(
                WARDROBE, at_ms=NOW_MS + day * DAY_MS, order_id=f"o{day}-{number}", buyer=a_buyer(day * 10 + number)
            )
        if day % 3 == 0:
            desk.complaint(at_ms=NOW_MS + day * DAY_MS, buyer=a_buyer(day))
    assert not desk.alerts


def test_a_solicitation_surge_fires(desk):
    ask_many(desk, 8)
    assert "solicitation_surge" in desk.triggers


def order_late(desk, numbers):
    for number in numbers:
        order = {"order_id": f"o{number}", "buyer": a_buyer(number), "arrived_at_ms": NOW_MS + HOUR_MS}
        desk.order(WARDROBE, at_ms=NOW_MS - HOUR_MS, **order)


def ask_for_delivery(desk, count, **more):
    for number in range(count):
        said = {"conversation": f"c{number}", "buyer": a_buyer(number), "order_id": f"o{number}"}
        desk.message("request:whatsapp", reasons=["delivery"], at_ms=NOW_MS + number, **said, **more)


def test_an_alert_is_withdrawn_when_late_orders_show_that_what_it_rested_on_was_permitted(desk):
    ask_for_delivery(desk, 8, manners=["urgency"])
    opened = desk.alerts[-1]
    assert desk.triggers == ["solicitation_surge"]
    order_late(desk, range(8))
    last = desk.alerts[-1]
    assert (last.alert_id, last.is_closed, last.is_withdrawn) == (opened.alert_id, True, True)
    assert last.revision == opened.revision + 1
    assert desk.triggers == ["solicitation_surge"], "it tells what it had rested on"


def test_an_alert_stays_while_what_it_rests_on_does(desk):
    ask_for_delivery(desk, 8, manners=["urgency"])
    revisions = len(desk.alerts)
    order_late(desk, [0])
    assert len(desk.alerts) == revisions


def test_a_late_order_takes_back_one_ground_of_an_alert_and_leaves_the_other(desk):
    ask_for_delivery(desk, 8, manners=["urgency"])
    desk.verification("revoked", at_ms=NOW_MS + 20)
    assert desk.triggers == ["solicitation_surge", "verification_lapsed"]
    order_late(desk, range(8))
    last = desk.alerts[-1]
    assert desk.triggers == ["verification_lapsed"]
    assert not last.is_closed
    assert str(last.severity) == str(POLICY.triggers.severity["verification_lapsed"])
    assert not any("not permitted" in reason for reason in last.reasons)


def test_time_alone_withdraws_no_alert(desk):
    ask_many(desk, 8)
    opened = desk.alerts[-1]
    assert {"solicitation_surge", "strikes"} <= set(desk.triggers)
    later_ms = NOW_MS + 300 * DAY_MS
    order = {"order_id": "o99", "buyer": a_buyer(99)}
    said = {"reasons": ["delivery"], "manners": ["urgency"], "conversation": "c99"}
    asked = desk.message("request:whatsapp", at_ms=later_ms, **order, **said)
    state = desk.order(WARDROBE, at_ms=later_ms - HOUR_MS, arrived_at_ms=later_ms + HOUR_MS, **order)
    assert (str(asked.verdict), [str(each.verdict) for each in state.findings]) == ("questionable", ["permitted"])
    assert desk.alerts[-1] is opened


def test_a_seller_whose_alert_was_withdrawn_is_not_left_alone_after_it(desk):
    ask_for_delivery(desk, 8, manners=["urgency"])
    order_late(desk, range(8))
    ask_many(desk, 8, at_ms=NOW_MS + 2 * HOUR_MS)
    last = desk.alerts[-1]
    assert (last.episode, last.is_closed) == (2, False)


def test_asking_again_after_a_refusal_is_persistence(desk):
    desk.message("refuse", sender="buyer", at_ms=NOW_MS - HOUR_MS)
    desk.message("request", at_ms=NOW_MS)
    assert "persistence" not in desk.triggers
    desk.message("request", at_ms=NOW_MS + HOUR_MS)
    assert "persistence" in desk.triggers


@pytest.mark.parametrize(("buyers", "fires"), [pytest.param(2, False, id="two"), pytest.param(3, True, id="three")])
def test_reports_weigh_by_distinct_buyers(desk, buyers, fires):
    for number in range(buyers):
        for _ in range(3):
            desk.report(at_ms=NOW_MS + number, buyer=a_buyer(number))
    assert ("reports" in desk.triggers) is fires


@pytest.mark.parametrize(
    ("days", "fires"), [pytest.param(30, True, id="at the limit"), pytest.param(31, False, id="after it")]
)
def test_a_changed_bank_account_followed_by_requests_fires(desk, days, fires):
    desk.verification("verified", at_ms=NOW_MS - 400 * DAY_MS, documents=[("bank", NOW_MS - 500 * DAY_MS)])
    desk.verification("verified", at_ms=NOW_MS - 100 * DAY_MS, documents=[("bank", NOW_MS)])
    desk.message("request", at_ms=NOW_MS + days * DAY_MS)
    assert ("change_then_request" in desk.triggers) is fires


def test_a_changed_licence_is_no_reason(desk):
    desk.verification("verified", at_ms=NOW_MS - 400 * DAY_MS, documents=[("licence", NOW_MS - 500 * DAY_MS)])
    desk.verification("verified", at_ms=NOW_MS - 100 * DAY_MS, documents=[("licence", NOW_MS)])
    desk.message("request", at_ms=NOW_MS + DAY_MS)
    assert not desk.alerts


def test_a_verification_lapses_at_its_own_time_however_late_the_tick(desk):
    expires_ms = NOW_MS + 10 * DAY_MS
    desk.verification("verified", expires_at_ms=expires_ms)
    desk.tick(expires_ms - 1)
    assert not desk.alerts
    desk.tick(expires_ms + DAY_MS)
    (alert,) = desk.alerts
    assert desk.triggers == ["verification_lapsed"]
    assert alert.at.timestamp() * 1000 == expires_ms
    desk.tick(expires_ms + DAY_MS + 1)
    assert len(desk.alerts) == 1


def test_a_verification_is_due_again_after_the_policys_days(desk):
    desk.verification("verified")
    desk.tick(NOW_MS + POLICY.triggers.periodic_days * DAY_MS)
    assert desk.triggers == ["periodic"]


def test_a_revoked_verification_alerts_at_once(desk):
    desk.verification("verified")
    desk.verification("revoked", at_ms=NOW_MS + DAY_MS)
    assert desk.triggers == ["verification_lapsed"]


def test_small_acts_add_up_and_fade(desk):
    for week in range(30):  # one violation in 60 days: the strikes halve faster than they come
        desk.message("share:whatsapp", conversation=f"c{week}", at_ms=NOW_MS + week * 60 * DAY_MS)
    assert "strikes" not in desk.triggers


def test_a_long_silence_broken_by_a_violation_is_told(desk):
    desk.order(WARDROBE, at_ms=NOW_MS - 200 * DAY_MS)
    desk.message("share:whatsapp")
    assert "dormant_awake" in desk.triggers


def test_one_episode_is_open_and_revised_only_when_it_escalates(desk):
    desk.message(manners=["sensitive_data"], conversation="c0")
    for number in range(3):
        desk.message(manners=["sensitive_data"], conversation=f"d{number}", at_ms=NOW_MS + number)
    assert {alert.alert_id for alert in desk.alerts} == {desk.alerts[0].alert_id}
    revisions = [alert.revision for alert in desk.alerts]
    assert revisions == list(range(len(revisions)))
    escalations = [(a.severity, len(a.triggers), a.recommended_action) for a in desk.alerts]
    assert len(set(escalations)) == len(escalations)


def test_an_outcome_closes_the_alert_and_moves_the_ladder(desk):
    desk.message(manners=["sensitive_data"])
    alert_id = desk.alerts[-1].alert_id
    state = desk.outcome("confirmed", at_ms=NOW_MS + DAY_MS, alert_id=alert_id, action="warning")
    assert desk.alerts[-1].is_closed
    assert state.confirmed["phishing", "confirmed"] == 1
    assert state.seller("s1").strikes > POLICY.ladder.grave_strikes


def test_a_dismissal_takes_the_strikes_back_and_snoozes(desk):
    ask_many(desk, 8)
    alert_id = desk.alerts[-1].alert_id
    state = desk.outcome("dismissed", at_ms=NOW_MS + DAY_MS, alert_id=alert_id)
    assert state.seller("s1").strikes < 0.1
    told = len(desk.alerts)
    ask_many(desk, 8, NOW_MS + 2 * DAY_MS)
    assert len(desk.alerts) == told
    desk.message(manners=["sensitive_data"], at_ms=NOW_MS + 3 * DAY_MS, conversation="new")
    assert len(desk.alerts) == told + 1, "something critical breaks the silence"
    assert desk.alerts[-1].episode == 2


def test_an_appeal_that_overturns_restores_the_score(desk):
    desk.message(manners=["sensitive_data"])
    alert_id = desk.alerts[-1].alert_id
    desk.outcome("confirmed", at_ms=NOW_MS + DAY_MS, alert_id=alert_id)
    state = desk.outcome("dismissed", at_ms=NOW_MS + 2 * DAY_MS, alert_id=alert_id)
    assert state.seller("s1").strikes < 0.1


def test_an_outcome_on_another_alert_closes_nothing(desk):
    desk.message(manners=["sensitive_data"])
    desk.outcome("confirmed", at_ms=NOW_MS + DAY_MS, alert_id="a_" + "0" * 24)
    assert not any(alert.is_closed for alert in desk.alerts)


def test_a_review_that_nobody_did_is_told_once(desk):
    desk.message(manners=["sensitive_data"])
    due_ms = round(desk.alerts[-1].due_at.timestamp() * 1000)
    desk.tick(due_ms)
    desk.tick(due_ms + DAY_MS)
    assert [alert.revision for alert in desk.alerts] == [0, 1]
    assert "review_overdue" in desk.triggers


def test_the_queue_is_sorted_by_harm(desk):
    other = Desk()
    desk.message(manners=["sensitive_data"])
    other.verification("verified")
    other.verification("expired", at_ms=NOW_MS + 1)
    assert desk.alerts[-1].priority > other.alerts[-1].priority


def test_a_statement_of_reasons_names_facts_clause_automation_and_redress(desk):
    desk.message(manners=["sensitive_data"])
    fact, automated, redress = desk.alerts[-1].reasons
    assert "asked for secrets" in fact
    assert "Clause 7" in fact
    assert "a person decides" in automated
    assert "183 days" in redress


def test_a_seller_that_was_verified_again_starts_its_period_anew(desk):
    desk.verification("verified", expires_at_ms=NOW_MS + DAY_MS)
    desk.tick(NOW_MS + DAY_MS)
    again_ms = NOW_MS + 2 * DAY_MS
    desk.outcome("confirmed", at_ms=again_ms, alert_id=desk.alerts[-1].alert_id, action="reverified")
    told = len(desk.alerts)
    desk.tick(again_ms + POLICY.triggers.periodic_days_at_risk * DAY_MS - 1)
    assert len(desk.alerts) == told
    desk.tick(again_ms + POLICY.triggers.periodic_days_at_risk * DAY_MS)
    assert desk.triggers == ["periodic"]


def test_a_number_that_was_given_is_to_be_deleted_after_the_delivery(desk):
    desk.order(WARDROBE, at_ms=NOW_MS - DAY_MS)
    desk.message("disclose:phone", sender="buyer", at_ms=NOW_MS, language="de")
    desk.order(at_ms=NOW_MS + DAY_MS, status="delivered")
    due_ms = NOW_MS + DAY_MS + POLICY.retention.delete_number_days * DAY_MS
    desk.tick(due_ms - 1)
    assert not desk.advisories
    desk.tick(due_ms)
    (advisory,) = desk.advisories
    assert (advisory.code, advisory.language) == ("seller_delete_number", "de")
    desk.tick(due_ms + 1)
    assert len(desk.advisories) == 1


def test_an_advisory_of_a_kind_comes_once_a_conversation_and_in_its_language(desk):
    for number in range(4):
        desk.message("share:whatsapp", at_ms=NOW_MS + number, language="fr")
    assert sorted(each.code for each in desk.advisories) == ["buyer_unusual_request", "seller_use_messages"]
    assert {each.language for each in desk.advisories} == {"fr"}
    assert len({each.advisory_id for each in desk.advisories}) == 2


def test_a_phisher_is_not_warned(desk):
    desk.message(manners=["sensitive_data"])
    assert [str(each.audience) for each in desk.advisories] == ["buyer"]
