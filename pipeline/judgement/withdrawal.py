"""What an open alert no longer rests on, once a late order has shown that messages were permitted, is taken back."""

from collections.abc import Callable

from pipeline.judgement.alerts import SEVERITIES, begin_revision, publish, recommended
from pipeline.judgement.rows import Seller
from pipeline.judgement.state import State
from pipeline.judgement.triggers import solicitation_surge, strikes_added_up
from pipeline.policy.model import Policy


def has_grave_finding(policy: Policy, seller: Seller, _at_ms: int) -> bool:
    """Whether one of the findings on file is a reason to verify the seller again by itself."""
    grave = {code for code, rule in policy.rules.items() if rule.is_grave}
    return any(not grave.isdisjoint(each.rules.split()) for each in seller.judged)


def has_finding(_policy: Policy, seller: Seller, _at_ms: int) -> bool:
    """Whether any message that was not permitted is on file."""
    return bool(seller.judged)


HOLDS: dict[str, Callable[[Policy, Seller, int], object]] = {
    "solicitation_surge": solicitation_surge,
    "strikes": strikes_added_up,
    "grave_act": has_grave_finding,
    "change_then_request": has_finding,
    "dormant_awake": has_finding,
}
"""The triggers that rest on findings, and whether what they rest on is still there."""
BY_TIME_ALONE = frozenset({"review_overdue"})


def grounds(policy: Policy, seller: Seller, at_ms: int) -> set[str]:
    """The triggers of the open alert that rest on findings, and do so still."""
    now_ms = max(at_ms, seller.last_at_ms)  # an order may be of the day before the messages that it came too late for
    triggers = seller.episode.triggers if seller.episode is not None else {}
    return {code for code in triggers if code in HOLDS and HOLDS[code](policy, seller, now_ms)}


def withdraw(policy: Policy, state: State, seller: Seller, at_ms: int, gone: set[str]) -> None:
    """Revises the open alert without the triggers whose grounds are gone; withdraws it where no other is left.

    A withdrawn alert tells what it had rested on. The seller is not left alone after it: nothing was decided.
    """
    episode = seller.episode
    if episode is None or not gone:
        return
    begin_revision(state, seller, episode, at_ms)
    held = [code for code in episode.triggers if code not in gone]
    if BY_TIME_ALONE.issuperset(held):
        publish(policy, state, seller, at_ms, is_closed=True, is_withdrawn=True)
        seller.episode = None
        return
    episode.triggers = {code: episode.triggers[code] for code in held}
    episode.reasons = {code: episode.reasons[code] for code in held}
    severities = policy.triggers.severity
    episode.severity = max((severities[code] for code in held if code not in BY_TIME_ALONE), key=SEVERITIES.index)
    episode.action = recommended(policy, seller, at_ms)
    publish(policy, state, seller, at_ms)
