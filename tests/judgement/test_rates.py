"""The statistics of the surges: what they are, and that the false-alarm rate that the policy states holds."""

import random
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judging import BOOK

from pipeline.judgement.rates import complaint_rate, complaint_surge_tail, decayed, solicitation_surge_tail
from pipeline.policy.model import Prior

POLICY = BOOK.policies[-1]
PRIOR = Prior(mean=0.02, strength=150)
SELLERS, WEEKS = 500, 12


def binomial_tail(count, trials, rate):
    return sum(comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(count, trials + 1))


def test_with_a_long_past_the_tail_is_the_binomial_one():
    tail = complaint_surge_tail(8, 100, past=30_000, past_orders=1_000_000, prior=PRIOR)
    assert tail == pytest.approx(binomial_tail(8, 100, 0.03), rel=0.01)


@given(recent=st.integers(0, 40), orders=st.integers(0, 400), past=st.integers(0, 40), past_orders=st.integers(0, 400))
def test_a_tail_is_a_chance_and_falls_with_every_case(recent, orders, past, past_orders):
    one, more = (
        complaint_surge_tail(count, orders + 1 + recent, past, past_orders, PRIOR) for count in (recent, recent + 1)
    )
    assert -1e-9 <= more <= one + 1e-9 <= 1 + 2e-9


def test_a_small_seller_is_judged_closer_to_the_marketplace():
    assert complaint_rate(1, 3, PRIOR) < complaint_rate(30, 300, PRIOR)


@given(value=st.floats(0, 100), days=st.integers(0, 3_650))
def test_a_score_halves_with_every_half_life(value, days):
    assert decayed(value, (days + 90) * 86_400_000, 90 * 86_400_000) == pytest.approx(
        decayed(value, days * 86_400_000, 90 * 86_400_000) / 2
    )


@pytest.mark.parametrize("orders_a_day", [1, 5, 20])
def test_the_false_alarm_rate_that_the_policy_states_holds_for_complaints(orders_a_day):
    """Sellers of every rate that the prior allows, none of whom changes: how many of their weeks raise an alarm.

    The sliding week is looked at after each complaint, as the judge does.
    """
    surge, chance = POLICY.triggers.complaint_surge, random.Random(orders_a_day)
    prior = POLICY.base_rates_of(None).complaint_prior
    alarms = set()
    for seller in range(SELLERS):
        rate = chance.betavariate(prior.mean * prior.strength, (1 - prior.mean) * prior.strength)
        days = []
        for day in range(WEEKS * 7):
            days.append(sum(chance.random() < rate for _ in range(orders_a_day)))
            recent, past = days[-surge.window_days : -1], sum(days[: -surge.window_days])
            past_orders = max(day + 1 - surge.window_days, 0) * orders_a_day
            orders = (len(recent) + 1) * orders_a_day
            looks = range(max(sum(recent) + 1, surge.least_count), sum(recent) + days[-1] + 1)
            if any(complaint_surge_tail(seen, orders, past, past_orders, prior) <= surge.limit for seen in looks):
                alarms.add((seller, day // 7))
    assert len(alarms) / (SELLERS * WEEKS) <= surge.false_alarm_rate


def test_the_false_alarm_rate_that_the_policy_states_holds_for_solicitations():
    surge, chance = POLICY.triggers.solicitation_surge, random.Random(3)
    prior = POLICY.base_rates_of(None).solicitation_prior
    alarms = set()
    for seller in range(SELLERS):
        rate = chance.gammavariate(prior.mean * prior.strength, 1 / prior.strength)
        days = []
        for day in range(WEEKS * 7):
            days.append(poisson(chance, rate))
            count, past = sum(days[-surge.window_days :]), sum(days[: -surge.window_days])
            past_days = max(day + 1 - surge.window_days, 0)
            if days[-1] and count >= surge.least_count:
                tail = solicitation_surge_tail(count, surge.window_days, past, past_days, prior)
                alarms |= {(seller, day // 7)} if tail <= surge.limit else set()
    assert len(alarms) / (SELLERS * WEEKS) <= surge.false_alarm_rate


def poisson(chance, mean):
    count, at = 0, chance.expovariate(1)
    while at < mean:
        count, at = count + 1, at + chance.expovariate(1)
    return count


@pytest.mark.parametrize(
    ("complaints", "least_power"), [pytest.param(6, 0.5, id="ten times"), pytest.param(9, 0.9, id="fifteen times")]
)
def test_a_real_surge_is_seen(complaints, least_power):
    """A seller with two quiet months, 30 orders a week, whose rate jumps from 2 % to `complaints` in 30."""
    surge, chance = POLICY.triggers.complaint_surge, random.Random(5)
    prior = POLICY.base_rates_of(None).complaint_prior
    seen = 0
    for _ in range(300):
        count = sum(chance.random() < complaints / 30 for _ in range(30))
        seen += count >= surge.least_count and complaint_surge_tail(count, 30, 5, 240, prior) <= surge.limit
    assert seen / 300 >= least_power
