"""Whether a count is a surge: tails of predictive distributions, shrunk towards the marketplace's own rates.

A surge is looked at with every case that arrives; the policy splits its false-alarm rate over the looks at a window.
tests/judgement/test_rates.py shows by simulation that the stated rate holds.
"""

from math import exp, lgamma, log, sqrt

from pipeline.policy.model import Prior


def complaint_surge_tail(recent: int, orders: int, past: int, past_orders: int, prior: Prior) -> float:
    """Chance of `recent` or more complaints on `orders` orders, from the past and the marketplace's rate, 0 to 1.

    Upper tail of the beta-binomial: posterior predictive of a binomial count under a beta prior that weighs
    as `prior.strength` orders. Complaints beyond the orders (late ones) count as one order each.

    Source: Gelman et al., Bayesian Data Analysis, 3rd ed., sections 2.4 and 2.5.
    """
    trials = max(orders, recent)
    a = prior.mean * prior.strength + past
    b = (1.0 - prior.mean) * prior.strength + max(past_orders - past, 0)
    below = sum(exp(log_choose(trials, k) + log_beta(k + a, trials - k + b) - log_beta(a, b)) for k in range(recent))
    return max(1.0 - below, 0.0)


def solicitation_surge_tail(recent: int, days: int, past: int, past_days: int, prior: Prior) -> float:
    """Chance of `recent` or more solicitations in `days` days, from the past and the marketplace's rate, 0 to 1.

    Upper tail of the negative binomial: posterior predictive of a Poisson count under a gamma prior that weighs
    as `prior.strength` days.

    Source: Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6.
    """
    shape = prior.mean * prior.strength + past
    exposure = prior.strength + past_days
    success = exposure / (exposure + days)
    below = sum(
        exp(lgamma(k + shape) - lgamma(shape) - lgamma(k + 1) + shape * log(success) + k * log(1.0 - success))
        for k in range(recent)
    )
    return max(1.0 - below, 0.0)


def complaint_rate(complaints: int, orders: int, prior: Prior) -> float:
    """Share of orders that drew a complaint, 0 to 1, pulled towards the marketplace's rate.

    Posterior mean of a binomial share under a beta prior. Source: Gelman et al., section 2.4.
    """
    return (complaints + prior.mean * prior.strength) / (max(orders, complaints) + prior.strength)


def wilson_interval(held: int, of: int) -> tuple[float, float]:
    """Where a share lies with 95 % confidence, 0 to 1; the whole range where nothing was decided.

    Source: Wilson, Probable inference, the law of succession, and statistical inference, JASA 22, 1927.
    """
    if of == 0:
        return 0.0, 1.0
    share, z = held / of, 1.959964
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    reach = z / (1 + z * z / of) * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def decayed(value: float, elapsed_ms: int, half_life_ms: int) -> float:
    """A score after its half-life has worked on it; time that runs backwards leaves it alone."""
    return float(value * 0.5 ** (max(elapsed_ms, 0) / half_life_ms))


def log_choose(n: int, k: int) -> float:
    """Logarithm of the binomial coefficient."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def log_beta(a: float, b: float) -> float:
    """Logarithm of the beta function."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)
