"""A seller that goes on asking without naming what: "the driver really needs one", after a request or a refusal."""

from pipeline.judgement.rows import Conversation, Dealing
from pipeline.judgement.verdicts import is_push
from schemas.signals import ActSeen, MessageSeen
from schemas.vocabulary import Act, Channel, Manner

RULE = "judge.insists"


def with_insisted(signal: MessageSeen, conversation: Conversation, dealing: Dealing) -> MessageSeen:
    """The message, as a request where it presses on for what was asked in this conversation or refused by the buyer."""
    was_refused = dealing.refused_at_ms is not None and dealing.refused_at_ms >= (dealing.granted_at_ms or 0)
    if Manner.INSISTENCE not in signal.manners or is_push(signal) or not (conversation.requests or was_refused):
        return signal
    asked = ActSeen(act=Act.REQUEST, channel=Channel.PHONE, rule=RULE)
    return signal.model_copy(update={"acts": (*signal.acts, asked), "rules": (*signal.rules, RULE)})
