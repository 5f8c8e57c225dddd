"""What lies behind a message: the buyer's wishes, what was tried and said before, and how the seller stands."""

from dataclasses import dataclass

from pipeline.detection.wording import is_same_wording
from pipeline.judgement.rows import Conversation, Dealing, OrderRow, Seller
from pipeline.judgement.times import DAY_MS
from pipeline.policy.model import Policy
from schemas.signals import MessageSeen
from schemas.vocabulary import Manner, VerificationStatus

UNSOUND = frozenset(
    {
        VerificationStatus.UNVERIFIED,
        VerificationStatus.EXPIRED,
        VerificationStatus.REJECTED,
        VerificationStatus.REVOKED,
    }
)


TONES: tuple[frozenset[Manner], ...] = (
    frozenset(),
    frozenset({Manner.URGENCY}),
    frozenset({Manner.THREAT, Manner.HARASSMENT}),
)
"""How a message of interest is put, mildest first."""
IN_DISPUTE = "in_dispute"
"""No rule: it makes the reason `dispute` a real need."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known around a message when it is judged."""

    seller: Seller
    conversation: Conversation
    dealing: Dealing
    order: OrderRow | None
    strikes: float
    """The seller's, after decay."""


def history_codes(policy: Policy, signal: MessageSeen, around: Circumstances) -> dict[str, int]:
    """The rules that the time before the message brings in, each with how often it happened."""
    codes = wish_codes(policy, signal, around)
    dealing, conversation = around.dealing, around.conversation
    if conversation.requests and "buyer_wished" not in codes and "after_refusal" not in codes:
        codes["repeated"] = conversation.requests
    if Manner.URGENCY in signal.manners and conversation.urgings:
        codes["pressing_again"] = conversation.urgings
    if 0 < conversation.tone < tone_of(signal):
        codes["escalating"] = 1
    if conversation.alternatives and Manner.ALTERNATIVE_OFFERED not in signal.manners:
        codes["alternative_tried"] = 1
    if dealing.complained_at_ms is not None or dealing.soured_at_ms is not None:
        codes[IN_DISPUTE] = 1
    if "buyer_wished" not in codes and is_within(signal.at_ms, dealing.soured_at_ms, policy.windows.harassment_days):
        codes["after_bad_review"] = 1
    return codes | standing_codes(policy, signal, around)


def wish_codes(policy: Policy, signal: MessageSeen, around: Circumstances) -> dict[str, int]:
    """What the buyer wanted, by its last word. Consent given under a threat is none."""
    dealing = around.dealing
    asked_ms, granted_ms = dealing.asked_at_ms, dealing.granted_at_ms
    wished_ms = max(asked_ms or 0, granted_ms or 0)
    if dealing.refused_at_ms is not None and dealing.refused_at_ms >= wished_ms:
        codes = {"after_refusal": 1}
        return codes | ({"repeated_after_refusal": n} if (n := dealing.requests_after_refusal) else {})
    is_free = dealing.threatened_at_ms is None or dealing.threatened_at_ms > wished_ms
    if wished_ms and is_free and signal.at_ms - wished_ms <= policy.windows.grant_days * DAY_MS:
        return {"buyer_wished": 1}
    return {}


def standing_codes(policy: Policy, signal: MessageSeen, around: Circumstances) -> dict[str, int]:
    """How the seller stands: its verification, its record, its habits."""
    seller = around.seller
    codes = {}
    if seller.verification.at_ms and seller.verification.status in UNSOUND:
        codes["unverified"] = 1
    if is_within(signal.at_ms, seller.verification.registered_at_ms, policy.windows.new_seller_days):
        codes["new_seller"] = 1
    if around.strikes >= policy.ladder.reverification:
        codes["bad_record"] = 1
    wording = next((each for each in seller.wordings if is_same_wording(each.fingerprint, signal.fingerprint)), None)
    if (
        wording is not None
        and wording.conversations >= policy.windows.mass_wording_conversations
        and is_within(signal.at_ms, wording.at_ms, policy.windows.mass_wording_days)
    ):
        codes["mass_wording"] = 1
    return codes


def tone_of(signal: MessageSeen) -> int:
    """1 for a message of interest that is put mildly, 2 for a pressing one, 3 for a threat or an insult."""
    return max(rank for rank, manners in enumerate(TONES, 1) if not manners or not manners.isdisjoint(signal.manners))


def is_within(at_ms: int, since_ms: int | None, days: int) -> bool:
    """Whether an instant lies in the days that follow another."""
    return since_ms is not None and 0 <= at_ms - since_ms <= days * DAY_MS
