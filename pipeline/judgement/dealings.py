"""What a seller and one buyer have behind them is kept for a while, listed for an erasure, and then forgotten."""

from pipeline.judgement.rows import Dealing, dealing_key, person_key
from pipeline.judgement.state import State
from pipeline.judgement.times import DAY_MS
from pipeline.policy.model import Policy

KEPT_SELLERS = 500
"""Of one buyer in one partition; more dealings wait for their own time to be forgotten."""


def keep_dealing(policy: Policy, state: State, dealing: Dealing, whom: tuple[str, str], at_ms: int) -> None:
    """Remembers the dealing of `whom`, seller and buyer, and lists a new one under the buyer."""
    is_new = not dealing.last_at_ms
    state.put(dealing_key(*whom), with_due(policy, dealing, at_ms))
    if is_new:
        seller_id, buyer = whom
        person = state.person(buyer)
        others = [each for each in person.sellers if each != seller_id]
        person.sellers = [*others, seller_id][-KEPT_SELLERS:]
        person.due_ms = max(person.due_ms or 0, dealing.last_at_ms + policy.retention.dealing_days * DAY_MS)
        state.put(person_key(buyer), person)


def with_due(policy: Policy, dealing: Dealing, at_ms: int) -> Dealing:
    """The dealing's row, kept for the policy's time after its last event, with the reminder that may come before."""
    dealing.last_at_ms = max(dealing.last_at_ms, at_ms)
    ends_ms = dealing.last_at_ms + policy.retention.dealing_days * DAY_MS
    dealing.due_ms = ends_ms if dealing.remind_at_ms is None else min(ends_ms, dealing.remind_at_ms)
    return dealing
