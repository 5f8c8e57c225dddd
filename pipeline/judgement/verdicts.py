"""What speaks for and against a message of a seller: its reasons with their points, and the verdict they add up to."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from pipeline.judgement.discretion import IN_DISPUTE, Circumstances, history_codes
from pipeline.judgement.legitimacy import purpose_codes
from pipeline.judgement.rows import OrderRow
from pipeline.policy.model import Policy
from schemas.outputs import WeighedReason
from schemas.signals import ActSeen, MessageSeen
from schemas.vocabulary import Act, Channel, Manner, Reason, Risk, Severity, Verdict

PUSHES = frozenset({Act.REQUEST, Act.SHARE, Act.HINT})
ACT_RULES = {Act.REQUEST: "request_contact", Act.SHARE: "push_contact", Act.HINT: "hint_contact"}
SECRETS = frozenset({Manner.SENSITIVE_DATA, Manner.IMPERSONATION})
FINDING_MANNERS = SECRETS | {Manner.THREAT, Manner.HARASSMENT, Manner.OFF_PLATFORM_PAYMENT}
MANNER_RULES = {
    Manner.CONSENT_SOUGHT: "consent_sought",
    Manner.USE_LIMITED: "use_limited",
    Manner.ALTERNATIVE_OFFERED: "alternative_offered",
    Manner.URGENCY: "urgency",
    Manner.THREAT: "threat",
    Manner.REVIEW_REWARD: "review_reward",
    Manner.HARASSMENT: "harassment",
    Manner.OFF_PLATFORM_PAYMENT: "off_platform_payment",
}
OPINION = "opinion."
"""What the rules of the learned second opinion begin with."""
KEPT_REASONS = 1_000
RANKS = {verdict: rank for rank, verdict in enumerate(Verdict)}


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
    """Heaviest first."""
    codes: frozenset[str]
    """Of the reasons."""
    history: Mapping[str, int]
    """What the time before the message weighed: rule to how many times."""

    def has(self, code: str) -> bool:
        """Whether a reason weighed in."""
        return code in self.codes


def wants_finding(signal: MessageSeen) -> bool:
    """Whether a seller's message asks, pushes, hints, wants secrets, threatens or moves the payment."""
    return (
        is_push(signal)
        or Reason.PHISHING in signal.reasons
        or any(manner in FINDING_MANNERS for manner in signal.manners)
    )


def is_doubt(signal: MessageSeen) -> bool:
    """Whether only the learned second opinion, and no rule, sees anything in a message that wants a finding."""
    return (
        is_push(signal)
        and all(seen.rule.startswith(OPINION) for seen in pushes_of(signal))
        and Reason.PHISHING not in signal.reasons
        and FINDING_MANNERS.isdisjoint(signal.manners)
    )


def is_push(signal: MessageSeen) -> bool:
    """Whether it asks for contact, pushes or hints at it."""
    return any(seen.act in PUSHES for seen in signal.acts)


def pushes_of(signal: MessageSeen) -> list[ActSeen]:
    """The requests, shares and hints that rules saw; where they saw none, those of the second opinion."""
    pushes = [seen for seen in signal.acts if seen.act in PUSHES]
    return [seen for seen in pushes if not seen.rule.startswith(OPINION)] or pushes


def judged(policy: Policy, signal: MessageSeen, around: Circumstances) -> Judged:
    """The verdict on a seller's message."""
    history = history_codes(policy, signal, around)
    return judged_again(policy, signal, around.order, history)


def judged_again(policy: Policy, signal: MessageSeen, order: OrderRow | None, history: Mapping[str, int]) -> Judged:
    """The verdict under a history known already: of an order or a report that came after the message."""
    codes = dict.fromkeys(message_codes(policy, signal), 1)
    if is_push(signal):
        is_disputed = IN_DISPUTE in history
        codes |= dict.fromkeys(purpose_codes(policy, signal, order, is_disputed=is_disputed), 1)
    codes |= {code: times for code, times in history.items() if code in policy.rules}
    if "after_refusal" not in codes:
        rules, present = policy.rules, codes.keys()
        codes = {code: times for code, times in codes.items() if present.isdisjoint(rules[code].outweighed_by)}
    overridden = overridden_points(policy, signal, order)
    points = {code: rule_points(policy, overridden, code, times) for code, times in codes.items()}
    score = summed(policy, points)
    verdict = verdict_of(policy, codes, score)
    risk = risk_of(policy, codes)
    pushed = pushes_of(signal)
    return Judged(
        act=pushed[0].act if pushed else Act.REQUEST,
        channel=next((seen.channel for seen in pushed if seen.channel is not None), None),
        verdict=verdict,
        severity=severity_of(policy, verdict, risk),
        risk=risk,
        score=score,
        reasons=tuple([weighed(*pair) for pair in sorted(points.items(), key=lambda pair: (-abs(pair[1]), pair[0]))]),
        codes=frozenset(codes),
        history=history,
    )


@lru_cache(KEPT_REASONS)
def weighed(code: str, points: int) -> WeighedReason:
    """A reason; the same few come again and again, and making one takes longer than finding it."""
    return WeighedReason(code=code, points=points)


def message_codes(policy: Policy, signal: MessageSeen) -> set[str]:
    """The rules that the message itself brings in."""
    pushes = pushes_of(signal)
    codes = {ACT_RULES[seen.act] for seen in pushes}
    if any(seen.channel in policy.other_channels for seen in pushes):
        codes.add("other_channel")
    codes |= {MANNER_RULES[manner] for manner in signal.manners if manner in MANNER_RULES}
    if signal.techniques and is_push(signal):
        codes.add("hidden")
    if Reason.PHISHING in signal.reasons or SECRETS.intersection(signal.manners):
        codes.add("phishing")
    if is_doubt(signal):
        codes.add("second_opinion")
    return codes


def summed(policy: Policy, points: Mapping[str, int]) -> int:
    """What speaks against less what speaks in favour, which counts little once the buyer has refused."""
    against = sum(each for each in points.values() if each > 0)
    favour = -sum(each for each in points.values() if each < 0)
    return against - (min(favour, policy.verdicts.relief_after_refusal) if "after_refusal" in points else favour)


def verdict_of(policy: Policy, codes: Mapping[str, int], score: int) -> Verdict:
    """What the points come to, at least what the gravest rule demands, and at most what the mildest allows."""
    reached = (
        Verdict.VIOLATION
        if score >= policy.verdicts.violation
        else Verdict.QUESTIONABLE
        if score >= policy.verdicts.questionable
        else Verdict.PERMITTED
    )
    least = max((reached, *[policy.rules[code].floor for code in codes]), key=RANKS.__getitem__)
    return min((least, *[policy.rules[code].ceiling for code in codes]), key=RANKS.__getitem__)


def risk_of(policy: Policy, codes: Mapping[str, int]) -> Risk:
    """The first class of harm, in the policy's order, that a rule stands for."""
    meant = {policy.rules[code].risk for code in codes}
    return next((risk for risk in policy.risks if risk in meant), Risk.PRIVACY)


def severity_of(policy: Policy, verdict: Verdict, risk: Risk) -> Severity:
    """The risk's own severity for a violation; a doubt is one of at most medium."""
    if verdict is Verdict.VIOLATION:
        return policy.risks[risk]
    is_doubt = verdict is Verdict.QUESTIONABLE and policy.risks[risk] in {Severity.HIGH, Severity.CRITICAL}
    return Severity.MEDIUM if is_doubt else Severity.LOW


def overridden_points(policy: Policy, signal: MessageSeen, order: OrderRow | None) -> Mapping[str, int]:
    """Points that differ here: category goes before marketplace, both together before either."""
    return policy.points_in(signal.marketplace, {item.category for item in order.items} if order else ())


def rule_points(policy: Policy, overridden: Mapping[str, int], code: str, times: int) -> int:
    """What a rule weighs here and now."""
    rule = policy.rules[code]
    return overridden.get(code, rule.points) * min(times, rule.most_times)


def explanation(policy: Policy, verdict: Judged) -> str:
    """The sentences that an analyst can paste: what spoke against the message, then what spoke for it."""
    against = [policy.rules[r.code].text for r in verdict.reasons if r.points > 0]
    favour = [policy.rules[r.code].text for r in verdict.reasons if r.points < 0]
    text = " ".join(against) or "Nothing spoke against it."
    return f"{text} In its favour: {' '.join(favour)}" if favour else text
