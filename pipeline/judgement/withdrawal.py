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


def withdraw_unfounded(policy: Policy, state: State, seller: Seller, at_ms: int) -> None:
    """Revises the open alert without the triggers that hold no longer; withdraws it where no other is left.

    A withdrawn alert tells what it had rested on. The seller is not left alone after it: nothing was decided.
    """
    episode = seller.episode
    if episode is None:
        return
    now_ms = max(at_ms, seller.last_at_ms)  # the order may be of the day before the messages that it came too late for
    held = [code for code in episode.triggers if code not in HOLDS or HOLDS[code](policy, seller, now_ms)]
    if len(held) == len(episode.triggers):
        return
    begin_revision(state, seller, episode, at_ms)
    if BY_TIME_ALONE.issuperset(held):
        publish(policy, state, seller, at_ms, is_closed=True, is_withdrawn=True)
        seller.episode = None
        return
    episode.triggers = {code: episode.triggers[code] for code in held}
    episode.reasons = {code: episode.reasons[code] for code in held}
    severities = policy.triggers.severity
    episode.severity = max((severities[code] for code in held if code not in BY_TIME_ALONE), key=SEVERITIES.index)
    episode.action = recommended(policy, seller, now_ms)
    publish(policy, state, seller, at_ms)
