"""Laws of the fold: it depends on nothing but its input, forgets in time, and never grows without end."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import BOOK, DAY_MS, HOUR_MS, NOW_MS, PHONE_CASE, WARDROBE, Desk

from pipeline.judgement.fold import fold
from pipeline.judgement.state import State
from pipeline.runners.memory_rows import MemoryRows

YEAR_MS = 365 * DAY_MS
SAYS = ["request", "request:whatsapp", "share:telegram", "hint", "refuse", "grant", "disclose"]
steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["message", "order", "shipped", "complaint", "review", "report", "verified", "outcome", "tick"]
        ),
        st.integers(0, 40 * DAY_MS),
        st.integers(0, 3),
        st.sampled_from(SAYS),
        st.sampled_from(["delivery", "vague", "marketing", "phishing", "none"]),
    ),
    max_size=40,
)


def play(desk, steps):
    """Lets the steps happen, at the times that they name."""
    for kind, after_ms, who, says, reason in steps:
        at_ms, buyer = NOW_MS + after_ms, f"b_{who:024d}"
        match kind:
            case "message":
                sender = "buyer" if says in {"refuse", "grant", "disclose"} else "seller"
                said = {"sender": sender, "conversation": f"c{who}", "reasons": [reason]}
                desk.message(says, at_ms=at_ms, buyer=buyer, **said)
            case "order":
                desk.order(WARDROBE if who else PHONE_CASE, at_ms=at_ms, buyer=buyer, order_id=f"o{who}")
            case "shipped":
                desk.order(at_ms=at_ms, status="shipped", buyer=buyer, order_id=f"o{who}")
            case "complaint":
                desk.complaint(at_ms=at_ms, buyer=buyer)
            case "review":
                desk.review(1 + who, at_ms=at_ms, buyer=buyer)
            case "report":
                desk.report(at_ms=at_ms, buyer=buyer, message_ids=tuple(f"m{number}" for number in range(1, 9)))
            case "verified":
                desk.verification("verified", at_ms=at_ms, expires_at_ms=at_ms + who * DAY_MS + 1)
            case "outcome":
                desk.outcome("confirmed" if who else "dismissed", at_ms=at_ms)
            case "tick":
                desk.tick(at_ms)
    return desk


def memory(desk):
    return dict(desk.rows._rows)


@settings(max_examples=60, deadline=None)
@given(steps=steps)
def test_the_same_signals_give_the_same_bytes(steps):
    one, two = play(Desk(), steps), play(Desk(), steps)
    assert memory(one) == memory(two)
    assert (one.findings, one.alerts, one.advisories) == (two.findings, two.alerts, two.advisories)


@settings(max_examples=80, deadline=None)
@given(steps=steps, cut=st.integers(0, 40))
def test_how_signals_are_batched_changes_nothing(steps, cut):
    """One state for several signals, as the judge keeps within a batch, against one for each."""
    signals = []

    class Recorder(Desk):
        def take(self, signal):
            signals.append(signal)
            return super().take(signal)

    single = play(Recorder(), steps)
    rows, alerts = MemoryRows(), []
    for batch in (signals[:cut], signals[cut:]):
        state = State(rows)
        for signal in batch:
            fold(BOOK, state, signal)
        rows.apply(state.changes())
        alerts += state.alerts
    assert dict(rows._rows) == memory(single)
    assert alerts == single.alerts


@settings(max_examples=80, deadline=None)
@given(steps=steps)
def test_time_alone_empties_the_table_but_for_sellers(steps):
    desk = play(Desk(), steps)
    desk.tick(NOW_MS + 3 * YEAR_MS)
    assert {key[:1] for key in memory(desk)} <= {b"s"}
    assert not list(desk.rows.due(NOW_MS + 3 * YEAR_MS))


@settings(max_examples=80, deadline=None)
@given(steps=steps)
def test_an_alert_keeps_its_id_and_its_revisions_have_no_gap(steps):
    desk = play(Desk(), steps)
    by_alert = {}
    for alert in desk.alerts:
        by_alert.setdefault(alert.alert_id, []).append(alert)
    for episode, revisions in enumerate(by_alert.values(), 1):
        assert [alert.revision for alert in revisions] == list(range(len(revisions)))
        assert {alert.episode for alert in revisions} == {episode}
        assert not any(alert.is_closed for alert in revisions[:-1])


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(lambda desk: desk.message("request:whatsapp", message_id="m1"), id="message"),
        pytest.param(lambda desk: desk.complaint(complaint_id="k1"), id="complaint"),
        pytest.param(lambda desk: desk.report(report_id="p1"), id="report"),
        pytest.param(lambda desk: desk.order(WARDROBE), id="order"),
        pytest.param(lambda desk: desk.verification("verified", expires_at_ms=NOW_MS + DAY_MS), id="verification"),
        pytest.param(lambda desk: desk.review(1), id="review"),
    ],
)
def test_the_same_event_at_another_offset_changes_nothing(desk, again):
    again(desk)
    before, findings = memory(desk), len(desk.findings)
    again(desk)
    assert memory(desk) == before
    assert len(desk.findings) == findings


def test_a_seller_with_many_conversations_has_a_small_row(desk):
    for number in range(3_000):
        desk.message(
            "request:whatsapp",
            conversation=f"c{number}",
            buyer=f"b_{number:024d}",
            at_ms=NOW_MS + number * HOUR_MS,
            fingerprint=f"{number:016x}",
        )
        desk.complaint(at_ms=NOW_MS + number * HOUR_MS, buyer=f"b_{number:024d}")
        desk.report(at_ms=NOW_MS + number * HOUR_MS, buyer=f"b_{number:024d}")
    assert len(memory(desk)[b"s:s1"]) < 12_000


def test_a_conversation_with_many_messages_has_small_rows(desk):
    for number in range(2_000):
        desk.message("request:whatsapp", at_ms=NOW_MS + number, excerpt="x" * 280, rules=("en.rule",) * 100)
        desk.message("refuse", sender="buyer", at_ms=NOW_MS + number)
    assert max(len(row) for row in memory(desk).values()) < 8_000


def test_an_event_with_a_clock_a_year_behind_or_ahead_spoils_no_window(desk):
    for number in range(40):
        desk.order(WARDROBE, at_ms=NOW_MS + number * DAY_MS, order_id=f"o{number}", buyer=f"b_{number:024d}")
    before = msgspec.json.decode(memory(desk)[b"s:s1"])["days"]
    for wrong_ms in (-YEAR_MS, YEAR_MS):
        desk.complaint(at_ms=NOW_MS + wrong_ms)
    after = msgspec.json.decode(memory(desk)[b"s:s1"])["days"]
    assert before.items() <= after.items()
    assert not desk.alerts


def test_a_usual_sellers_row_takes_two_kilobytes_at_most():
    """Three months of a seller who sells every other day, asks and is complained of now and then, and two beside it."""
    desk = Desk()
    for seller, orders_a_day in (("busy", 6), ("usual", 1), ("quiet", 0)):
        for day in range(90):
            at_ms = NOW_MS + day * DAY_MS
            for number in range(orders_a_day if orders_a_day != 1 or day % 2 else 0):
                who = f"b_{day * 10 + number:024d}"
                desk.order(WARDROBE, at_ms=at_ms, seller=seller, order_id=f"o{day}-{number}", buyer=who)
                if number == 0 and day % 7 == 0:
                    said = {"reasons": ["delivery"], "fingerprint": f"{day:016x}", "conversation": f"c{day}"}
                    desk.message("request", at_ms=at_ms + 1, seller=seller, buyer=who, **said)
            if day % 30 == 5:
                desk.message("share:whatsapp", at_ms=at_ms, seller=seller, conversation=f"w{day}")
                desk.complaint(at_ms=at_ms, seller=seller)
        desk.verification("verified", seller=seller, at_ms=NOW_MS, documents=[("bank", NOW_MS), ("tax_id", NOW_MS)])
    sizes = sorted(len(row) for key, row in memory(desk).items() if key.startswith(b"s:"))
    assert sizes[1] <= 2_048
    assert sizes[-1] <= 4_096
