"""A buyer's "no" and nothing else: a refusal where the seller has just asked for contact."""

from pipeline.judgement.rows import Conversation
from pipeline.judgement.times import HOUR_MS
from pipeline.policy.model import Policy
from schemas.signals import ActSeen, MessageSeen
from schemas.vocabulary import Act

RULE = "judge.bare_no"


def with_answered(policy: Policy, signal: MessageSeen, conversation: Conversation) -> MessageSeen:
    """The message, as a refusal where it answers a request for contact; what the buyer says answers the request."""
    asked_at_ms, conversation.unanswered_since_ms = conversation.unanswered_since_ms, None
    if not signal.is_bare_no or asked_at_ms is None:
        return signal
    if not 0 <= signal.at_ms - asked_at_ms <= policy.windows.answer_hours * HOUR_MS:
        return signal
    refused = ActSeen(act=Act.REFUSE, channel=None, rule=RULE)
    return signal.model_copy(update={"acts": (*signal.acts, refused), "rules": (*signal.rules, RULE)})
