"""How a verdict leaves: as a finding, and as its revision when an order or a report sheds another light on it."""

import msgspec

from pipeline.judgement.alerts import add_strikes, instant
from pipeline.judgement.rows import Awaiting, Dealing, OrderRow, Seller
from pipeline.judgement.sellers import count, file_finding, strikes_of
from pipeline.judgement.state import State, content_id
from pipeline.judgement.verdicts import OPINION, Judged, explanation, is_doubt, judged_again
from pipeline.policy.book import PolicyBook
from pipeline.policy.model import Policy
from schemas.ids import Pseudonym
from schemas.outputs import Finding
from schemas.signals import MessageSeen
from schemas.vocabulary import Verdict

KEPT_RULES = 16
NOT_KEPT = {"contacts", "former_buyer"}
NOBODY = Pseudonym(f"b_{'0' * 24}")
"""Stands for a buyer who was erased."""


def finding_id_of(signal: MessageSeen) -> str:
    """Id of the finding on a message, from where the message lies."""
    return content_id("f", signal.origin.topic, signal.origin.partition, signal.origin.offset)


def publish_finding(policy: Policy, state: State, signal: MessageSeen, verdict: Judged, revision: int = 0) -> None:
    """Adds the finding to the effects."""
    state.findings.append(
        Finding(
            finding_id=finding_id_of(signal),
            revision=revision,
            message_id=signal.message_id,
            conversation_id=signal.conversation_id,
            seller_id=signal.seller_id,
            buyer=signal.buyer,
            order_id=signal.order_id,
            marketplace=signal.marketplace,
            language=signal.language,
            at=instant(signal.at_ms),
            act=verdict.act,
            channel=verdict.channel,
            verdict=verdict.verdict,
            severity=verdict.severity,
            risk=verdict.risk,
            score=verdict.score,
            reasons=verdict.reasons,
            rules=signal.rules,
            explanation=explanation(policy, verdict),
            policy_version=policy.version,
            excerpt=signal.excerpt,
        )
    )


def await_more(policy: Policy, dealing: Dealing, signal: MessageSeen, verdict: Judged, order_id: str | None) -> None:
    """Keeps the message for a while, so that what comes later can revise its finding."""
    awaiting = Awaiting(
        message=as_kept(signal),
        order_id=order_id,
        history=dict(sorted(verdict.history.items())),
        score=verdict.score,
        verdict=verdict.verdict,
    )
    dealing.lately = [*dealing.lately, awaiting][-policy.retention.lately :] if policy.retention.lately else []


def as_kept(signal: MessageSeen) -> msgspec.Raw:
    """What is kept of a message for a revision."""
    if len(signal.rules) > KEPT_RULES or len(signal.acts) > KEPT_RULES:
        rules = sorted(signal.rules, key=lambda rule: not rule.startswith(OPINION))  # a verdict asks for these alone
        signal = signal.model_copy(update={"rules": tuple(rules[:KEPT_RULES]), "acts": signal.acts[:KEPT_RULES]})
    return msgspec.Raw(signal.__pydantic_serializer__.to_json(signal, exclude_none=True, exclude=NOT_KEPT))


def message_of(awaiting: Awaiting) -> MessageSeen:
    """The message as it was judged."""
    return MessageSeen.model_validate_json(bytes(awaiting.message))


def revise(book: PolicyBook, state: State, seller: Seller, awaiting: Awaiting, order: OrderRow | None) -> Judged | None:
    """Judges a message again, by the policy of its own time; `None` where nothing changed.

    The finding's revision takes the place of the finding everywhere: in the seller's counts, strikes and files.
    """
    signal = message_of(awaiting)
    policy = book.in_force(signal.at_ms)
    verdict = judged_again(policy, signal, order, awaiting.history)
    if (verdict.score, verdict.verdict) == (awaiting.score, awaiting.verdict):
        return None
    finding_id = finding_id_of(signal)
    old_strikes = next((each.strikes for each in seller.judged if each.finding_id == finding_id), 0.0)
    add_strikes(policy, seller, signal.at_ms, strikes_of(policy, verdict) - old_strikes)
    was_counted, is_counted = (each is not Verdict.PERMITTED for each in (awaiting.verdict, verdict.verdict))
    if was_counted is not is_counted and not is_doubt(signal):
        count(policy, seller, signal.at_ms, "solicitations", 1 if is_counted else -1)
    file_finding(policy, seller, finding_id, verdict)
    awaiting.revision += 1
    awaiting.score, awaiting.verdict = verdict.score, verdict.verdict
    publish_finding(policy, state, signal, verdict, awaiting.revision)
    return verdict


def erase_finding(book: PolicyBook, state: State, awaiting: Awaiting) -> None:
    """Publishes a last revision without buyer and excerpt: the highest revision holds."""
    signal = message_of(awaiting)
    policy = book.in_force(signal.at_ms)
    order = state.order(signal.seller_id, awaiting.order_id) if awaiting.order_id is not None else None
    verdict = judged_again(policy, signal, order, awaiting.history)
    nobody = signal.model_copy(update={"buyer": NOBODY, "excerpt": ""})
    publish_finding(policy, state, nobody, verdict, awaiting.revision + 1)
