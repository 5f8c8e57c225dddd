"""What speaks for and against a message of a seller: its reasons with their points, and the verdict they add up to."""

from dataclasses import dataclass

from pipeline.judgement.rows import Conversation, Dealing, OrderRow, Seller
from pipeline.policy.model import Policy
from schemas.outputs import WeighedReason
from schemas.signals import MessageSeen
from schemas.vocabulary import (
    Act,
    Channel,
    Fulfilment,
    Manner,
    OrderStatus,
    Reason,
    Risk,
    Severity,
    Verdict,
    VerificationStatus,
)

MINUTE_MS = 60_000
DAY_MS = 86_400_000
PUSHES = frozenset({Act.REQUEST, Act.SHARE, Act.HINT})
ACT_RULES = {Act.REQUEST: "request_contact", Act.SHARE: "push_contact", Act.HINT: "hint_contact"}
CALL_CHANNELS = frozenset({None, Channel.PHONE, Channel.SMS, Channel.EMAIL})
SECRETS = frozenset({Manner.SENSITIVE_DATA, Manner.IMPERSONATION})
FINDING_MANNERS = SECRETS | {Manner.THREAT, Manner.HARASSMENT, Manner.OFF_PLATFORM_PAYMENT}
MANNER_RULES = {
    Manner.CONSENT_SOUGHT: "consent_sought",
    Manner.USE_LIMITED: "use_limited",
    Manner.URGENCY: "urgency",
    Manner.THREAT: "threat",
    Manner.REVIEW_REWARD: "review_reward",
    Manner.HARASSMENT: "harassment",
    Manner.OFF_PLATFORM_PAYMENT: "off_platform_payment",
}
PROHIBITED = frozenset({Reason.MARKETING, Reason.FEEDBACK})
REASON_ORDER = (
    Reason.PHISHING,
    Reason.MARKETING,
    Reason.FEEDBACK,
    Reason.DISPUTE,
    Reason.CARRIER,
    Reason.CUSTOMIZATION,
    Reason.TECHNICAL,
    Reason.DELIVERY,
    Reason.VAGUE,
)
ORDER_OVER = frozenset({OrderStatus.DELIVERED, OrderStatus.CANCELLED, OrderStatus.RETURNED})
# After the delivery these reasons still make sense.
AFTERCARE = frozenset({Reason.TECHNICAL, Reason.DISPUTE})
RISK_RULES = (
    (Risk.PHISHING, frozenset({"phishing"})),
    (Risk.HARASSMENT, frozenset({"harassment", "threat", "after_refusal", "after_bad_review"})),
    (Risk.MARKETING, frozenset({"prohibited_purpose", "review_reward"})),
    (Risk.OFF_PLATFORM, frozenset({"off_platform_payment", "other_channel", "push_contact", "hint_contact"})),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on one message and what it rests on."""

    act: Act
    channel: Channel | None
    verdict: Verdict
    severity: Severity
    risk: Risk
    score: int
    reasons: tuple[WeighedReason, ...]

    def has(self, code: str) -> bool:
        """Whether a reason weighed in."""
        return any(reason.code == code for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known around a message when it is judged."""

    seller: Seller
    conversation: Conversation
    dealing: Dealing
    order: OrderRow | None


def wants_finding(signal: MessageSeen) -> bool:
    """Whether a seller's message asks, pushes, hints, wants secrets, threatens or moves the payment."""
    return (
        any(seen.act in PUSHES for seen in signal.acts)
        or Reason.PHISHING in signal.reasons
        or any(manner in FINDING_MANNERS for manner in signal.manners)
    )


def judged(policy: Policy, signal: MessageSeen, around: Circumstances) -> Judged:
    """The verdict on a seller's message, reasons heaviest first."""
    codes = message_codes(signal) | purpose_codes(policy, signal, around) | history_codes(policy, signal, around)
    points = {code: rule_points(policy, signal, around, code) for code in codes}
    score = sum(points.values())
    verdict = (
        Verdict.VIOLATION
        if score >= policy.verdicts.violation
        else Verdict.QUESTIONABLE
        if score >= policy.verdicts.questionable
        else Verdict.PERMITTED
    )
    risk = next((risk for risk, rules in RISK_RULES if rules & codes), Risk.PRIVACY)
    severity = policy.risks[risk] if verdict is Verdict.VIOLATION else Severity.LOW
    ordered = sorted(points.items(), key=lambda pair: (-abs(pair[1]), pair[0]))
    return Judged(
        act=next((seen.act for seen in signal.acts if seen.act in PUSHES), Act.REQUEST),
        channel=next((seen.channel for seen in signal.acts if seen.act in PUSHES), None),
        verdict=verdict,
        severity=severity,
        risk=risk,
        score=score,
        reasons=tuple(WeighedReason(code=code, points=weight) for code, weight in ordered),
    )


def message_codes(signal: MessageSeen) -> set[str]:
    """What the message itself says."""
    codes = {ACT_RULES[seen.act] for seen in signal.acts if seen.act in PUSHES}
    if any(seen.act in PUSHES and seen.channel not in CALL_CHANNELS for seen in signal.acts):
        codes.add("other_channel")
    codes |= {MANNER_RULES[manner] for manner in signal.manners if manner in MANNER_RULES}
    if signal.techniques and codes:
        codes.add("hidden")
    if Reason.PHISHING in signal.reasons or SECRETS.intersection(signal.manners):
        codes.add("phishing")
    return codes


def purpose_codes(policy: Policy, signal: MessageSeen, around: Circumstances) -> set[str]:
    """The reason given, held against the order."""
    if not any(seen.act in PUSHES for seen in signal.acts):
        return set()
    reason = next((each for each in REASON_ORDER if each in signal.reasons), Reason.NONE)
    if reason in PROHIBITED:
        return {"prohibited_purpose"}
    codes = set()
    if reason is Reason.NONE:
        codes.add("no_reason")
    elif reason is Reason.VAGUE:
        codes.add("vague_reason")
    elif reason is not Reason.PHISHING:
        codes.add(need_code(policy, reason, around))
    return codes | order_codes(policy, signal, around, reason, is_needed="needed" in codes)


def need_code(policy: Policy, reason: Reason, around: Circumstances) -> str:
    """Whether the order needs what the reason says, could, or cannot."""
    traits = order_traits(policy, around)
    if traits & set(policy.needs.get(reason, ())):
        return "needed"
    if around.order is not None and traits & set(policy.contradicted_by.get(reason, ())):
        return "contradicted"
    return "unneeded"


def order_traits(policy: Policy, around: Circumstances) -> set[str]:  # noqa: ARG001 - the policy decided when the order came
    """What the order is, in the words of the policy's `needs`."""
    traits = {"dispute"} if around.dealing.complained_at_ms is not None else set()
    order = around.order
    if order is None:
        return traits
    traits |= {str(each) for each in order.fulfilments}
    flags = {
        "bulky": order.is_bulky,
        "customised": order.is_customised,
        "fragile": order.is_fragile,
        "technical": order.is_technical,
    }
    traits |= {name for name, is_set in flags.items() if is_set}
    if set(order.fulfilments) <= {Fulfilment.PARCEL} and not order.is_bulky and order.fulfilments:
        traits.add("small_parcel")
    return traits


def order_codes(
    policy: Policy, signal: MessageSeen, around: Circumstances, reason: Reason, *, is_needed: bool
) -> set[str]:
    """The order's stage and how long ago it was placed."""
    order = around.order
    if order is None:
        return {"no_order"}
    codes = set()
    if order.status in ORDER_OVER and reason not in AFTERCARE:
        codes.add("order_over")
    early_ms = policy.windows.early_request_minutes * MINUTE_MS
    if not is_needed and 0 <= signal.at_ms - order.placed_at_ms < early_ms:
        codes.add("early_request")
    return codes


def history_codes(policy: Policy, signal: MessageSeen, around: Circumstances) -> set[str]:
    """What came before between these two, and how the seller stands."""
    dealing, conversation = around.dealing, around.conversation
    codes = set()
    wished_ms = max(dealing.asked_at_ms or 0, dealing.granted_at_ms or 0)
    has_refused = dealing.refused_at_ms is not None and dealing.refused_at_ms >= wished_ms
    if has_refused:
        codes.add("after_refusal")
        if dealing.requests_after_refusal:
            codes.add("repeated_after_refusal")
    elif wished_ms and signal.at_ms - wished_ms <= policy.windows.grant_days * DAY_MS:
        codes.add("buyer_wished")
    if conversation.requests and not has_refused and "buyer_wished" not in codes:
        codes.add("repeated")
    if Manner.ALTERNATIVE_OFFERED in signal.manners or conversation.alternatives:
        codes.add("alternative_offered")
    soured_ms = max(dealing.bad_review_at_ms or 0, dealing.complained_at_ms or 0)
    is_soured = soured_ms and 0 <= signal.at_ms - soured_ms <= policy.windows.harassment_days * DAY_MS
    if is_soured and Reason.DISPUTE not in signal.reasons and "buyer_wished" not in codes:
        codes.add("after_bad_review")
    if around.seller.verification.status in {
        VerificationStatus.EXPIRED,
        VerificationStatus.REVOKED,
        VerificationStatus.REJECTED,
    }:
        codes.add("unverified")
    return codes


def rule_points(policy: Policy, signal: MessageSeen, around: Circumstances, code: str) -> int:
    """Points of a rule where the message was sent: the most particular override wins, then the rule itself."""
    categories = set(around.order.categories) if around.order else set()
    best, points = -1, policy.rules[code].points
    for override in policy.overrides:
        fits_market = override.marketplace in {None, signal.marketplace}
        fits_category = override.category is None or override.category in categories
        weight = (override.marketplace is not None) + 2 * (override.category is not None)
        if code in override.rules and fits_market and fits_category and weight > best:
            best, points = weight, override.rules[code]
    return points


def explanation(policy: Policy, verdict: Judged) -> str:
    """The sentence that an analyst can paste: what spoke against the message, then what spoke for it."""
    against = [policy.rules[r.code].text for r in verdict.reasons if r.points > 0]
    favour = [policy.rules[r.code].text for r in verdict.reasons if r.points < 0]
    text = " ".join(against)
    return f"{text} In its favour: {' '.join(favour)}" if favour else text
