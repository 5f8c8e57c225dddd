"""What is counted and kept about a seller: its days, strikes, findings, wordings, and when time alone concerns it."""

from pipeline.detection.wording import is_same_wording
from pipeline.judgement.rows import COUNTS, JudgedBefore, Seller, Wording
from pipeline.judgement.state import digest, remembered
from pipeline.judgement.times import DAY_MS
from pipeline.judgement.verdicts import Judged
from pipeline.policy.model import Policy
from schemas.signals import MessageSeen
from schemas.vocabulary import Verdict, VerificationStatus

PLACES = {what: place for place, what in enumerate(COUNTS)}
KEPT_CATEGORIES = 3


def count(policy: Policy, seller: Seller, at_ms: int, what: str, by: int = 1) -> None:
    """Adds to the seller's day. One day too many drops the oldest, were it the event's own: old news counts nowhere."""
    day, place = at_ms // DAY_MS, PLACES[what]
    counts = seller.days.get(day)
    is_new_day = counts is None
    if counts is None:
        counts = []
    if len(counts) <= place:
        counts += [0] * (place + 1 - len(counts))
    counts[place] = max(counts[place] + by, 0)
    if is_new_day:
        days = sorted((seller.days | {day: counts}).items())
        seller.days = dict(days[-(policy.longest_window_days + 1) :])


def recall(policy: Policy, seller: Seller, event_id: str) -> bool:
    """Whether the event is new to the seller; remembers it."""
    seen = remembered(seller.seen, event_id, policy.retention.duplicates)
    if seen is None:
        return False
    seller.seen = seen
    return True


def strikes_of(policy: Policy, verdict: Judged) -> float:
    """What a verdict adds to the strike score."""
    if verdict.has("second_opinion"):
        return 0.0  # a doubt is for a person to settle
    match verdict.verdict:
        case Verdict.VIOLATION:
            return policy.ladder.grave_strikes if grave_rules(policy, verdict) else policy.ladder.violation_strikes
        case Verdict.QUESTIONABLE:
            return policy.ladder.questionable_strikes
        case Verdict.PERMITTED:
            return 0.0


def grave_rules(policy: Policy, verdict: Judged) -> list[str]:
    """The rules of a verdict of which one alone is a reason to verify the seller again."""
    return [reason.code for reason in verdict.reasons if policy.rules[reason.code].is_grave]


def file_finding(policy: Policy, seller: Seller, finding_id: str, verdict: Judged) -> None:
    """Keeps what an outcome needs to know of a finding; a revision takes the place of the finding."""
    others = [each for each in seller.judged if each.finding_id != finding_id]
    if verdict.verdict is not Verdict.PERMITTED:
        rules = " ".join(reason.code for reason in verdict.reasons if reason.points > 0)
        others.append(JudgedBefore(finding_id, strikes_of(policy, verdict), rules))
    seller.judged = others[-policy.hygiene.findings_on_file :]


def remember_wording(policy: Policy, seller: Seller, signal: MessageSeen) -> None:
    """Counts the conversations that a wording went to."""
    if signal.fingerprint is None or not policy.retention.wordings:
        return
    conversation = digest(signal.conversation_id)
    old = next((each for each in seller.wordings if is_same_wording(each.fingerprint, signal.fingerprint)), None)
    since_ms = signal.at_ms - policy.windows.mass_wording_days * DAY_MS
    before = old.conversations if old is not None and old.at_ms >= since_ms else 0
    is_another = old is None or old.last != conversation
    # The first sketch stays: a wording that drifts from message to message becomes another one.
    fingerprint = signal.fingerprint if old is None else old.fingerprint
    new = Wording(fingerprint, signal.at_ms, min(before + is_another, 1_000), conversation)
    others = [each for each in seller.wordings if each is not old]
    seller.wordings = [*others, new][-policy.retention.wordings :]


def period_days(policy: Policy, seller: Seller) -> int:
    """After how long a verification is due again: sooner for a lower level, and for strikes that had reached a step."""
    triggers = policy.triggers
    days = triggers.periodic_days_by_level.get(seller.verification.level or "", triggers.periodic_days)
    return min(days, triggers.periodic_days_at_risk) if seller.strikes >= policy.ladder.warning else days


def remember_category(seller: Seller, category: str) -> None:
    """Keeps the newest few categories that the seller sold in."""
    if not seller.categories or seller.categories[-1] != category:
        seller.categories = [*(each for each in seller.categories if each != category), category][-KEPT_CATEGORIES:]


def with_due(policy: Policy, seller: Seller) -> Seller:
    """The seller's row with the next time at which time alone must change it."""
    verification = seller.verification
    times: list[int] = []
    if verification.status is VerificationStatus.VERIFIED and not verification.is_lapse_told:
        if verification.expires_at_ms is not None:
            times.append(verification.expires_at_ms)
        if verification.verified_at_ms is not None:
            times.append(verification.verified_at_ms + period_days(policy, seller) * DAY_MS)
    if seller.episode is not None and not seller.episode.is_overdue:
        times.append(seller.episode.due_at_ms)
    seller.due_ms = min(times) if times else None
    return seller
