"""A number that a seller sends in pieces: told from how many digits came when, for the digits never leave scan."""

from pipeline.judgement.rows import Conversation
from pipeline.judgement.times import MINUTE_MS
from pipeline.policy.model import Policy
from schemas.signals import ActSeen, MessageSeen
from schemas.vocabulary import Act, Channel

KEPT_FRAGMENTS = 8
RULE = "judge.split_number"
TECHNIQUE = "split"


def with_joined(policy: Policy, signal: MessageSeen, conversation: Conversation) -> MessageSeen:
    """The message, as a push of the seller's number where it completes one begun in the messages before."""
    if not signal.fragment_digits:
        return signal
    since_ms = signal.at_ms - policy.windows.split_minutes * MINUTE_MS
    recent = [each for each in conversation.fragments if each[0] >= since_ms]
    fragments = [*recent, (int(signal.at_ms), signal.fragment_digits, signal.fragment_has_prefix)][-KEPT_FRAGMENTS:]
    # Prices and sizes come in pieces too: something must say that it is a number to dial.
    is_contact = conversation.requests > 0 or any(has_prefix for _, _, has_prefix in fragments)
    digits = sum(count for _, count, _ in fragments)
    if len(fragments) == 1 or digits < policy.windows.split_digits or not is_contact:
        conversation.fragments = fragments
        return signal
    conversation.fragments = []
    pushed = ActSeen(act=Act.SHARE, channel=Channel.PHONE, rule=RULE)
    return signal.model_copy(
        update={
            "acts": (*signal.acts, pushed),
            "techniques": tuple(sorted({*signal.techniques, TECHNIQUE})),
            "rules": (*signal.rules, RULE),
        }
    )
