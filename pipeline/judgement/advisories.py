"""What buyer and seller are told: at most one of a kind per conversation, in the message's language."""

from pipeline.judgement.alerts import instant
from pipeline.judgement.rows import Conversation
from pipeline.judgement.state import State, content_id
from pipeline.judgement.verdicts import Judged
from pipeline.policy.model import Policy
from schemas.outputs import Advisory
from schemas.signals import MessageSeen
from schemas.vocabulary import Verdict


def advise(policy: Policy, state: State, signal: MessageSeen, conversation: Conversation, verdict: Judged) -> None:
    """Adds the advisories that a message calls for and that this conversation has not had."""
    for code in wanted(verdict):
        if code not in conversation.advised and code in policy.advisories:
            conversation.advised = sorted([*conversation.advised, code])
            state.advisories.append(advisory(policy, signal, code))


def wanted(verdict: Judged) -> tuple[str, ...]:
    """Which advisories a verdict calls for."""
    if verdict.has("phishing"):
        return ("buyer_phishing",)
    if verdict.verdict is Verdict.PERMITTED:
        return ()
    seller = "seller_refused" if verdict.has("after_refusal") else "seller_guidance"
    return ("buyer_unusual_request", seller)


def advisory(policy: Policy, signal: MessageSeen, code: str) -> Advisory:
    """One advisory; English where the policy lacks the language."""
    entry = policy.advisories[code]
    language = (signal.language or "en").split("-")[0]
    language = language if language in entry.texts else "en"
    title, text = entry.texts[language]
    return Advisory(
        advisory_id=content_id("v", signal.seller_id, signal.conversation_id, entry.audience, code),
        audience=entry.audience,
        code=code,
        seller_id=signal.seller_id,
        conversation_id=signal.conversation_id,
        message_id=signal.message_id,
        language=language,
        title=title,
        text=text,
        at=instant(signal.at_ms),
        policy_version=policy.version,
    )
