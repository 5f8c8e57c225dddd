"""What makes a seller worth verifying again: surges, persistence, reports, changes, lapses."""

from pipeline.judgement.alerts import Cause, Figures, current_strikes, instant, raise_alert
from pipeline.judgement.rates import complaint_rate, complaint_surge_tail, solicitation_surge_tail
from pipeline.judgement.rows import COUNTS, Person, Seller
from pipeline.judgement.sellers import period_days
from pipeline.judgement.state import State
from pipeline.judgement.times import DAY_MS
from pipeline.policy.model import Policy, Surge
from schemas.vocabulary import VerificationStatus

KEPT_PERSISTENT = 20


def window_count(seller: Seller, what: str, first_day: int, last_day: int) -> int:
    """Sum of a count over the days from `first_day` to `last_day`, both included."""
    index = COUNTS.index(what)
    return sum(
        counts[index] for day, counts in seller.days.items() if first_day <= day <= last_day and index < len(counts)
    )


def recent_and_past(seller: Seller, what: str, at_ms: int, surge: Surge) -> tuple[int, int]:
    """A count in the window that ends with the event's day, and in the baseline before it."""
    today = at_ms // DAY_MS
    first = today - surge.window_days + 1
    return (
        window_count(seller, what, first, today),
        window_count(seller, what, today - surge.baseline_days + 1, first - 1),
    )


def on_complaint_counts(policy: Policy, state: State, seller: Seller, at_ms: int) -> None:
    """A complaint surge, against the seller's own past and the marketplace's rate."""
    surge = policy.triggers.complaint_surge
    rates = policy.base_rates_of(seller.marketplace)
    recent, past = recent_and_past(seller, "complaints", at_ms, surge)
    if recent < surge.least_count:
        return
    orders, past_orders = recent_and_past(seller, "orders", at_ms, surge)
    tail = complaint_surge_tail(recent, orders, past, past_orders, rates.complaint_prior)
    if tail > surge.limit:
        return
    expected = complaint_rate(past, past_orders, rates.complaint_prior)
    figures = {
        "complaints": recent,
        "orders": orders,
        "window_days": surge.window_days,
        "expected_rate": round(expected, 4),
        "chance": float(f"{tail:.2e}"),
    }
    text = (
        f"{recent} complaints on {orders} orders in {surge.window_days} days, where its past and the marketplace's let "
        f"{expected:.1%} be expected."
    )
    raise_alert(policy, state, seller, at_ms, Cause("complaint_surge", figures, text))


def on_solicitation_counts(policy: Policy, state: State, seller: Seller, at_ms: int) -> None:
    """Alerts to a surge of requests that were not permitted."""
    if (cause := solicitation_surge(policy, seller, at_ms)) is not None:
        raise_alert(policy, state, seller, at_ms, cause)


def solicitation_surge(policy: Policy, seller: Seller, at_ms: int) -> Cause | None:
    """A surge of requests that were not permitted; `None` where there is none."""
    surge = policy.triggers.solicitation_surge
    rates = policy.base_rates_of(seller.marketplace)
    recent, past = recent_and_past(seller, "solicitations", at_ms, surge)
    if recent < surge.least_count:
        return None
    today = at_ms // DAY_MS
    known_days = today - min(seller.days, default=today) + 1
    past_days = min(max(known_days - surge.window_days, 0), surge.baseline_days - surge.window_days)
    tail = solicitation_surge_tail(recent, surge.window_days, past, past_days, rates.solicitation_prior)
    if tail > surge.limit:
        return None
    figures = {
        "solicitations": recent,
        "window_days": surge.window_days,
        "before": past,
        "before_days": past_days,
        "chance": float(f"{tail:.2e}"),
    }
    text = (
        f"{recent} requests for contact that were not permitted in {surge.window_days} days, "
        f"{past} in the {past_days} days before."
    )
    return Cause("solicitation_surge", figures, text)


def on_persistence(policy: Policy, state: State, seller: Seller, at_ms: int) -> None:
    """Asking again after a refusal, several times."""
    since_ms = at_ms - policy.triggers.persistence_days * DAY_MS
    seller.persistent_at_ms = [*(each for each in seller.persistent_at_ms if each > since_ms), at_ms][-KEPT_PERSISTENT:]
    times = len(seller.persistent_at_ms)
    if times >= policy.triggers.persistence_count:
        figures = {"requests_after_refusal": times, "window_days": policy.triggers.persistence_days}
        text = f"{times} requests after a buyer's refusal in {policy.triggers.persistence_days} days."
        raise_alert(policy, state, seller, at_ms, Cause("persistence", figures, text))


def on_strikes(policy: Policy, state: State, seller: Seller, at_ms: int) -> None:
    """Alerts to smaller acts whose strikes, after decay, add up."""
    if (cause := strikes_added_up(policy, seller, at_ms)) is not None:
        raise_alert(policy, state, seller, at_ms, cause)


def strikes_added_up(policy: Policy, seller: Seller, at_ms: int) -> Cause | None:
    """Smaller acts whose strikes, after decay, add up; `None` where they do not."""
    strikes = current_strikes(policy, seller, at_ms)
    if strikes < policy.triggers.strikes:
        return None
    figures = {"strikes": strikes, "limit": policy.triggers.strikes, "findings": len(seller.judged)}
    return Cause("strikes", figures, f"Its strikes have added up to {strikes:.1f}, after decay.")


def on_awakening(policy: Policy, state: State, seller: Seller, silent_since_ms: int, at_ms: int) -> None:
    """A violation of a seller that had long been silent."""
    days = (at_ms - silent_since_ms) // DAY_MS
    if silent_since_ms and days >= policy.triggers.dormant_days:
        text = f"It broke the rules at once after {days} days of silence: the account may have changed hands."
        raise_alert(policy, state, seller, at_ms, Cause("dormant_awake", {"silent_days": days}, text))


def on_bad_status(policy: Policy, state: State, seller: Seller, at_ms: int) -> None:
    """The marketplace itself says that the verification does not hold any more."""
    status = seller.verification.status
    if status in {VerificationStatus.EXPIRED, VerificationStatus.REVOKED, VerificationStatus.REJECTED}:
        text = f"Its verification is {status}."
        raise_alert(policy, state, seller, at_ms, Cause("verification_lapsed", {"status": str(status)}, text))


def on_reporters(policy: Policy, state: State, seller: Seller, at_ms: int) -> None:
    """Reports by several buyers, each weighed by what became of its reports before."""
    since_ms = at_ms - policy.triggers.reporter_days * DAY_MS
    recent = [buyer for buyer, reported_ms in seller.reporters.items() if since_ms < reported_ms <= at_ms]
    buyers, weight = len(recent), round(sum(reporter_weight(policy, state.person(buyer)) for buyer in recent), 2)
    if weight >= policy.triggers.distinct_reporters:
        figures: Figures = {"buyers": buyers, "weight": weight, "window_days": policy.triggers.reporter_days}
        text = f"{buyers} buyers reported the seller in {policy.triggers.reporter_days} days."
        raise_alert(policy, state, seller, at_ms, Cause("reports", figures, text))


def reporter_weight(policy: Policy, person: Person) -> float:
    """What a buyer's report counts, 0 to 1: the share of its reports that held, were `reporter_prior` more to hold.

    A new reporter counts whole. Outcomes on the sellers of other partitions are not known here.
    """
    held = person.confirmed + policy.triggers.reporter_prior
    return held / (held + person.dismissed)


def on_phone_dependence(policy: Policy, state: State, seller: Seller, at_ms: int) -> None:
    """A seller who asks for contact in far more conversations, by its orders, than others of its category do."""
    limits = policy.triggers.phone_dependence
    today = at_ms // DAY_MS
    first = today - limits.window_days + 1
    asked = window_count(seller, "asked", first, today)
    if asked < limits.least_count:
        return
    orders = window_count(seller, "orders", first, today)
    # Of several categories the one in which asking is most usual: a mixed shop is given the benefit.
    prior = max((policy.request_prior_of(each) for each in seller.categories or ("",)), key=lambda each: each.mean)
    tail = complaint_surge_tail(asked, orders, 0, 0, prior)
    if tail > limits.limit:
        return
    figures: Figures = {
        "asked": asked,
        "orders": orders,
        "window_days": limits.window_days,
        "expected_rate": prior.mean,
        "chance": float(f"{tail:.2e}"),
    }
    text = (
        f"It asked for contact in {asked} conversations on {orders} orders in {limits.window_days} days, where "
        f"{prior.mean:.0%} of orders is usual."
    )
    raise_alert(policy, state, seller, at_ms, Cause("phone_dependence", figures, text))


def on_verified_change(policy: Policy, state: State, seller: Seller, at_ms: int) -> None:
    """Requests soon after a bank account, tax id or identity changed."""
    changed_ms = seller.verification.changed_at_ms
    if changed_ms is None or not 0 <= at_ms - changed_ms <= policy.triggers.change_then_request_days * DAY_MS:
        return
    days = (at_ms - changed_ms) // DAY_MS
    figures = {"days_since_change": days}
    text = f"It asked for contact {days} days after its bank account, tax id or identity changed."
    raise_alert(policy, state, seller, at_ms, Cause("change_then_request", figures, text))


def on_verification_age(policy: Policy, state: State, seller: Seller, now_ms: int) -> None:
    """A verification that lapsed, or is due again."""
    verification = seller.verification
    if verification.status is not VerificationStatus.VERIFIED or verification.is_lapse_told:
        return
    if verification.expires_at_ms is not None and verification.expires_at_ms <= now_ms:
        verification.is_lapse_told = True
        verification.status = VerificationStatus.EXPIRED
        text = "Its verification expired."
        raise_alert(
            policy,
            state,
            seller,
            now_ms,
            Cause("verification_lapsed", {"expired_at": instant(verification.expires_at_ms).isoformat()}, text),
        )
        return
    days = period_days(policy, seller)
    due_ms = (verification.verified_at_ms or 0) + days * DAY_MS
    if verification.verified_at_ms is not None and due_ms <= now_ms:
        verification.is_lapse_told = True
        figures = {"verified_at": instant(verification.verified_at_ms).isoformat()}
        text = f"Its verification is {days} days old."
        raise_alert(policy, state, seller, now_ms, Cause("periodic", figures, text))
